/* Jobs in and out of the scheduler.
 *
 * A job is in the list `jobs` from sched_add to sched_end, in order of
 * arrival.  What a request says is checked before it becomes a job
 * (sched_prepare), with all the memory it will ever need: once accepted, it
 * cannot fail for a few bytes half way.  sched_prepare touches no scheduler, so
 * any thread may call it; everything else here is the scheduler's thread's. */
#include "engine/sched_own.h"

#include "base/clock.h"
#include <stdlib.h>

static const char *const reason_names[] = {
    [JOB_STOP] = "stop", [JOB_LENGTH] = "length",
    [JOB_CANCELLED] = "cancelled", [JOB_TIMEOUT] = "timeout",
    [JOB_ERROR] = "error",
};

const char *job_reason_name(enum job_reason r)
{
    return reason_names[r];
}

/* ---- in ---- */

static enum err check_ids(const int32_t *ids, size_t n, size_t n_vocab,
                          struct err_info *why)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= n_vocab)
            return fail(why, ERR_REQUEST, "token %zu of the prompt is %d, ids "
                        "are from 0 to %zu", i, (int)ids[i], n_vocab - 1);
    return ERR_OK;
}

static enum err check_stops(const struct job_request *r, bool has_text,
                            struct err_info *why)
{
    if (r->n_stops > 0 && !has_text)
        return fail(why, ERR_REQUEST, "stop strings need a tokenizer");
    for (size_t i = 0; i < r->n_stops; i++)
        if (r->stops[i].len == 0)
            return fail(why, ERR_REQUEST, "stop string %zu is empty", i);
    return ERR_OK;
}

/* Everything a request says is checked here, once; from there on a wrong value
 * is a bug.
 *
 * Tokens that one job may have: its context, and what the cache holds. */
static size_t most_tokens(const struct runner *r)
{
    return r->ctx < r->capacity ? r->ctx : r->capacity;
}

static enum err check(const struct sched_parts *parts,
                      const struct job_request *r, struct err_info *why)
{
    size_t n_vocab = parts->runner->n_vocab;
    size_t most = most_tokens(parts->runner);
    enum err e;
    if (r->n_prompt == 0)
        return fail(why, ERR_REQUEST, "the prompt has no tokens");
    if (r->n_prompt >= most)
        return fail(why, ERR_LIMIT, "the prompt has %zu tokens, the context "
                    "holds %zu, the answer included", r->n_prompt, most);
    if ((e = check_ids(r->prompt, r->n_prompt, n_vocab, why)) != ERR_OK
        || (e = check_stops(r, parts->tok != NULL, why)) != ERR_OK)
        return e;
    return sampling_check(&r->sampling, n_vocab, why);
}

static void append(struct sched *s, struct job *j)
{
    struct job **at = &s->jobs;
    while (*at != NULL)
        at = &(*at)->next;
    *at = j;
    s->n_jobs++;
}

/* The limit is fixed now, with all memory that the job will ever need: what has
 * been accepted does not fail half way for lack of a few bytes. */
enum err sched_prepare(struct job **out, const struct sched_parts *parts,
                       const struct job_request *r, struct err_info *why)
{
    const struct runner *m = parts->runner;
    size_t most = most_tokens(m);
    enum err e = check(parts, r, why);
    if (e != ERR_OK)
        return e;
    size_t limit = r->max_tokens == 0 || r->max_tokens > most - r->n_prompt
                   ? most : r->n_prompt + r->max_tokens;
    if ((e = job_open(out, r, limit, parts->tok, why)) == ERR_OK)
        (*out)->regime = m->ops->regime(m->arg, (uint32_t)limit);
    return e;
}

uint64_t sched_add(struct sched *s, struct job *prepared)
{
    prepared->id = ++s->last_id;
    append(s, prepared);
    return prepared->id;
}

void sched_drop(struct job *prepared)
{
    job_close(prepared);
}

enum err sched_submit(struct sched *s, const struct job_request *r,
                      uint64_t *id, struct err_info *why)
{
    struct job *j;
    enum err e = sched_prepare(&j, &s->parts, r, why);
    if (e == ERR_OK)
        *id = sched_add(s, j);
    return e;
}

/* ---- out ---- */

void sched_take_seq(struct sched *s, struct job *j)
{
    if (j->seq < 0)
        return;
    s->parts.runner->ops->seq_close(s->parts.runner->arg, j->seq);
    j->seq = -1;
}

static void unlink_job(struct sched *s, struct job *j)
{
    struct job **at = &s->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    s->n_jobs--;
    s->n_running -= j->state != JOB_WAITING;
}

/* The tokens that have run become an entry of the shelf, with their memory. */
static void shelve(struct sched *s, struct job *j)
{
    struct prefix p = job_prefix(j);
    p.n = j->ran;
    shelf_put(&s->shelf, (struct shelf_entry){ .own = j->tokens, .prefix = p,
                                               .seq = j->seq });
    j->tokens = NULL;
    j->seq = -1;
}

static enum job_phase phase_of(const struct job *j)
{
    return j->usage.n_output > 0 ? JOB_IN_ANSWER
           : j->admitted_ns != 0 ? JOB_IN_PROMPT : JOB_QUEUED;
}

static void count_end(struct sched *s, const struct job *j,
                      enum job_reason reason)
{
    s->stats.n_ended[reason]++;
    if (reason == JOB_CANCELLED || reason == JOB_TIMEOUT)
        s->stats.n_cancelled[phase_of(j)]++;
}

/* The event comes last but for the job's own memory, in which its text lies:
 * who hears it may rely on the job being gone and its blocks given back. */
void sched_end(struct sched *s, struct job *j, enum job_reason reason,
               const struct err_info *error)
{
    unlink_job(s, j);
    count_end(s, j, reason);
    if (j->seq >= 0 && j->ran > 0 && reason != JOB_ERROR)
        shelve(s, j);
    sched_take_seq(s, j);
    job_finish(j, reason, error);
    job_close(j);
}

void sched_end_all(struct sched *s, bool only_running,
                   enum job_reason reason, const struct err_info *error)
{
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        if (!only_running || j->state != JOB_WAITING)
            sched_end(s, j, reason, error);
    }
}

static struct job *find(struct sched *s, uint64_t id)
{
    struct job *j = s->jobs;
    while (j != NULL && j->id != id)
        j = j->next;
    return j;
}

bool sched_cancel(struct sched *s, uint64_t id)
{
    struct job *j = find(s, id);
    if (j != NULL)
        sched_end(s, j, JOB_CANCELLED, NULL);
    return j != NULL;
}

bool sched_hold(struct sched *s, uint64_t id, bool hold)
{
    struct job *j = find(s, id);
    if (j != NULL)
        j->held = hold;
    return j != NULL;
}

/* Between steps only: within one, the batch points into the jobs. */
void sched_end_given_up(struct sched *s)
{
    int64_t now = clock_ns();
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        if (job_cancelled(j))
            sched_end(s, j, JOB_CANCELLED, NULL);
        else if (job_late(j, now))
            sched_end(s, j, JOB_TIMEOUT, NULL);
    }
}
