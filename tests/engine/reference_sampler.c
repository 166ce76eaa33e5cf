#include "reference_sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    double logit, p;
    size_t id;
};

static int by_logit(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static size_t times_in(const struct sample_context *c, size_t from, size_t id)
{
    size_t n = 0;
    for (size_t i = from; i < c->n_tokens; i++)
        n += (size_t)c->tokens[i] == id;
    return n;
}

static float changed(float l, size_t id, const struct sampling *s,
                     const struct sample_context *c)
{
    size_t from = 0, n;
    for (size_t i = 0; i < s->n_bias; i++)
        if ((size_t)s->bias[i].id == id)
            l += s->bias[i].bias;
    if (s->repeat_last_n > 0 && s->repeat_last_n < c->n_tokens)
        from = c->n_tokens - s->repeat_last_n;
    if (times_in(c, from, id) > 0)
        l = l < 0 ? l * s->repetition_penalty : l / s->repetition_penalty;
    n = times_in(c, c->n_prompt, id);
    if (n > 0)
        l -= (float)n * s->frequency_penalty + s->presence_penalty;
    return l;
}

/* Normalise the first n entries. */
static void normalise(struct entry *e, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += e[i].p;
    for (size_t i = 0; i < n; i++)
        e[i].p /= sum;
}

static size_t narrowed(struct entry *e, size_t n, const struct sampling *s)
{
    double sum = 0;
    if (s->top_k > 0 && s->top_k < n)
        n = s->top_k;
    normalise(e, n);
    for (size_t i = 0; i < n && s->top_p < 1; i++) {
        sum += e[i].p;
        if (sum >= (double)s->top_p) {
            n = i + 1;
            break;
        }
    }
    normalise(e, n);
    while (n > 1 && e[n - 1].p < (double)s->min_p * e[0].p)
        n--;
    normalise(e, n);
    return n;
}

void reference_probabilities(double *p, const struct sampling *s,
                             const struct sample_context *c, size_t n_rows,
                             const bool *never)
{
    struct entry *e = calloc(n_rows, sizeof *e);
    size_t n = 0;
    for (size_t id = 0; id < n_rows; id++) {
        p[id] = 0;
        if (never[id] || (c->mask && !(c->mask[id / 64] >> (id % 64) & 1)))
            continue;
        e[n++] = (struct entry){ (double)changed(c->logits[id], id, s, c), 0,
                                 id };
    }
    qsort(e, n, sizeof *e, by_logit);
    if (s->temperature <= 0)
        n = 1;
    for (size_t i = 0; i < n; i++)
        e[i].p = n == 1 ? 1 : exp((e[i].logit - e[0].logit)
                                  / (double)s->temperature);
    n = narrowed(e, n, s);
    for (size_t i = 0; i < n; i++)
        p[e[i].id] = e[i].p;
    free(e);
}
