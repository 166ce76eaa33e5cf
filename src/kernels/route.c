/* From a router's logits to a token's experts.  Scores are made with lanes; the
 * choice is a search for the best, n_used times: for the few that are wanted
 * that beats sorting. */
#include "kernels/kernel.h"

#include "tensor/math.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* ---- scores ---- */

static vf sigmoid(vf x)
{
    vf one = vf_set1(1.0f);
    return vf_div(one, vf_add(one, vf_exp(vf_sub(vf_set1(0.0f), x))));
}

static vf exponent(vf x)
{
    return vf_exp(x);
}

/* x[i] = f(x[i] - less) */
static inline void each(float *x, size_t n, float less, vf (*f)(vf x))
{
    float  tail[SIMD_N] = { 0.0f };
    vf     l = vf_set1(less);
    size_t i = 0;

    for (; i + SIMD_N <= n; i += SIMD_N)
        vf_store(x + i, f(vf_sub(vf_load(x + i), l)));
    if (i == n)
        return;
    memcpy(tail, x + i, (n - i) * sizeof *x);
    vf_store(tail, f(vf_sub(vf_load(tail), l)));
    memcpy(x + i, tail, (n - i) * sizeof *x);
}

void KERNEL(sigmoid)(float *x, size_t n)
{
    each(x, n, 0.0f, sigmoid);
}

/* The sum in the order of the experts: the same on every instruction set. */
static void softmax(float *x, size_t n)
{
    float most = x[0], sum = 0.0f;

    for (size_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    each(x, n, most, exponent);
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

/* ---- choice ---- */

/* The place of the largest; of equal ones the first. */
static size_t best_of(const float *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

static float worth(const float *x, size_t n, enum group_rule rule)
{
    size_t first = best_of(x, n);
    float  second = -INFINITY;

    if (rule == GROUP_MAX)
        return x[first];
    for (size_t i = 0; i < n; i++)
        if (i != first && x[i] > second)
            second = x[i];
    return x[first] + second;
}

/* Experts outside the best groups become -infinity.  A group is out when
 * n_group_used others are better than it (or as good, and before it). */
static void limit_to_groups(float *choice, float *group,
                            const struct router *r)
{
    size_t size = r->n_expert / r->n_group;

    for (size_t g = 0; g < r->n_group; g++)
        group[g] = worth(choice + g * size, size, r->group_rule);
    for (size_t g = 0; g < r->n_group; g++) {
        size_t better = 0;
        for (size_t h = 0; h < r->n_group; h++)
            better += group[h] > group[g] || (h < g && group[h] == group[g]);
        for (size_t i = 0; better >= r->n_group_used && i < size; i++)
            choice[g * size + i] = -INFINITY;
    }
}

/* What experts are chosen by.  -infinity is kept for those that are out: nothing
 * that a file can bring about may look like it, or like nothing at all (NaN). */
static void make_choice(float *choice, const float *score,
                        const float *correction, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float c = correction == NULL ? score[i] : score[i] + correction[i];
        choice[i] = c > -FLT_MAX / 4 ? c : -FLT_MAX / 4;
        choice[i] = choice[i] < FLT_MAX / 4 ? choice[i] : FLT_MAX / 4;
    }
}

void KERNEL(route)(uint32_t *expert, float *weight, float *score,
                   const float *correction, const struct router *r)
{
    float *choice = score + r->n_expert, sum = 0.0f;

    if (r->score == ROUTER_SIGMOID)
        KERNEL(sigmoid)(score, r->n_expert);
    else
        softmax(score, r->n_expert);
    make_choice(choice, score, correction, r->n_expert);
    if (r->n_group > 1)
        limit_to_groups(choice, choice + r->n_expert, r);
    for (uint32_t i = 0; i < r->n_used; i++) {
        expert[i] = (uint32_t)best_of(choice, r->n_expert);
        weight[i] = score[expert[i]];
        sum += weight[i];
        choice[expert[i]] = -INFINITY;
    }
    /* The reference's guard; too small to change any other sum. */
    if (r->renormalise)
        for (uint32_t i = 0; i < r->n_used; i++)
            weight[i] /= sum + 1e-20f;
    for (uint32_t i = 0; i < r->n_used; i++)
        weight[i] *= r->scale;
}
