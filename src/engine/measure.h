/* How fast a model runs: steps of given shapes, timed. */
#ifndef OSMIA_ENGINE_MEASURE_H
#define OSMIA_ENGINE_MEASURE_H

#include "device/device.h"
#include "engine/engine.h"

enum measure_kind { MEASURE_PREFILL, MEASURE_DECODE };

/* PREFILL: `tokens` prompt tokens of one sequence behind `context` others, one
 * row of logits.  DECODE: `tokens` steps of one token for each of `batch`
 * sequences, each behind `context` tokens of its own. */
struct measure_case {
    enum measure_kind kind;
    uint32_t tokens, batch, context;
};

struct measure_run {
    double       seconds;
    struct tally work;           /* of this run alone */
};

struct measure;

/* Fills the contexts.  ERR_LIMIT: the engine's context or cache is too small;
 * ERR_CANCELLED. */
enum err measure_open(struct measure **out, struct engine *e,
                      const struct measure_case *c,
                      const struct progress *progress, struct err_info *why);
void     measure_close(struct measure *m);

/* Time it once; afterwards the sequences are as before. */
enum err measure_run(struct measure *m, struct measure_run *out,
                     struct err_info *why);

#endif
