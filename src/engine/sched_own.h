/* The scheduler from the inside.
 *
 *   1. `jobs` is sorted by id, so by age.  Those admitted are not always the
 *      oldest (one may have been paused), but whoever is admitted next is the
 *      oldest one waiting.
 *   2. A job that needs room takes it from finished sequences first, then from
 *      jobs whose reader is slow, then from jobs younger than itself.  So the
 *      oldest one always goes on, and everybody's turn comes.  A job that waits
 *      for its place takes it from one whose reader is slow, never from others.
 *   3. Nothing changes between the beginning of a step and the end of its
 *      `forward` but reservations and grants: a step that is cancelled can be
 *      run again.
 *   4. At most runner->max_tokens tokens are granted in a step, at most one row
 *      of logits for each running job.
 *
 * Owner: one thread (see sched.h). */
#ifndef OSMIA_ENGINE_SCHED_OWN_H
#define OSMIA_ENGINE_SCHED_OWN_H

#include "engine/job.h"
#include "engine/pace.h"
#include "engine/sched.h"
#include "engine/shelf.h"

struct sched {
    struct sched_parts   parts;
    struct sched_options options;
    struct sampler      *sampler;
    struct shelf         shelf;
    struct job          *jobs;
    size_t               n_jobs, n_running;
    uint64_t             last_id;
    size_t               stepped;
    size_t               granted_prompt;    /* of the step: prompt tokens */
    struct pace          pace;
    struct sched_stats   stats;

    /* the batch of a step [runner->max_tokens] */
    int32_t             *token, *pos, *seq;
    bool                *want;
    float               *logits;        /* [max_running, n_vocab] */
    uint64_t            *mask;          /* bits for n_vocab ids */
};

/* ---- plan.c: who runs what in this step ---- */

/* Admit waiting jobs while there is room, then grant tokens: one to each that
 * decodes, a bounded chunk to prompts, oldest first.  Cache is reserved for all
 * that is granted.  Jobs that cannot ever have room end with an error. */
void plan_step(struct sched *s);

/* ---- sched_jobs.c ---- */

/* The job is gone; its sequence goes to the shelf; then its last event. */
void sched_end(struct sched *s, struct job *j, enum job_reason reason,
               const struct err_info *error);
/* Its blocks go back to the cache, if it has any. */
void sched_take_seq(struct sched *s, struct job *j);
/* End jobs whose flag says so and those that are late; between steps only. */
void sched_end_given_up(struct sched *s);

#endif
