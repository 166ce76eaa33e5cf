#include "support/check.h"

#include "engine/philox.h"
#include "engine/sampler.h"
#include "engine/weigh.h"
#include "reference_sampler.h"
#include "support/effort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers ---- */

/* The known answers of the authors' library, Random123. */
static void philox_known_answers(void **state)
{
    static const struct {
        struct philox in, out;
        uint32_t      k0, k1;
    } known[] = {
        { { { 0, 0, 0, 0 } },
          { { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } }, 0, 0 },
        { { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff } },
          { { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
          0xffffffff, 0xffffffff },
        { { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 } },
          { { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
          0xa4093822, 0x299f31d0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct philox r = philox4x32(known[i].in, known[i].k0, known[i].k1);
        assert_memory_equal(&r, &known[i].out, sizeof r);
    }
}

static void uniform_depends_on_seed_and_position(void **state)
{
    double sum = 0;
    (void)state;
    assert_true(sampler_uniform(1, 5) == sampler_uniform(1, 5));
    assert_true(sampler_uniform(1, 5) != sampler_uniform(2, 5));
    assert_true(sampler_uniform(1, 5) != sampler_uniform(1, 6));
    assert_true(sampler_uniform(1, 0) != sampler_uniform(1ull << 32, 0));
    assert_true(sampler_uniform(1, 0) != sampler_uniform(1, 1ull << 32));
    for (uint64_t i = 0; i < 10000; i++) {
        double u = sampler_uniform(42, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.01);
}

/* ---- the exponential ---- */

static void weights_are_exponentials(void **state)
{
    float l[WEIGH_BLOCK], w[WEIGH_BLOCK];
    double worst = 0, sum = 0;
    (void)state;
    for (size_t i = 0; i < WEIGH_BLOCK; i++)
        l[i] = -86.5f * (float)i / WEIGH_BLOCK;
    float total = weigh_block(w, l, 0, 1);
    assert_true(w[0] == 1);
    for (size_t i = 0; i < WEIGH_BLOCK; i++) {
        double is = exp((double)l[i]);
        worst = fmax(worst, fabs((double)w[i] / is - 1));
        sum += is;
    }
    assert_true(worst < 2.5e-7);
    assert_true(fabs((double)total / sum - 1) < 1e-6);
    l[7] = -INFINITY;
    l[8] = -1e30f;
    weigh_block(w, l, 0, 1);
    assert_true(w[7] == 0 && w[8] == 0);
}

/* ---- the chain against the plain one ---- */

static uint64_t random_state;
static double random_next(void)
{
    return sampler_uniform(20260101, random_state++);
}
static size_t random_below(size_t n)
{
    return (size_t)(random_next() * (double)n);
}

enum { ROWS_MAX = 5000, TOKENS_MAX = 200 };

struct scene {
    size_t             n_rows;
    float              logits[ROWS_MAX];
    int32_t            tokens[TOKENS_MAX], never[ROWS_MAX];
    size_t             n_never;
    bool               is_never[ROWS_MAX];
    uint64_t           mask[ROWS_MAX / 64 + 1];
    struct logit_bias  bias[4];
    struct sampling    p;
    struct sample_context c;
};

static void random_logits(struct scene *s)
{
    float spread = (float)random_below(12) + 0.5f;
    bool coarse = random_below(3) == 0;       /* many equal logits */
    for (size_t i = 0; i < s->n_rows; i++) {
        float v = spread * (float)(random_next() + random_next()
                                   + random_next() - 1.5);
        s->logits[i] = coarse ? floorf(v * 2) / 2 : v;
    }
}

static void random_never(struct scene *s)
{
    size_t every = 2 + random_below(20), tail = s->n_rows / 8;
    s->n_never = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        s->is_never[i] = i > 0 && (random_below(every) == 0
                                   || i >= s->n_rows - tail);
        if (s->is_never[i])
            s->never[s->n_never++] = (int32_t)i;
    }
}

static void random_parameters(struct scene *s)
{
    struct sampling *p = &s->p;
    *p = sampling_off();
    p->seed = random_below(1000000);
    if (random_below(6) == 0)
        p->temperature = 0;
    else if (random_below(2))
        p->temperature = 0.1f + 1.9f * (float)random_next();
    if (random_below(2))
        p->top_k = 1 + (uint32_t)random_below(random_below(2) ? 100
                                                              : s->n_rows);
    if (random_below(2))
        p->top_p = (float)random_next();
    if (random_below(3) == 0)
        p->min_p = 0.3f * (float)random_next();
    if (random_below(3) == 0)
        p->repetition_penalty = 0.5f + (float)random_next();
    if (random_below(3) == 0)
        p->repeat_last_n = (uint32_t)random_below(50);
    if (random_below(3) == 0)
        p->frequency_penalty = 4 * (float)random_next() - 2;
    if (random_below(3) == 0)
        p->presence_penalty = 4 * (float)random_next() - 2;
    p->bias = s->bias;
    p->n_bias = random_below(5);
    for (size_t i = 0; i < p->n_bias; i++)
        s->bias[i] = (struct logit_bias){
            (int32_t)(i + random_below(s->n_rows / 4 + 1) * 4
                          % (s->n_rows - 4)),
            (float)random_next() * 8 - 4 };
    while (sampling_check(p, s->n_rows, NULL) != ERR_OK && p->n_bias > 0)
        p->n_bias--;                   /* two alike */
}

static void random_scene(struct scene *s)
{
    s->n_rows = 5 + random_below(random_below(4) ? 200 : ROWS_MAX - 5);
    random_logits(s);
    random_never(s);
    random_parameters(s);
    s->c = (struct sample_context){ .logits = s->logits, .tokens = s->tokens };
    s->c.n_tokens = random_below(TOKENS_MAX);
    s->c.n_prompt = random_below(s->c.n_tokens + 1);
    for (size_t i = 0; i < s->c.n_tokens; i++)
        s->tokens[i] = (int32_t)random_below(s->n_rows < 40 ? s->n_rows : 40);
    if (random_below(3) == 0) {
        for (size_t i = 0; i < s->n_rows / 64 + 1; i++)
            s->mask[i] = (uint64_t)(random_next() * 0x1p52) * 4097 | 1;
        s->c.mask = s->mask;
    }
}

/* Which id the plain probabilities give for this seed and position; *edge: how
 * near the next id's share is. */
static int32_t plain_pick(const double *p, size_t n, double u, double *edge)
{
    double at = 0;
    int32_t id = -1;
    *edge = 1;
    for (size_t i = 0; i < n; i++) {
        if (p[i] <= 0)
            continue;
        *edge = fmin(*edge, fabs(u - at));
        if (u >= at)
            id = (int32_t)i;
        at += p[i];
    }
    return id;
}

/* Agreement with the reference, except where u falls within rounding of a
 * boundary between two ids. */
static bool agrees(const struct scene *s, const struct sample *got, double slip)
{
    static double p[ROWS_MAX];
    double edge;
    double u = sampler_uniform(s->p.seed, s->c.n_tokens) + slip;
    reference_probabilities(p, &s->p, &s->c, s->n_rows, s->is_never);
    int32_t want = plain_pick(p, s->n_rows, u, &edge);
    return want == got->id || (edge < 2e-5 && p[got->id] > 0);
}

static void chain_agrees_with_the_plain_one(void **state)
{
    static struct scene s;
    size_t n_slipped = 0;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct sampler *sampler;
        struct sample out;
        struct err_info why = { .text = "" };
        random_scene(&s);
        assert_int_equal(sampler_open(&sampler, s.n_rows, s.never, s.n_never,
                                      &why), ERR_OK);
        if (sampler_draw(sampler, &s.p, &s.c, &out, &why) != ERR_OK)
            fail_msg("scene %d: %s", i, why.text);
        if (!agrees(&s, &out, 0))
            fail_msg("scene %d: drew %d (T %g k %u p %g min %g)", i, out.id,
                     (double)s.p.temperature, s.p.top_k, (double)s.p.top_p,
                     (double)s.p.min_p);
        n_slipped += !agrees(&s, &out, 0.05);
        sampler_close(sampler);
    }
    assert_true(n_slipped > 100);      /* the comparison can fail */
}

/* Pearson's chi-square over 64 ids and 20,000 positions: the frequencies are
 * the probabilities.  p < 1e-6 beyond 140 (63 degrees of freedom). */
static double chi_square(struct scene *s, struct sampler *sampler,
                         const double *p)
{
    enum { DRAWS = 20000 };
    size_t seen[64] = { 0 };
    double sum = 0;
    static int32_t tokens[DRAWS];
    struct sample out;
    for (size_t i = 0; i < DRAWS; i++) {
        s->c = (struct sample_context){ .logits = s->logits, .tokens = tokens,
                                        .n_tokens = i, .n_prompt = i };
        assert_int_equal(sampler_draw(sampler, &s->p, &s->c, &out, NULL),
                         ERR_OK);
        seen[out.id]++;
    }
    for (size_t i = 0; i < 64; i++)
        sum += pow((double)seen[i] - DRAWS * p[i], 2) / (DRAWS * p[i]);
    return sum;
}

static void frequencies_are_probabilities(void **state)
{
    static struct scene s;
    double p[64];
    struct sampler *sampler;
    (void)state;
    s.n_rows = 64;
    s.p = sampling_off();
    s.p.seed = 11;
    for (size_t i = 0; i < 64; i++)
        s.logits[i] = (float)(i % 7) * 0.4f;
    s.c = (struct sample_context){ .logits = s.logits };
    reference_probabilities(p, &s.p, &s.c, 64, s.is_never);
    assert_int_equal(sampler_open(&sampler, 64, NULL, 0, NULL), ERR_OK);
    assert_true(chi_square(&s, sampler, p) < 140);
    double swap = p[0];                /* the test can fail */
    p[0] = p[6];
    p[6] = swap;
    assert_true(chi_square(&s, sampler, p) > 140);
    sampler_close(sampler);
}

/* ---- edges ---- */

static struct sample drawn(const float *logits, size_t n, struct sampling p,
                           const int32_t *never, size_t n_never)
{
    struct sampler *s;
    struct sample out;
    struct sample_context c = { .logits = logits };
    assert_int_equal(sampler_open(&s, n, never, n_never, NULL), ERR_OK);
    assert_int_equal(sampler_draw(s, &p, &c, &out, NULL), ERR_OK);
    sampler_close(s);
    return out;
}

static void greedy_ties_go_to_the_lowest(void **state)
{
    float l[] = { 1, 5, 5, 2, 5, -0.0f, 0.0f };
    struct sampling p = sampling_off();
    (void)state;
    p.temperature = 0;
    assert_int_equal(drawn(l, 7, p, NULL, 0).id, 1);
    assert_int_equal(drawn(l, 7, p, (int32_t[]){ 1 }, 1).id, 2);
    assert_int_equal(drawn(l + 5, 2, p, NULL, 0).id, 0);     /* -0 == 0 */
    p.temperature = 1e-7f;
    assert_int_equal(drawn(l, 7, p, NULL, 0).id, 1);
}

static void one_token_always_stays(void **state)
{
    float l[2000];
    (void)state;
    for (size_t i = 0; i < 2000; i++)
        l[i] = (float)(i * 7919 % 2000) / 100;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sampling p = sampling_off();
        p.seed = seed;
        p.top_p = 0;
        assert_int_equal(drawn(l, 2000, p, NULL, 0).id, 321);
        p.top_p = 1;
        p.min_p = 1;
        assert_int_equal(drawn(l, 2000, p, NULL, 0).id, 321);
        p.min_p = 0;
        p.top_k = 1;
        assert_int_equal(drawn(l, 2000, p, NULL, 0).id, 321);
    }
    assert_int_equal(321 * 7919 % 2000, 1999);
}

static void values_at_the_end_of_f32(void **state)
{
    float l[] = { -3.4e38f, 3.4e38f, 0, -3.4e38f };
    struct sampling p = sampling_off();
    (void)state;
    p.temperature = 2;
    for (p.seed = 0; p.seed < 20; p.seed++)
        assert_int_equal(drawn(l, 4, p, NULL, 0).id, 1);
}

static void numbers_that_are_none(void **state)
{
    float l[70] = { 0 };
    struct sampler *s;
    struct sample out;
    struct err_info why;
    struct sampling p = sampling_off();
    struct sample_context c = { .logits = l };
    const float bad[] = { NAN, INFINITY, -INFINITY };
    (void)state;
    assert_int_equal(sampler_open(&s, 70, NULL, 0, NULL), ERR_OK);
    for (size_t i = 0; i < 3; i++)
        for (size_t at = 0; at < 70; at += 23) {
            l[at] = bad[i];
            p.temperature = (float)(at % 2);
            assert_int_equal(sampler_draw(s, &p, &c, &out, &why), ERR_NUMBER);
            char id[32];
            snprintf(id, sizeof id, "id %zu is", at);
            assert_non_null(strstr(why.text, id));
            l[at] = 0;
        }
    assert_int_equal(sampler_draw(s, &p, &c, &out, &why), ERR_OK);
    sampler_close(s);
}

static void masks(void **state)
{
    float l[70] = { 0 };
    struct sampler *s;
    struct sample out;
    uint64_t mask[2] = { 0, 0 };
    struct sampling p = sampling_off();
    struct sample_context c = { .logits = l, .mask = mask };
    int32_t never[] = { 5 };
    (void)state;
    l[3] = 50;
    assert_int_equal(sampler_open(&s, 70, never, 1, NULL), ERR_OK);
    assert_int_equal(sampler_draw(s, &p, &c, &out, NULL), ERR_REQUEST);
    mask[0] = 1u << 5;                     /* allowed, but never */
    assert_int_equal(sampler_draw(s, &p, &c, &out, NULL), ERR_REQUEST);
    mask[1] = 1u << 5;
    assert_int_equal(sampler_draw(s, &p, &c, &out, NULL), ERR_OK);
    assert_int_equal(out.id, 69);
    sampler_close(s);
    assert_int_equal(sampler_open(&s, 1, never, 1, NULL), ERR_FORMAT);
}

/* ---- log-probabilities ---- */

static void logprobs_are_of_the_raw_row(void **state)
{
    float l[3000];
    double sum = 0;
    struct sampling p = sampling_off();
    int32_t never[] = { 2999 };
    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        l[i] = (float)(i * 1237 % 3000) / 200 - 4;
        sum += exp((double)l[i]);
    }
    l[2999] = l[2998] = 20;
    sum = 2 * exp(20);
    for (size_t i = 0; i < 2998; i++)
        sum += exp((double)l[i]);
    struct logit_bias bias = { 7, 100 };
    p.bias = &bias;
    p.n_bias = 1;
    p.temperature = 0.3f;
    p.logprobs = true;
    p.n_top = 20;
    struct sample out = drawn(l, 3000, p, never, 1);
    assert_int_equal(out.id, 7);
    assert_true(fabs((double)out.logprob - ((double)l[7] - log(sum))) < 2e-6);
    assert_int_equal(out.n_top, 20);
    assert_int_equal(out.top[0].id, 2998);
    assert_true(fabs((double)out.top[0].logprob - (20 - log(sum))) < 2e-6);
    for (uint32_t i = 2; i < 20; i++)
        assert_true(out.top[i - 1].logprob >= out.top[i].logprob);
}

static void top_lists_are_sorted(void **state)
{
    static float l[ROWS_MAX];
    static struct top_logprob top[ROWS_MAX];
    static bool seen[ROWS_MAX];
    (void)state;
    for (int round = 0; round < 20; round++) {
        size_t n = 1 + random_below(ROWS_MAX - 1), k = 1 + random_below(n);
        memset(seen, 0, sizeof seen);
        for (size_t i = 0; i < n; i++)
            l[i] = (float)random_below(100);
        logprob_top(top, k, l, n, 0);
        for (size_t i = 0; i < k; i++) {
            assert_true(top[i].logprob == l[top[i].id] && !seen[top[i].id]);
            seen[top[i].id] = true;
            if (i > 0)
                assert_true(top[i - 1].logprob > top[i].logprob
                            || (top[i - 1].logprob == top[i].logprob
                                && top[i - 1].id < top[i].id));
        }
        for (size_t i = 0; i < n; i++)
            assert_true(seen[i] || l[i] < top[k - 1].logprob
                        || (l[i] == top[k - 1].logprob
                            && (int32_t)i > top[k - 1].id));
    }
}

/* ---- a vocabulary of today ---- */

static void big_vocabularies_are_quick(void **state)
{
    enum { BIG = 262144 };
    float *l = malloc(BIG * sizeof *l);
    struct sampler *s;
    struct sample out;
    struct sampling p = sampling_off();
    struct sample_context c = { .logits = l };
    (void)state;
    assert_non_null(l);
    for (size_t i = 0; i < BIG; i++)
        l[i] = 4 * (float)(random_next() + random_next() + random_next());
    assert_int_equal(sampler_open(&s, BIG, NULL, 0, NULL), ERR_OK);
    static const struct {
        const char *name;
        float       t, p, m;
        uint32_t    k;
    } ways[] = {
        { "greedy", 0, 1, 0, 0 }, { "plain", 1, 1, 0, 0 },
        { "top-k 40", 1, 1, 0, 40 }, { "top-p 0.95", 1, 0.95f, 0, 0 },
        { "default", 0.7f, 0.95f, 0.05f, 0 }, { "flat", 2, 0.999f, 0, 0 },
        { "top-k 50000", 1, 0.9f, 0, 50000 },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        p.temperature = ways[i].t;
        p.top_p = ways[i].p;
        p.min_p = ways[i].m;
        p.top_k = ways[i].k;
        double start = effort_ms();
        for (p.seed = 0; p.seed < 10; p.seed++)
            assert_int_equal(sampler_draw(s, &p, &c, &out, NULL), ERR_OK);
        double ms = (effort_ms() - start) / 10;
        print_message("262144 ids, %s: %.2f ms\n", ways[i].name, ms);
        assert_true(ms < effort_allowed(100));       /* a sort of all would still pass: this
                                        only catches the absurd */
    }
    sampler_close(s);
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(uniform_depends_on_seed_and_position),
        cmocka_unit_test(weights_are_exponentials),
        cmocka_unit_test(chain_agrees_with_the_plain_one),
        cmocka_unit_test(frequencies_are_probabilities),
        cmocka_unit_test(greedy_ties_go_to_the_lowest),
        cmocka_unit_test(one_token_always_stays),
        cmocka_unit_test(values_at_the_end_of_f32),
        cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(masks),
        cmocka_unit_test(logprobs_are_of_the_raw_row),
        cmocka_unit_test(top_lists_are_sorted),
        cmocka_unit_test(big_vocabularies_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
