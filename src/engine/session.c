#include "engine/session.h"

#include "base/checked.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows of logits that one step may give: enough to keep the output head busy,
 * no more memory than needed. */
enum { ROWS_MAX = 32, ROWS_SIZE = 16 << 20, CHUNK = 256 };

/* See session.h for the invariants.  The logits of a step go into a buffer of
 * the session, which hands them out row by row; the last row stays there for
 * session_logits and session_sample until the next step. */
struct session {
    struct session_parts parts;
    struct sampler      *sampler;
    int                  seq;
    uint32_t             declared_len;
    uint32_t             most;           /* tokens it may hold */
    int32_t             *tokens;
    size_t               n, cap;
    float               *logits;         /* [max_rows, n_vocab] */
    size_t               max_rows;
    const float         *last;           /* row of the last token, or NULL */

    /* the batch of a step [chunk] */
    int32_t             *pos, *of_seq;
    bool                *want;
    size_t               max_chunk;
};

static const struct runner *runner_of(const struct session *s)
{
    return s->parts.runner;
}

/* ---- open and close ---- */

static bool open_batch(struct session *s)
{
    const struct runner *r = runner_of(s);
    assert(r->n_vocab > 0 && r->max_rows > 0 && r->max_tokens > 0);
    size_t fit = ROWS_SIZE / (r->n_vocab * sizeof(float));
    s->max_rows = fit < 1 ? 1 : fit > ROWS_MAX ? ROWS_MAX : fit;
    if (s->max_rows > r->max_rows)
        s->max_rows = r->max_rows;
    s->max_chunk = r->max_tokens;
    s->logits = calloc(s->max_rows, r->n_vocab * sizeof *s->logits);
    s->pos = calloc(s->max_chunk, sizeof *s->pos);
    s->of_seq = calloc(s->max_chunk, sizeof *s->of_seq);
    s->want = calloc(s->max_chunk, sizeof *s->want);
    return s->logits && s->pos && s->of_seq && s->want;
}

void session_close(struct session *s)
{
    if (s == NULL)
        return;
    if (s->seq >= 0)
        runner_of(s)->ops->seq_close(runner_of(s)->arg, s->seq);
    sampler_close(s->sampler);
    free(s->tokens);
    free(s->logits);
    free(s->pos);
    free(s->of_seq);
    free(s->want);
    free(s);
}

static enum err open_seq(struct session *s, struct err_info *why)
{
    const struct runner *r = runner_of(s);
    s->seq = r->ops->seq_open(r->arg, s->declared_len);
    if (s->seq < 0)
        return fail(why, ERR_FULL, "all sequences of this model are in use");
    return ERR_OK;
}

enum err session_open_on(struct session **out,
                         const struct session_parts *parts,
                         uint32_t declared_len, struct err_info *why)
{
    const struct runner *r = parts->runner;
    enum err e;
    if (declared_len > r->ctx)
        return fail(why, ERR_LIMIT, "a session of %u tokens was asked for, the "
                    "context holds %u", (unsigned)declared_len,
                    (unsigned)r->ctx);
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return fail_nomem(why);
    s->parts = *parts;
    s->seq = -1;
    s->declared_len = declared_len;
    s->most = declared_len > 0 ? declared_len : r->ctx;
    e = sampler_open(&s->sampler, r->n_vocab, parts->never, parts->n_never,
                     why);
    if (e == ERR_OK && !open_batch(s))
        e = fail_nomem(why);
    if (e == ERR_OK)
        e = open_seq(s, why);
    if (e != ERR_OK) {
        session_close(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

/* ---- what it holds ---- */

const int32_t *session_tokens(const struct session *s, size_t *n)
{
    *n = s->n;
    return s->tokens;
}

size_t session_room(const struct session *s)
{
    return s->most - s->n;
}

const float *session_logits(const struct session *s)
{
    return s->last;
}

void session_truncate(struct session *s, size_t len)
{
    assert(len <= s->n);
    if (len == s->n)
        return;
    runner_of(s)->ops->truncate(runner_of(s)->arg, s->seq, (uint32_t)len);
    s->n = len;
    s->last = NULL;
}

/* Half as much again each time, never beyond what the session may hold. */
static enum err make_space(struct session *s, size_t n, struct err_info *why)
{
    if (n <= s->cap)
        return ERR_OK;
    size_t cap = n + n / 2 < s->most ? n + n / 2 : s->most;
    int32_t *grown = realloc(s->tokens, cap * sizeof *grown);
    if (grown == NULL)
        return fail_nomem(why);
    s->tokens = grown;
    s->cap = cap;
    return ERR_OK;
}

/* ---- running tokens ---- */

/* Progress of the whole run while one of its steps is computed. */
struct watch {
    const struct progress *outer;
    uint64_t               done, total;
};

static bool watch_tick(void *arg, const char *doing, uint64_t done,
                       uint64_t total)
{
    const struct watch *w = arg;
    (void)doing, (void)done, (void)total;
    return progress_tick(w->outer, "prompt", w->done, w->total);
}

/* How many tokens from `at` the next step takes: not more than a chunk, and not
 * more rows than there is memory for. */
static size_t step_len(const struct session *s, const struct session_run *r,
                       size_t at)
{
    size_t chunk = r->chunk > 0 ? r->chunk : CHUNK;
    size_t n = r->n - at < chunk ? r->n - at : chunk;
    size_t before = r->rows_from > at ? r->rows_from - at : 0;
    if (n > s->max_chunk)
        n = s->max_chunk;
    if (n > before && n - before > s->max_rows)
        n = before + s->max_rows;
    return n;
}

static enum err hand_out_rows(struct session *s, const struct session_run *r,
                              size_t n_rows, struct err_info *why)
{
    size_t n_vocab = runner_of(s)->n_vocab;
    enum err e = ERR_OK;
    s->last = n_rows > 0 ? s->logits + (n_rows - 1) * n_vocab : NULL;
    for (size_t i = 0; i < n_rows && r->row != NULL && e == ERR_OK; i++)
        e = r->row(r->arg, (uint32_t)(s->n - n_rows + i),
                   s->logits + i * n_vocab, why);
    return e;
}

/* The tokens are taken up only when the step has succeeded, so that `tokens`
 * and the cache never disagree. */
static enum err run_step(struct session *s, const struct session_run *r,
                         size_t at, size_t n, struct err_info *why)
{
    const struct runner *m = runner_of(s);
    struct watch watch = { r->progress, at, r->n };
    struct progress progress = { watch_tick, &watch };
    struct batch batch = { n, r->tokens + at, s->pos, s->of_seq, s->want };
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        s->pos[i] = (int32_t)(s->n + i);
        s->of_seq[i] = s->seq;
        s->want[i] = at + i >= r->rows_from;
        n_rows += s->want[i];
    }
    enum err e = m->ops->reserve(m->arg, s->seq, n, why);
    if (e == ERR_OK)
        e = m->ops->forward(m->arg, &batch, s->logits, &progress, why);
    if (e != ERR_OK)
        return e;
    memcpy(s->tokens + s->n, r->tokens + at, n * sizeof *s->tokens);
    s->n += n;
    return hand_out_rows(s, r, n_rows, why);
}

static enum err check_run(const struct session *s, const struct session_run *r,
                          size_t held, struct err_info *why)
{
    if (r->n == 0)
        return fail(why, ERR_REQUEST, "there are no tokens to run");
    for (size_t i = 0; i < r->n; i++)
        if (r->tokens[i] < 0 || (size_t)r->tokens[i] >= runner_of(s)->n_vocab)
            return fail(why, ERR_REQUEST, "token %zu is %d, ids are from 0 to "
                        "%zu", i, (int)r->tokens[i], runner_of(s)->n_vocab - 1);
    if (r->n > s->most - held)
        return fail(why, ERR_LIMIT, "%zu tokens do not fit: the context holds "
                    "%u, %zu are taken", r->n, (unsigned)s->most, held);
    return ERR_OK;
}

static enum err run_from(struct session *s, const struct session_run *r,
                         size_t at, struct err_info *why)
{
    enum err e = make_space(s, s->n + r->n - at, why);
    while (e == ERR_OK && at < r->n) {
        size_t n = step_len(s, r, at);
        s->last = NULL;
        e = run_step(s, r, at, n, why);
        at += n;
    }
    return e;
}

enum err session_run(struct session *s, const struct session_run *r,
                     struct err_info *why)
{
    enum err e = check_run(s, r, s->n, why);
    return e == ERR_OK ? run_from(s, r, 0, why) : e;
}

/* Tokens whose rows are wanted must run, so the common part ends before them.
 */
enum err session_feed(struct session *s, const struct session_run *r,
                      size_t *n_reused, struct err_info *why)
{
    enum err e = check_run(s, r, 0, why);
    size_t common = 0, most = r->rows_from < r->n ? r->rows_from : r->n;
    if (e != ERR_OK)
        return e;
    if (most > s->n)
        most = s->n;
    while (common < most && s->tokens[common] == r->tokens[common])
        common++;
    session_truncate(s, common);
    if (n_reused != NULL)
        *n_reused = common;
    return run_from(s, r, common, why);
}

/* ---- choosing, forking ---- */

enum err session_sample(struct session *s, const struct sampling *p,
                        size_t n_prompt, struct sample *out,
                        struct err_info *why)
{
    struct sample_context c = { .logits = s->last, .tokens = s->tokens,
                                .n_tokens = s->n, .n_prompt = n_prompt };
    enum err e = sampling_check(p, runner_of(s)->n_vocab, why);
    if (e != ERR_OK)
        return e;
    if (s->last == NULL)
        return fail(why, ERR_REQUEST, "no token has been run whose logits "
                    "could be sampled");
    if (n_prompt > s->n)
        return fail(why, ERR_REQUEST, "%zu tokens are called a prompt, the "
                    "session holds %zu", n_prompt, s->n);
    return sampler_draw(s->sampler, p, &c, out, why);
}

/* The logits do not go with it: they belong to the last token of `from`, and a
 * fork may end anywhere. */
enum err session_fork(struct session **out, const struct session *from,
                      size_t len, struct err_info *why)
{
    const struct runner *r = runner_of(from);
    struct session *s;
    assert(len <= from->n);
    enum err e = session_open_on(&s, &from->parts, from->declared_len, why);
    if (e != ERR_OK)
        return e;
    if ((e = make_space(s, len, why)) == ERR_OK && len > 0)
        e = r->ops->fork(r->arg, from->seq, s->seq, (uint32_t)len, why);
    if (e != ERR_OK) {
        session_close(s);
        return e;
    }
    if (len > 0)
        memcpy(s->tokens, from->tokens, len * sizeof *s->tokens);
    s->n = len;
    *out = s;
    return ERR_OK;
}
