/* What one answer is asked to be: sampling, stops, limits; from flags, and from
 * the members of a line of `run --jsonl`, which win over the flags. */
#ifndef OSMIA_CLI_REQUEST_H
#define OSMIA_CLI_REQUEST_H

#include "base/arena.h"
#include "base/json.h"
#include "cli/options.h"
#include "engine/engine.h"
#include "engine/sched.h"

enum { MAX_TOKENS_DEFAULT = 2048 };

struct request {
    struct sampling_given asked;
    bool          has_seed;
    uint64_t      seed;
    struct slice *stops;              /* [n_stops], in the arena */
    size_t        n_stops;
    struct logit_bias *bias;          /* [n_bias], in the arena */
    size_t        n_bias;
    size_t        max_tokens;
    bool          ignore_eos;
    bool          logprobs;
    uint32_t      n_top;
};

enum err request_from_options(struct request *r, struct arena *arena,
                              const struct options *o, struct err_info *why);

/* Values of --stop and --logit-bias. */
flag_check request_check_stop, request_check_bias;

/* Replace what the line says.  Members that are not about sampling are left to
 * the caller. */
enum err request_from_line(struct request *r, struct arena *arena,
                           const struct json *line, struct err_info *why);

/* Fill the scheduler's request (all but prompt and event) from `r` and the
 * model's own wishes; `fallback` is what nobody asked for.  A seed is drawn
 * where none is given. */
enum err request_to_job(struct job_request *job, const struct request *r,
                        const struct engine *e,
                        const struct sampling *fallback, struct err_info *why);

#endif
