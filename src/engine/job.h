/* A job, from the scheduler's inside.
 *
 *   WAITING --admit--> PREFILL --last chunk--> DECODE --stop or limit--> (gone)
 *      ^  |               |  |                    |  |                      ^
 *      |  |               |  |                    |  |                      |
 *      +--|---- pause ----+--|---------- pause ---+  |                      |
 *         +------------------+------ cancel ---------+----------------------+
 *
 *   WAITING   holds no sequence.  Tokens beyond the prompt are there when it
 *             was paused; they are run again like a prompt, and since the same
 *             tokens give the same bits, nobody can tell.
 *   PREFILL   has a sequence in which `ran` of its tokens stand.
 *   DECODE    all tokens but the last have run; the next step runs that one.
 *
 * Owner: the scheduler. */
#ifndef OSMIA_ENGINE_JOB_H
#define OSMIA_ENGINE_JOB_H

#include "base/arena.h"
#include "engine/emit.h"
#include "engine/sched.h"
#include "engine/shelf.h"

enum job_state { JOB_WAITING, JOB_PREFILL, JOB_DECODE };

struct job {
    struct job        *next;         /* ids ascend along the list */
    uint64_t           id;
    enum job_state     state;
    bool               held;         /* its reader is slow */

    struct job_request request;      /* pointers go into `arena` */
    struct arena       arena;
    int32_t           *tokens;       /* prompt, then output; [limit] */
    size_t             n_tokens;
    size_t             limit;        /* tokens it may ever have */
    uint64_t           regime;

    int                seq;          /* -1: none */
    size_t             ran;          /* tokens in the cache */
    size_t             grant;        /* tokens it runs in this step */
    bool               begun;        /* its sequence has begun: with a shared
                                        prefix, or with nothing */
    bool               met_cache;    /* n_cached has been told */

    struct emit        emit;
    struct job_usage   usage;
    int64_t            submitted_ns, admitted_ns, first_ns;
};

/* Copy a request; limit: see struct job.  The request has been checked. */
enum err job_open(struct job **out, const struct job_request *r, size_t limit,
                  const struct tokenizer *tok, struct err_info *why);
/* The sequence must have been given back. */
void     job_close(struct job *j);

/* The invariants above, as assertions. */
void     job_check(const struct job *j);

static inline size_t job_left(const struct job *j)
{
    return j->n_tokens - j->ran;
}

static inline bool job_cancelled(const struct job *j)
{
    return j->request.cancel != NULL && atomic_load(j->request.cancel);
}

static inline bool job_late(const struct job *j, int64_t now_ns)
{
    return j->request.deadline_ns != 0 && now_ns >= j->request.deadline_ns;
}

struct prefix job_prefix(const struct job *j);

/* A token was chosen: append it, send its event.  *reason is set and true
 * returned when the job has come to its end with it. */
bool     job_take_token(struct job *j, const struct sample *token, bool is_end,
                        enum job_reason *reason, struct err_info *why);
/* Send the last event.  `error` for JOB_ERROR. */
void     job_finish(struct job *j, enum job_reason reason,
                    const struct err_info *error);

#endif
