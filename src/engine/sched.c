/* Jobs in and out, and the step that moves them all.
 *
 *   sched.c   jobs: opened, checked, appended; the step; the end of a job
 *   plan.c    who runs what in a step: admission, shared prefixes, room
 *   job.c     one job: its tokens, its text, its stops
 *   shelf.c   finished sequences that are kept for their prefixes
 *
 * A job is in the list `jobs` from sched_add to sched_end, in order of
 * arrival.  What a request says is checked before it becomes a job
 * (sched_prepare), with all the memory it will ever need: once accepted, it
 * cannot fail for a few bytes half way. */
#include "engine/sched_own.h"

#include "base/clock.h"
#include <assert.h>
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

/* ---- open and close ---- */

static size_t jobs_by_memory(const struct runner *r)
{
    size_t n = r->capacity / (r->ctx / 4 + 1);
    return n < 1 ? 1 : n > SCHED_JOBS_MAX ? SCHED_JOBS_MAX : n;
}

/* A step holds one token of every running job and at least one of a prompt. */
static void set_options(struct sched *s, const struct sched_options *o)
{
    const struct runner *r = s->parts.runner;
    size_t most = r->max_rows < r->max_tokens - 1 ? r->max_rows
                                                  : r->max_tokens - 1;
    s->options = *o;
    if (o->max_running == 0)
        s->options.max_running = jobs_by_memory(r);
    if (s->options.max_running > most)
        s->options.max_running = most;
    if (o->chunk == 0)
        s->options.chunk = 256;
    if (o->chunk_beside == 0)
        s->options.chunk_beside = o->max_step_ms > 0 ? s->options.chunk : 64;
    pace_init(&s->pace, o->max_step_ms);
}

static bool open_batch(struct sched *s)
{
    size_t n = s->parts.runner->max_tokens, n_vocab = s->parts.runner->n_vocab;
    s->token = calloc(n, sizeof *s->token);
    s->pos = calloc(n, sizeof *s->pos);
    s->seq = calloc(n, sizeof *s->seq);
    s->want = calloc(n, sizeof *s->want);
    s->logits = calloc(s->options.max_running, n_vocab * sizeof *s->logits);
    s->mask = calloc(n_vocab / 64 + 1, sizeof *s->mask);
    return s->token && s->pos && s->seq && s->want && s->logits && s->mask;
}

static void close_batch(struct sched *s)
{
    free(s->token);
    free(s->pos);
    free(s->seq);
    free(s->want);
    free(s->logits);
    free(s->mask);
}

enum err sched_open(struct sched **out, const struct sched_parts *parts,
                    const struct sched_options *o, struct err_info *why)
{
    struct sched *s = calloc(1, sizeof *s);
    enum err e = ERR_NOMEM;
    if (s == NULL)
        return fail_nomem(why);
    s->parts = *parts;
    set_options(s, o);
    /* Every running job may decode, and a prompt must come forward, too. */
    assert(s->options.max_running > 0);
    if ((e = shelf_open(&s->shelf, parts->runner, o->max_kept, why)) != ERR_OK)
        goto no_shelf;
    e = sampler_open(&s->sampler, parts->runner->n_vocab, parts->never,
                     parts->n_never, why);
    if (e != ERR_OK)
        goto no_sampler;
    e = ERR_NOMEM;
    if (!open_batch(s)) {
        fail_nomem(why);
        goto no_batch;
    }
    *out = s;
    return ERR_OK;

no_batch:   close_batch(s);
            sampler_close(s->sampler);
no_sampler: shelf_close(&s->shelf);
no_shelf:   free(s);
    return e;
}

static void give_seq_back(struct sched *s, struct job *j)
{
    if (j->seq < 0)
        return;
    s->parts.runner->ops->seq_close(s->parts.runner->arg, j->seq);
    j->seq = -1;
}

void sched_close(struct sched *s)
{
    if (s == NULL)
        return;
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        give_seq_back(s, j);
        job_close(j);
    }
    close_batch(s);
    sampler_close(s->sampler);
    shelf_close(&s->shelf);
    free(s);
}

void sched_forget(struct sched *s)
{
    while (shelf_drop_oldest(&s->shelf))
        ;
}

size_t sched_jobs(const struct sched *s)
{
    return s->n_jobs;
}

size_t sched_running(const struct sched *s)
{
    return s->n_running;
}

size_t sched_max_running(const struct sched *s)
{
    return s->options.max_running;
}

/* Every group of the cache has the same number of blocks, so a position takes
 * all / (capacity / block) of them. */
struct sched_blocks sched_blocks(const struct sched *s)
{
    const struct runner *r = s->parts.runner;
    struct sched_blocks b = { 0 };
    size_t used, columns = 0, per_column;
    r->ops->blocks(r->arg, &used, &b.all);
    per_column = b.all / (r->capacity / r->block > 0 ? r->capacity / r->block
                                                     : 1);
    for (const struct job *j = s->jobs; j != NULL; j = j->next)
        columns += (j->ran + j->grant + r->block - 1) / r->block;
    b.jobs = columns * per_column < used ? columns * per_column : used;
    b.kept = used - b.jobs;
    return b;
}

size_t sched_stepped(const struct sched *s)
{
    return s->stepped;
}

struct sched_stats sched_stats(const struct sched *s)
{
    return s->stats;
}

/* ---- jobs in ---- */

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

/* ---- jobs out ---- */

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
    give_seq_back(s, j);
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
static void end_given_up(struct sched *s)
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

/* ---- a step ---- */

/* Lay the grants out as a batch; the row of a job's last token is wanted when
 * the job has no more after it. */
static struct batch fill_batch(struct sched *s)
{
    size_t n = 0;
    for (const struct job *j = s->jobs; j != NULL; j = j->next)
        for (size_t i = 0; i < j->grant; i++, n++) {
            assert(n < s->parts.runner->max_tokens);
            s->token[n] = j->tokens[j->ran + i];
            s->pos[n] = (int32_t)(j->ran + i);
            s->seq[n] = j->seq;
            s->want[n] = i + 1 == job_left(j);
        }
    return (struct batch){ .n = n, .token = s->token, .pos = s->pos,
                           .seq = s->seq, .want_logits = s->want };
}

/* What `forward` is told as progress: it is given up when the caller says so,
 * or when everybody it would serve has gone. */
struct watch {
    struct sched          *sched;
    const struct progress *outer;
    bool                   deserted;
};

static bool watch_tick(void *arg, const char *doing, uint64_t done,
                       uint64_t total)
{
    struct watch *w = arg;
    uint64_t ran = 0, prompts = 0;
    int64_t now = clock_ns();
    (void)doing, (void)done, (void)total;
    w->deserted = true;
    for (const struct job *j = w->sched->jobs; j != NULL; j = j->next) {
        if (j->grant > 0 && !job_cancelled(j) && !job_late(j, now))
            w->deserted = false;
        if (j->state != JOB_PREFILL)
            continue;
        ran += j->ran;
        prompts += j->n_tokens;
    }
    return w->deserted || progress_tick(w->outer, "prompt", ran, prompts);
}

/* A pure function of the job's tokens, parameters and row: it does not matter
 * which jobs stand beside it, or whether it was paused before. */
static enum err pick(struct sched *s, struct job *j, const float *logits,
                     struct sample *out, struct err_info *why)
{
    const struct token_mask *m = &j->request.mask;
    struct sample_context c = { .logits = logits, .tokens = j->tokens,
                                .n_tokens = j->n_tokens,
                                .n_prompt = j->request.n_prompt };
    if (m->fill != NULL) {
        enum err e = m->fill(m->arg, s->mask, s->parts.runner->n_vocab,
                             j->tokens + c.n_prompt, c.n_tokens - c.n_prompt,
                             why);
        if (e != ERR_OK)
            return e;
        c.mask = s->mask;
    }
    return sampler_draw(s->sampler, &j->request.sampling, &c, out, why);
}

static bool ends_answer(const struct sched *s, int32_t id)
{
    for (size_t i = 0; i < s->parts.n_eos; i++)
        if (s->parts.eos[i] == id)
            return true;
    return false;
}

static void take_row(struct sched *s, struct job *j, const float *logits)
{
    struct sample sample;
    struct err_info why;
    enum job_reason reason;
    if (pick(s, j, logits, &sample, &why) != ERR_OK) {
        sched_end(s, j, JOB_ERROR, &why);
        return;
    }
    j->state = JOB_DECODE;
    size_t before = j->n_tokens;
    bool over = job_take_token(j, &sample, ends_answer(s, sample.id), &reason,
                               &why);
    s->stats.n_output += j->n_tokens - before;
    if (over)
        sched_end(s, j, reason, reason == JOB_ERROR ? &why : NULL);
    else
        job_check(j);
}

/* Rows stand in the order of the batch, which is the order of the jobs.  A job
 * may end in here; none can be added or paused. */
static void take_results(struct sched *s)
{
    const float *row = s->logits;
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        if (j->grant == 0)
            continue;
        j->ran += j->grant;
        j->grant = 0;
        if (job_left(j) > 0)
            continue;
        take_row(s, j, row);
        row += s->parts.runner->n_vocab;
    }
}

static enum err run_batch(struct sched *s, const struct progress *progress,
                          const struct batch *batch, struct err_info *why)
{
    const struct runner *r = s->parts.runner;
    int64_t begun = clock_ns();
    enum err e = r->ops->forward(r->arg, batch, s->logits, progress, why);
    if (e != ERR_OK)
        return e;
    s->stepped = batch->n;
    s->stats.n_steps++;
    s->stats.n_tokens += batch->n;
    take_results(s);
    pace_note(&s->pace, batch->n - s->granted_prompt, s->granted_prompt,
              clock_ms_since(begun));
    return ERR_OK;
}

/* The invariants of sched_own.h that can be looked at between steps. */
static void check_all(const struct sched *s)
{
    size_t n = 0, n_running = 0;
    for (const struct job *j = s->jobs; j != NULL; j = j->next) {
        job_check(j);
        n++;
        n_running += j->state != JOB_WAITING;
        assert(j->next == NULL || j->next->id > j->id);
        for (const struct job *i = j->next; i != NULL; i = i->next)
            assert(j->seq < 0 || i->seq != j->seq);
        for (size_t i = 0; i < s->shelf.n; i++)
            assert(j->seq != s->shelf.at[i].seq);
    }
    assert(n == s->n_jobs && n_running == s->n_running);
    assert(s->n_running <= s->options.max_running);
    assert(s->shelf.n <= s->shelf.max);
    (void)n, (void)n_running;
}

/* When everybody the step would have served has gone, forward was told to give
 * up and says ERR_CANCELLED; that is no error of the step, and others may go on
 * at once. */
enum err sched_step(struct sched *s, const struct progress *progress,
                    struct err_info *why)
{
    struct watch watch = { .sched = s, .outer = progress };
    struct progress inner = { watch_tick, &watch };
    enum err e = ERR_OK;
    s->stepped = 0;
    do {
        end_given_up(s);
        plan_step(s);
        struct batch batch = fill_batch(s);
        watch.deserted = false;
        e = batch.n > 0 ? run_batch(s, &inner, &batch, why) : ERR_OK;
    } while (e == ERR_CANCELLED && watch.deserted);
    check_all(s);
    return e;
}
