/* The choice of experts against a slow one in f64 that sorts everything, for all
 * rules, on every instruction set. */
#include "support/check.h"

#include "kernels/dispatch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXPERTS_MAX = 256, USED_MAX = 16 };

struct picked {
    uint32_t expert[USED_MAX];
    float    weight[USED_MAX];
};

/* ---- the slow way ---- */

struct ranked {
    double   value;
    uint32_t i;
};

static int better_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return x->i < y->i ? -1 : 1;
}

static void slow_scores(double *score, const float *logit,
                        const struct router *r)
{
    double most = -INFINITY, sum = 0;

    for (uint32_t i = 0; i < r->n_expert; i++)
        most = fmax(most, (double)logit[i]);
    for (uint32_t i = 0; i < r->n_expert; i++) {
        score[i] = r->score == ROUTER_SIGMOID ? 1 / (1 + exp(-(double)logit[i]))
                                              : exp(logit[i] - most);
        sum += score[i];
    }
    for (uint32_t i = 0; r->score == ROUTER_SOFTMAX && i < r->n_expert; i++)
        score[i] /= sum;
}

static void slow_groups(struct ranked *choice, const struct router *r)
{
    struct ranked group[EXPERTS_MAX], in[EXPERTS_MAX];
    uint32_t      size = r->n_expert / r->n_group;

    for (uint32_t g = 0; g < r->n_group; g++) {
        memcpy(in, choice + g * size, size * sizeof *in);
        qsort(in, size, sizeof *in, better_first);
        group[g].value = in[0].value
                       + (r->group_rule == GROUP_TOP2 ? in[1].value : 0);
        group[g].i = g;
    }
    qsort(group, r->n_group, sizeof *group, better_first);
    for (uint32_t k = r->n_group_used; k < r->n_group; k++)
        for (uint32_t i = 0; i < size; i++)
            choice[group[k].i * size + i].value = -INFINITY;
}

static void slow(struct picked *p, const float *logit, const float *correction,
                 const struct router *r)
{
    double        score[EXPERTS_MAX], sum = 0;
    struct ranked choice[EXPERTS_MAX];

    slow_scores(score, logit, r);
    for (uint32_t i = 0; i < r->n_expert; i++)
        choice[i] = (struct ranked){
            score[i] + (correction == NULL ? 0 : (double)correction[i]), i };
    if (r->n_group > 1)
        slow_groups(choice, r);
    qsort(choice, r->n_expert, sizeof *choice, better_first);
    for (uint32_t k = 0; k < r->n_used; k++)
        sum += score[choice[k].i];
    for (uint32_t k = 0; k < r->n_used; k++) {
        p->expert[k] = choice[k].i;
        p->weight[k] = (float)(score[choice[k].i] * (double)r->scale
                               / (r->renormalise ? sum : 1));
    }
}

/* ---- comparing ---- */

static void fast(struct picked *p, const struct isa_set *set,
                 const float *logit, const float *correction,
                 const struct router *r)
{
    float score[3 * EXPERTS_MAX];

    memcpy(score, logit, r->n_expert * sizeof *score);
    set->kernels->route(p->expert, p->weight, score, correction, r);
}

static bool same(const struct picked *a, const struct picked *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (a->expert[k] != b->expert[k]
            || !(fabsf(a->weight[k] - b->weight[k])
                 <= 2e-6f * fabsf(b->weight[k])))
            return false;
    return true;
}

/* The rules of the families. */
static const struct router rules[] = {
    { .n_expert = 8, .n_used = 2, .renormalise = true, .scale = 1 },
    { .n_expert = 60, .n_used = 4, .scale = 1 },
    { .n_expert = 128, .n_used = 8, .renormalise = true, .scale = 1 },
    { .n_expert = 160, .n_used = 6, .scale = 16, .n_group = 8,
      .n_group_used = 3, .group_rule = GROUP_MAX },
    { .n_expert = 256, .n_used = 8, .score = ROUTER_SIGMOID,
      .renormalise = true, .scale = 2.5f, .n_group = 8, .n_group_used = 4,
      .group_rule = GROUP_TOP2 },
    { .n_expert = 1, .n_used = 1, .scale = 1 },
    { .n_expert = 7, .n_used = 7, .score = ROUTER_SIGMOID, .scale = 1 },
    { .n_expert = 12, .n_used = 6, .scale = 1, .n_group = 4, .n_group_used = 2,
      .group_rule = GROUP_TOP2 },
};
enum { N_RULES = sizeof rules / sizeof rules[0] };

static float noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 8388608.0f - 1.0f;
}

static void test_rules(void **state)
{
    float         logit[EXPERTS_MAX], correction[EXPERTS_MAX];
    uint32_t      seed = 1;
    struct picked a, b;

    (void)state;
    for (size_t i = 0; i < N_RULES * 200; i++) {
        const struct router *r = &rules[i % N_RULES];
        const float *c = i / N_RULES % 2 == 0 ? NULL : correction;
        for (uint32_t k = 0; k < r->n_expert; k++) {
            logit[k] = 4 * noise(&seed);
            correction[k] = 0.3f * noise(&seed);
        }
        slow(&b, logit, c, r);
        for (size_t s = 0; isa_at(s) != NULL; s++) {
            if ((isa_at(s)->needs & ~cpu_features()) != 0)
                continue;
            fast(&a, isa_at(s), logit, c, r);
            if (!same(&a, &b, r->n_used))
                fail_msg("%s: rule %zu, round %zu", isa_at(s)->name,
                         i % N_RULES, i / N_RULES);
        }
    }
}

/* Each thing that a rule says matters: the comparison sees it missing. */
static void test_rules_are_noticed(void **state)
{
    float         logit[EXPERTS_MAX], correction[EXPERTS_MAX];
    uint32_t      seed = 7;
    struct picked a, b;
    struct router wrong[6];

    (void)state;
    for (size_t i = 0; i < 6; i++)
        wrong[i] = rules[4];
    wrong[0].score = ROUTER_SOFTMAX;
    wrong[1].renormalise = false;
    wrong[2].scale = 1;
    wrong[3].n_group = 1;
    wrong[4].group_rule = GROUP_MAX;
    wrong[5].n_group_used = 3;
    for (size_t i = 0; i < 7; i++) {
        bool noticed = false;
        for (size_t round = 0; round < 50; round++) {
            for (uint32_t k = 0; k < 256; k++) {
                logit[k] = 4 * noise(&seed);
                correction[k] = 0.3f * noise(&seed);
            }
            slow(&b, logit, correction, &rules[4]);
            fast(&a, isa_at(0), logit, i == 6 ? NULL : correction,
                 i == 6 ? &rules[4] : &wrong[i]);
            noticed = noticed || !same(&a, &b, rules[4].n_used);
        }
        if (!noticed)
            fail_msg("fault %zu was not noticed", i);
    }
}

/* Equal scores: the first ones.  One of them a hair better: that one. */
static void test_ties(void **state)
{
    float         logit[60] = { 0 };
    struct picked p;

    (void)state;
    fast(&p, isa_at(0), logit, NULL, &rules[1]);
    for (uint32_t k = 0; k < 4; k++)
        assert_int_equal(p.expert[k], k);
    logit[59] = 1e-6f;
    fast(&p, isa_at(0), logit, NULL, &rules[1]);
    assert_int_equal(p.expert[0], 59);
    assert_int_equal(p.expert[1], 0);
}

/* Weights of a file may be anything: the experts stay distinct and in range,
 * from the groups that were kept, and what is broken shows in the weights. */
static void test_broken_logits(void **state)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f };
    float              logit[EXPERTS_MAX], correction[EXPERTS_MAX];
    uint32_t           seed = 3;
    struct picked      p;

    (void)state;
    for (size_t i = 0; i < N_RULES * 100; i++) {
        const struct router *r = &rules[i % N_RULES];
        bool used[EXPERTS_MAX] = { false };
        for (uint32_t k = 0; k < r->n_expert; k++) {
            seed = seed * 1664525u + 1013904223u;
            logit[k] = i % 3 == 0 ? NAN : bad[(seed >> 16) % 5];
            correction[k] = bad[(seed >> 20) % 5];
        }
        fast(&p, isa_at(0), logit, i / N_RULES % 2 == 0 ? NULL : correction,
             r);
        for (uint32_t k = 0; k < r->n_used; k++) {
            assert_true(p.expert[k] < r->n_expert);
            assert_false(used[p.expert[k]]);
            used[p.expert[k]] = true;
            if (i % 3 == 0)
                assert_true(isnan(p.weight[k]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_rules_are_noticed),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_broken_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
