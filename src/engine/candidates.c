/* The ids that are left, from all of them to the few that a draw chooses from.
 *
 * While nothing was cut they are dense: id i lies at place i and `id` is not
 * filled.  Top-k and top-p cut without sorting the vocabulary: by a threshold
 * that is found digit by digit (cut.c), then only what passed is put in order.
 * A draw from a flat distribution over 262,144 ids costs a pass over them, not
 * a sort. */
#include "engine/candidates.h"

#include "base/checked.h"
#include "engine/cut.h"
#include "engine/weigh.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 64 };      /* elements that are looked at together by top-k */

enum err candidates_open(struct candidates *c, size_t n_rows)
{
    size_t padded = weigh_padded(n_rows);
    *c = (struct candidates){ .n_rows = n_rows };
    c->logit = calloc(padded, sizeof *c->logit);
    c->weight = calloc(padded, sizeof *c->weight);
    c->id = calloc(padded, sizeof *c->id);
    c->block_sum = calloc(padded / WEIGH_BLOCK, sizeof *c->block_sum);
    c->group_best = calloc(padded / GROUP, sizeof *c->group_best);
    if (c->logit && c->weight && c->id && c->block_sum && c->group_best)
        return ERR_OK;
    candidates_close(c);
    return ERR_NOMEM;
}

void candidates_close(struct candidates *c)
{
    free(c->logit);
    free(c->weight);
    free(c->id);
    free(c->block_sum);
    free(c->group_best);
    *c = (struct candidates){ 0 };
}

void candidates_fill(struct candidates *c, const float *logits)
{
    memcpy(c->logit, logits, c->n_rows * sizeof *logits);
    for (size_t i = c->n_rows; i < weigh_padded(c->n_rows); i++)
        c->logit[i] = -INFINITY;
    c->n = c->n_rows;
    c->dense = true;
}

int32_t candidates_best(const struct candidates *c)
{
    float best = weigh_max(c->logit, weigh_padded(c->n_rows));
    size_t i = 0;
    assert(c->dense);
    while (i < c->n_rows && c->logit[i] != best)
        i++;
    return (int32_t)i;
}

/* ---- from dense to a list ---- */

/* Keep element i of what is left (or of all ids) as the next one. */
static inline void take(struct candidates *c, size_t *n, size_t i)
{
    assert(c->weight != NULL);
    c->logit[*n] = c->logit[i];
    c->weight[*n] = c->weight[i];
    c->id[*n] = c->dense ? (int32_t)i : c->id[i];
    (*n)++;
}

/* Added up again from what is left, in the order of ids: a total that was only
 * reduced would depend on what has been dropped. */
static void settle(struct candidates *c, size_t n)
{
    c->n = n;
    c->dense = false;
    c->total = 0;
    for (size_t i = 0; i < n; i++)
        c->total += (double)c->weight[i];
}

/* The k best lie among the elements that reach the k-th best of the groups'
 * greatest: k groups have an element there.  So most groups need no look. */
static void list_for_top_k(struct candidates *c, size_t k)
{
    size_t n_groups = weigh_padded(c->n_rows) / GROUP, n = 0;
    float bound = -FLT_MAX;
    for (size_t g = 0; g < n_groups; g++)
        c->group_best[g] = weigh_max(c->logit + g * GROUP, GROUP);
    if (k <= n_groups)
        bound = cut_find(c->group_best, NULL, n_groups, (double)k).logit;
    for (size_t g = 0; g < n_groups; g++) {
        if (c->group_best[g] < bound)
            continue;
        for (size_t i = g * GROUP; i < (g + 1) * GROUP; i++)
            if (c->logit[i] >= bound && c->logit[i] > -INFINITY)
                take(c, &n, i);
    }
    settle(c, n);
}

/* What weighs less than `least` cannot survive.  For top-p: n elements below
 * (1 - p) total / n weigh less than (1 - p) together, so those above reach p
 * without them; half of it leaves room for rounding.  `total` stays that of all
 * ids, because top-p counts shares of it. */
static void list_above(struct candidates *c, const struct sampling *p)
{
    double rest = (1.0 - (double)p->top_p) * c->total / (double)c->n_rows / 2;
    float least = rest > (double)p->min_p ? (float)rest : p->min_p;
    double total = c->total;
    size_t n = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->weight[i] >= least && c->logit[i] > -INFINITY)
            take(c, &n, i);
    settle(c, n);
    c->total = total;
}

/* Greedy never comes here.  Only one of the two lists is made: with top-k its
 * few elements are all that later rows need; without it, a floor under the
 * weights does as much. */
void candidates_weigh(struct candidates *c, float best,
                      const struct sampling *p)
{
    size_t n_blocks = weigh_padded(c->n_rows) / WEIGH_BLOCK;
    c->total = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        c->block_sum[b] = weigh_block(c->weight + b * WEIGH_BLOCK,
                                      c->logit + b * WEIGH_BLOCK, best,
                                      p->temperature);
        c->total += (double)c->block_sum[b];
    }
    if (p->top_k > 0 && p->top_k < c->n_rows)
        list_for_top_k(c, p->top_k);
    else if (p->top_p < 1 || p->min_p > 0)
        list_above(c, p);
}

/* ---- the rows ---- */

/* Keep what the cut says.  Equal logits share the last place in the order of
 * their ids, so the result does not depend on how the cut was found. */
static void keep(struct candidates *c, const float *mass, double target)
{
    struct cut cut = cut_find(c->logit, mass, c->n, target);
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool equal = c->logit[i] == cut.logit;
        if (c->logit[i] < cut.logit || (equal && cut.above >= target))
            continue;
        if (equal)
            cut.above += mass ? (double)mass[i] : 1;
        take(c, &n, i);
    }
    settle(c, n);
}

void candidates_top_k(struct candidates *c, const struct sampling *p)
{
    if (p->top_k > 0 && p->top_k < c->n)
        keep(c, NULL, p->top_k);
}

void candidates_top_p(struct candidates *c, const struct sampling *p)
{
    double target = (double)p->top_p * c->total;
    if (p->top_p < 1)       /* 0 keeps one: the least mass there is */
        keep(c, c->weight, target > 0 ? target : DBL_MIN);
}

/* The best weighs 1, so the threshold is min_p itself. */
void candidates_min_p(struct candidates *c, const struct sampling *p)
{
    size_t n = 0;
    if (p->min_p <= 0)
        return;
    for (size_t i = 0; i < c->n; i++)
        if (c->weight[i] >= p->min_p)
            take(c, &n, i);
    settle(c, n);
}

/* ---- the draw ---- */

/* The element in [from, to) where the running sum passes `at`.  Rounding may
 * leave a hair beyond the last one: then it is the last that has a weight. */
static size_t walk(const struct candidates *c, size_t from, size_t to,
                   double at)
{
    size_t last = from;
    for (size_t i = from; i < to; i++) {
        if (c->weight[i] <= 0)
            continue;
        last = i;
        if (at < (double)c->weight[i])
            break;
        at -= (double)c->weight[i];
    }
    return last;
}

/* Dense: whole blocks are passed over by their sums, so that a draw from a full
 * vocabulary reads one block instead of all. */
int32_t candidates_pick(const struct candidates *c, double u)
{
    double at = u * c->total;
    if (!c->dense)
        return c->id[walk(c, 0, c->n, at)];

    size_t n_blocks = weigh_padded(c->n_rows) / WEIGH_BLOCK, block = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        if (c->block_sum[b] <= 0)
            continue;
        block = b;
        if (at < (double)c->block_sum[b])
            break;
        at -= (double)c->block_sum[b];
    }
    return (int32_t)walk(c, block * WEIGH_BLOCK, (block + 1) * WEIGH_BLOCK, at);
}
