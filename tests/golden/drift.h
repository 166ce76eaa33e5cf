/* Tiny models against the reference's results, and against themselves. */
#ifndef OSMIA_TESTS_DRIFT_H
#define OSMIA_TESTS_DRIFT_H

#include "golden/rig.h"
#include "golden/tiny.h"

enum { LONGEST = 200, LAYERS_MAX = 4, VOCAB_MAX = 160 };

/* A tiny model in one form; `golden` names the results (NULL: none needed). */
struct variant {
    const char      *name, *golden;
    struct tiny_form form;
};

/* The largest deviations found, as shares of the reference's range; `first`: of
 * position 0. */
struct drift {
    double logits, hidden[LAYERS_MAX], first[LAYERS_MAX];
};

/* At every position of prompts of 1, 20 and LONGEST tokens. */
struct drift drift_of(const struct variant *v, const struct rig_options *o,
                      uint32_t *n_layer);
/* Says what drifted first; true when nothing drifted further than `most`. */
bool agrees(const struct drift *d, uint32_t n_layer, double most,
            const char *name, bool quiet);
/* The same of a committed file, tests/golden/NAME.gguf and .bin, whose tokens are
 * those of `t`. */
struct drift drift_of_file(const char *name, const struct tiny *t,
                           const struct rig_options *o);
void expect_drift(const struct variant *v, const struct rig_options *o,
                  double most);

/* Logits [LONGEST][VOCAB_MAX], to be freed. */
struct tiny_path write_variant(const struct variant *v, struct tiny *t);
float *run_with(const struct tiny_path *p, const struct tiny *t,
                const struct rig_options *o, size_t chunk, unsigned guests);
bool   same_bytes(const float *a, const float *b);
/* Whatever the chunk, the threads and the neighbours: the same bytes. */
void   invariant(const struct variant *v, struct rig_options o);

#endif
