#include "engine/sampler.h"

#include "engine/candidates.h"
#include "engine/philox.h"
#include "engine/weigh.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The chain of sampler.h as two tables: rows that change logits in place, and
 * rows that narrow what is left (candidates.c).
 *
 * Penalties are computed from the tokens themselves at every draw instead of
 * being kept as counts beside the sequence: counts would have to be copied on
 * a fork, rebuilt after a pause and kept in step with a truncate.  A pass over
 * the tokens costs less than one over the vocabulary. */
struct sampler {
    size_t            n_rows;
    int32_t          *never;
    size_t            n_never;
    uint32_t         *count;     /* [n_rows], all zero between calls */
    struct candidates left;
};

double sampler_uniform(uint64_t seed, uint64_t position)
{
    struct philox counter = { { (uint32_t)position, (uint32_t)(position >> 32),
                                0, 0 } };
    struct philox r = philox4x32(counter, (uint32_t)seed,
                                 (uint32_t)(seed >> 32));
    uint64_t bits = (uint64_t)r.word[0] << 32 | r.word[1];
    return (double)(bits >> 11) * 0x1p-53;
}

enum err sampler_open(struct sampler **out, size_t n_rows,
                      const int32_t *never, size_t n_never,
                      struct err_info *why)
{
    struct sampler *s = NULL;
    enum err e = ERR_NOMEM;
    if (n_rows == 0 || n_never >= n_rows)
        return fail(why, ERR_FORMAT, "of %zu ids, %zu can never be sampled; "
                    "none is left", n_rows, n_never);
    if (!(s = calloc(1, sizeof *s)))                          goto no_sampler;
    s->n_rows = n_rows;
    s->n_never = n_never;
    if (!(s->never = calloc(n_never + 1, sizeof *s->never)))  goto no_never;
    if (!(s->count = calloc(n_rows, sizeof *s->count)))       goto no_count;
    if ((e = candidates_open(&s->left, n_rows)) != ERR_OK)    goto no_left;
    if (n_never > 0)
        memcpy(s->never, never, n_never * sizeof *never);
    *out = s;
    return ERR_OK;

no_left:    free(s->count);
no_count:   free(s->never);
no_never:   free(s);
no_sampler: return fail(why, e, "out of memory for the sampler");
}

void sampler_close(struct sampler *s)
{
    if (s == NULL)
        return;
    candidates_close(&s->left);
    free(s->count);
    free(s->never);
    free(s);
}

/* ---- rows that change logits ---- */

typedef void row_change(struct sampler *s, const struct sampling *p,
                        const struct sample_context *c);

static void add_bias(struct sampler *s, const struct sampling *p,
                     const struct sample_context *c)
{
    (void)c;
    for (size_t i = 0; i < p->n_bias; i++)
        s->left.logit[p->bias[i].id] += p->bias[i].bias;
}

/* Once for each id, however often it was seen: `count` remembers. */
static void penalise_repetition(struct sampler *s, const struct sampling *p,
                                const struct sample_context *c)
{
    size_t last_n = p->repeat_last_n;
    size_t from = last_n > 0 && last_n < c->n_tokens ? c->n_tokens - last_n : 0;
    if (p->repetition_penalty == 1)
        return;
    for (size_t i = from; i < c->n_tokens; i++) {
        float *logit = &s->left.logit[c->tokens[i]];
        if (s->count[c->tokens[i]]++ > 0)
            continue;
        *logit = *logit > 0 ? *logit / p->repetition_penalty
                            : *logit * p->repetition_penalty;
    }
    for (size_t i = from; i < c->n_tokens; i++)
        s->count[c->tokens[i]] = 0;
}

/* Counted, then multiplied: adding the penalty once for each time would round
 * differently for the same number of times. */
static void penalise_use(struct sampler *s, const struct sampling *p,
                         const struct sample_context *c)
{
    if (p->frequency_penalty == 0 && p->presence_penalty == 0)
        return;
    for (size_t i = c->n_prompt; i < c->n_tokens; i++)
        s->count[c->tokens[i]]++;
    for (size_t i = c->n_prompt; i < c->n_tokens; i++) {
        uint32_t *n = &s->count[c->tokens[i]];
        if (*n > 0)
            s->left.logit[c->tokens[i]] -= (float)*n * p->frequency_penalty
                                           + p->presence_penalty;
        *n = 0;
    }
}

/* After the penalties and before the temperature: whatever they did to such an
 * id, it cannot come back from -infinity. */
static void forbid(struct sampler *s, const struct sampling *p,
                   const struct sample_context *c)
{
    (void)p;
    for (size_t i = 0; i < s->n_never; i++)
        s->left.logit[s->never[i]] = -INFINITY;
    if (c->mask == NULL)
        return;
    for (size_t i = 0; i < s->n_rows; i++)
        if (!(c->mask[i / 64] >> (i % 64) & 1))
            s->left.logit[i] = -INFINITY;
}

/* ---- the chain ---- */

static row_change *const changes[] = {
    add_bias, penalise_repetition, penalise_use, forbid,
};

static candidates_row *const narrowings[] = {
    candidates_top_k, candidates_top_p, candidates_min_p,
};

/* Dividing by less would overflow; nobody can tell the difference. */
static const float greedy_below = 1e-6f;

/* The best one is looked for first in any case: the exponentials are taken
 * relative to it, so that none overflows and the greatest is exactly 1. */
static enum err choose(struct sampler *s, const struct sampling *p,
                       const struct sample_context *c, int32_t *id,
                       struct err_info *why)
{
    struct candidates *left = &s->left;
    candidates_fill(left, c->logits);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        changes[i](s, p, c);
    int32_t best = candidates_best(left);
    if (left->logit[best] == -INFINITY)
        return fail(why, ERR_REQUEST, "the mask of allowed tokens leaves none");
    *id = best;
    if (p->temperature < greedy_below)
        return ERR_OK;
    candidates_weigh(left, left->logit[best], p);
    for (size_t i = 0; i < sizeof narrowings / sizeof *narrowings; i++)
        narrowings[i](left, p);
    *id = candidates_pick(left, sampler_uniform(p->seed, c->n_tokens));
    return ERR_OK;
}

/* The list leaves out ids that cannot come out: nobody could write them. */
static void list_top(struct sampler *s, const struct sampling *p,
                     const float *logits, double base, struct sample *out)
{
    size_t most = s->n_rows - s->n_never;
    out->n_top = p->n_top < most ? p->n_top : (uint32_t)most;
    if (out->n_top == 0)
        return;
    candidates_fill(&s->left, logits);
    for (size_t i = 0; i < s->n_never; i++)
        s->left.logit[s->never[i]] = -INFINITY;
    logprob_top(out->top, out->n_top, s->left.logit, s->n_rows, base);
}

/* NaNs are looked for before anything else: every comparison below would answer
 * false for them, and the token chosen would be an accident. */
enum err sampler_draw(struct sampler *s, const struct sampling *p,
                      const struct sample_context *c, struct sample *out,
                      struct err_info *why)
{
    double base = 0;
    enum err e = ERR_OK;
    assert(c->n_prompt <= c->n_tokens);
    out->logprob = 0;
    out->n_top = 0;
    if (p->logprobs || !weigh_finite(c->logits, s->n_rows))
        e = logprob_base(&base, c->logits, s->n_rows, why);
    if (e == ERR_OK)
        e = choose(s, p, c, &out->id, why);
    if (e != ERR_OK || !p->logprobs)
        return e;
    out->logprob = (float)((double)c->logits[out->id] - base);
    list_top(s, p, c->logits, base, out);
    return ERR_OK;
}
