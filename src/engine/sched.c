/* The scheduler as a whole, and the step that moves all jobs.
 *
 *   sched.c        open, close, facts; the step
 *   sched_jobs.c   jobs: checked, appended, ended
 *   plan.c         who runs what in a step: admission, shared prefixes, room
 *   job.c          one job: its tokens, its text, its stops
 *   shelf.c        finished sequences that are kept for their prefixes
 *
 * A step is: end what was given up, plan, lay the grants out as a batch, run it,
 * hand each job its row of logits.  Whatever happens in between (a cancelled
 * forward, a full cache, a job that ends) the next step finds every job as its
 * state says (job.h), or check_all stops the process in builds with
 * assertions. */
#include "engine/sched_own.h"

#include "base/clock.h"
#include <assert.h>
#include <stdlib.h>

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

void sched_close(struct sched *s)
{
    if (s == NULL)
        return;
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        sched_take_seq(s, j);
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
        sched_end_given_up(s);
        plan_step(s);
        struct batch batch = fill_batch(s);
        watch.deserted = false;
        e = batch.n > 0 ? run_batch(s, &inner, &batch, why) : ERR_OK;
    } while (e == ERR_CANCELLED && watch.deserted);
    check_all(s);
    return e;
}
