#include "engine/measure.h"

#include "base/clock.h"
#include "engine/runner.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    struct engine        *engine;
    const struct runner  *runner;
    struct measure_case   c;
    const struct progress *progress;
    int32_t              *seq;           /* [batch]; -1: not open */
    uint32_t              n_seq;
    /* a step [max_tokens] */
    int32_t              *token, *pos, *of_seq;
    bool                 *want;
    float                *logits;        /* [batch][n_vocab] */
    uint32_t              random;
};

/* Any tokens will do: what is computed does not depend on them, but for which
 * experts and which rows of the embedding are read; so they vary. */
static int32_t next_token(struct measure *m)
{
    m->random = m->random * 1664525u + 1013904223u;
    return (int32_t)((m->random >> 8) % m->runner->n_vocab);
}

static enum err step(struct measure *m, size_t n, struct err_info *why)
{
    struct batch b = { n, m->token, m->pos, m->of_seq, m->want };

    return m->runner->ops->forward(m->runner->arg, &b, m->logits, m->progress,
                                   why);
}

/* `n` tokens of sequence s from position `at` on; logits of the very last. */
static enum err feed(struct measure *m, uint32_t s, uint32_t at, uint32_t n,
                     struct err_info *why)
{
    const struct runner *r = m->runner;
    enum err e = r->ops->reserve(r->arg, m->seq[s], n, why);

    for (uint32_t done = 0, k; e == ERR_OK && done < n; done += k) {
        k = n - done < r->max_tokens ? n - done : (uint32_t)r->max_tokens;
        for (uint32_t i = 0; i < k; i++) {
            m->token[i] = next_token(m);
            m->pos[i] = (int32_t)(at + done + i);
            m->of_seq[i] = m->seq[s];
            m->want[i] = done + i + 1 == n;
        }
        e = step(m, k, why);
    }
    return e;
}

/* One token for each sequence. */
static enum err decode_step(struct measure *m, uint32_t pos,
                            struct err_info *why)
{
    const struct runner *r = m->runner;
    enum err e = ERR_OK;

    for (uint32_t s = 0; s < m->c.batch && e == ERR_OK; s++) {
        m->token[s] = next_token(m);
        m->pos[s] = (int32_t)pos;
        m->of_seq[s] = m->seq[s];
        m->want[s] = true;
        e = r->ops->reserve(r->arg, m->seq[s], 1, why);
    }
    return e == ERR_OK ? step(m, m->c.batch, why) : e;
}

static bool take_memory(struct measure *m)
{
    size_t n = m->runner->max_tokens;

    m->seq = calloc(m->c.batch, sizeof *m->seq);
    m->token = calloc(n, sizeof *m->token);
    m->pos = calloc(n, sizeof *m->pos);
    m->of_seq = calloc(n, sizeof *m->of_seq);
    m->want = calloc(n, sizeof *m->want);
    m->logits = calloc(m->c.batch, m->runner->n_vocab * sizeof *m->logits);
    return m->seq && m->token && m->pos && m->of_seq && m->want && m->logits;
}

static enum err open_seqs(struct measure *m, struct err_info *why)
{
    const struct runner *r = m->runner;
    enum err e = ERR_OK;

    for (uint32_t s = 0; s < m->c.batch && e == ERR_OK; s++) {
        m->seq[s] = r->ops->seq_open(r->arg, m->c.context + m->c.tokens);
        if (m->seq[s] < 0)
            return fail(why, ERR_FULL, "only %u sequences can be held",
                        (unsigned)s);
        m->n_seq = s + 1;
        e = feed(m, s, 0, m->c.context, why);
    }
    return e;
}

enum err measure_open(struct measure **out, struct engine *e,
                      const struct measure_case *c,
                      const struct progress *progress, struct err_info *why)
{
    const struct runner *r = engine_runner(e);
    struct measure *m;
    enum err err;

    *out = NULL;
    if (c->context > r->ctx || c->tokens > r->ctx - c->context)
        return fail(why, ERR_LIMIT, "%u tokens behind %u do not fit into a "
                    "context of %u", (unsigned)c->tokens, (unsigned)c->context,
                    (unsigned)r->ctx);
    if (c->batch > r->max_tokens)
        return fail(why, ERR_LIMIT, "a batch of %u: at most %zu",
                    (unsigned)c->batch, r->max_tokens);
    if ((m = calloc(1, sizeof *m)) == NULL)
        return fail_nomem(why);
    m->engine = e;
    m->runner = r;
    m->c = *c;
    m->progress = progress;
    err = take_memory(m) ? open_seqs(m, why) : fail_nomem(why);
    if (err != ERR_OK) {
        measure_close(m);
        return err;
    }
    *out = m;
    return ERR_OK;
}

void measure_close(struct measure *m)
{
    if (m == NULL)
        return;
    for (uint32_t s = 0; s < m->n_seq; s++)
        m->runner->ops->seq_close(m->runner->arg, m->seq[s]);
    free(m->seq);
    free(m->token);
    free(m->pos);
    free(m->of_seq);
    free(m->want);
    free(m->logits);
    free(m);
}

/* after - before. */
static struct tally difference(const struct tally *after,
                               const struct tally *before)
{
    struct tally d = *after;

    d.n_bytes -= before->n_bytes;
    for (int u = 0; u < TALLY_UNITS; u++)
        d.n_ops[u] -= before->n_ops[u];
    for (size_t i = 0; i < before->n_rows; i++) {
        d.row[i].n_calls -= before->row[i].n_calls;
        d.row[i].n_ops -= before->row[i].n_ops;
    }
    return d;
}

enum err measure_run(struct measure *m, struct measure_run *out,
                     struct err_info *why)
{
    const struct runner *r = m->runner;
    struct tally before = *engine_tally(m->engine);
    enum err e = ERR_OK;
    int64_t start = clock_ns();

    if (m->c.kind == MEASURE_PREFILL)
        e = feed(m, 0, m->c.context, m->c.tokens, why);
    for (uint32_t i = 0; m->c.kind == MEASURE_DECODE && i < m->c.tokens
                         && e == ERR_OK; i++)
        e = decode_step(m, m->c.context + i, why);
    out->seconds = (double)(clock_ns() - start) / 1e9;
    out->work = difference(engine_tally(m->engine), &before);
    for (uint32_t s = 0; s < m->c.batch; s++)
        r->ops->truncate(r->arg, m->seq[s], m->c.context);
    return e;
}
