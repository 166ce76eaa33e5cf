/* One job from start to end: what `run`, `chat` and simple programs want. */
#ifndef OSMIA_ENGINE_GENERATE_H
#define OSMIA_ENGINE_GENERATE_H

#include "engine/engine.h"
#include "engine/sched.h"

/* A scheduler over an engine; the parts stay the engine's. */
enum err engine_sched(struct sched **out, struct engine *e,
                      const struct sched_options *o, struct err_info *why);

struct generated {
    enum job_reason  reason;
    struct job_usage usage;
};

/* Submit, step until it has ended.  `progress` may cancel at any time: the job
 * ends (its last event comes) with reason JOB_CANCELLED and ERR_OK is returned.
 * An error of the job (JOB_ERROR) is returned as such. */
enum err generate(struct sched *s, const struct job_request *r,
                  const struct progress *progress, struct generated *out,
                  struct err_info *why);

#endif
