/* The families with experts but without latent attention: against transformers,
 * in every way that files keep experts; and against themselves. */
#include "support/check.h"

#include "golden/drift.h"
#include "golden/faults.h"

#include "models/arch_table.h"
#include "nn/config.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rig_options exact = { .exact = true, .kv = KV_F32,
                                          .threads = 2 };
static const double tolerance = 1e-4;

/* GGUF has no windows for these, nor dense layers among others. */
static const struct {
    const char *name;
    bool        gguf;
} variants[] = {
    { "mixtral/plain", true },   { "mixtral/window", false },
    { "qwen2_moe/plain", true }, { "qwen2_moe/sparse", false },
    { "qwen3_moe/plain", true }, { "qwen3_moe/sparse", false },
    { "qwen3_moe/wide", true },
};
enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

static void test_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++)
        for (int form = EXPERTS_USUAL; form <= EXPERTS_APART; form++) {
            struct variant v = { variants[i].name, variants[i].name,
                                 { .experts = (enum tiny_experts)form } };
            if (form != EXPERTS_APART)
                expect_drift(&v, &exact, tolerance);
            v.form.gguf = true;
            if (variants[i].gguf)
                expect_drift(&v, &exact, tolerance);
        }
}

static void test_old_configs(void **state)
{
    static const char *const names[] = { "mixtral/window", "qwen3_moe/plain" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct variant v = { names[i], names[i], { .old_config = true } };
        expect_drift(&v, &exact, tolerance);
    }
}

/* The share of n positions whose logits lie further apart than 3 % of their
 * range. */
static double far_apart(const float *a, const float *b, size_t vocab, size_t n)
{
    size_t n_far = 0;

    for (size_t pos = 0; pos < n; pos++, a += vocab, b += vocab) {
        double least = a[0], largest = a[0], worst = 0;
        for (size_t i = 0; i < vocab; i++) {
            double d = fabs((double)a[i] - b[i]);
            worst = d > worst || d != d ? d : worst;
            least = fmin(least, a[i]);
            largest = fmax(largest, a[i]);
        }
        n_far += worst <= 0.03 * (largest - least) ? 0 : 1;
    }
    return (double)n_far / (double)n;
}

/* Rounded activations cost little, but for positions where a near tie goes to
 * another expert: in so small a model that changes everything from there on. */
static void expect_close(const struct variant *v)
{
    const struct rig_options fast = { .kv = KV_F32, .threads = 2 };
    struct tiny      t;
    struct tiny_path p = write_variant(v, &t);
    float           *want = run_with(&p, &t, &exact, LONGEST, 0);
    float           *have = run_with(&p, &t, &fast, LONGEST, 0);
    double           share = far_apart(want, have, t.vocab, LONGEST);

    if (share > 0.05)
        fail_msg("%s, %s: %g of the positions are far off", v->name,
                 dtype_get(v->form.type)->name, share);
    /* Against those of the next position. */
    assert_true(far_apart(want, have + t.vocab, t.vocab, LONGEST - 1) > 0.9);
    free(want);
    free(have);
    tiny_remove(&p);
}

/* Quantised stacks: exactly their values with --exact, close otherwise. */
static void test_quantised(void **state)
{
    static const struct {
        const char       *golden;
        enum dtype_id     type;
        enum tiny_experts experts;
    } rows[] = {
        { "qwen3_moe/wide-q8_0", DTYPE_Q8_0, EXPERTS_APART },
        { "qwen3_moe/wide-q4_0", DTYPE_Q4_0, EXPERTS_USUAL },
        { "qwen3_moe/wide-q4_k", DTYPE_Q4_K, EXPERTS_FUSED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct variant v = { "qwen3_moe/wide", rows[i].golden,
                             { .gguf = true, .type = rows[i].type,
                               .experts = rows[i].experts } };
        expect_drift(&v, &exact, tolerance);
        expect_close(&v);
    }
}

static void test_same_bytes(void **state)
{
    static const struct {
        const char   *name;
        bool          gguf;
        enum dtype_id type;
    } rows[] = {
        { "mixtral/window", false, DTYPE_F32 },
        { "qwen2_moe/sparse", false, DTYPE_F32 },
        { "qwen3_moe/sparse", false, DTYPE_F16 },
        { "qwen3_moe/wide", false, DTYPE_BF16 },
        { "qwen3_moe/wide", true, DTYPE_Q8_0 },
        { "qwen3_moe/wide", true, DTYPE_Q4_K },
    };
    struct rig_options o = { .kv = KV_F16 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct variant v = { rows[i].name, NULL,
                             { .gguf = rows[i].gguf, .type = rows[i].type } };
        invariant(&v, o);
    }
}

/* ---- planted faults ---- */

/* A wrong value that configure could have left, which must move the logits by
 * more than a hundred times the tolerance; what each name says. */
#define FAULTS(X) \
    X(mixtral, "mixtral/plain", one_expert_less, c->router.n_used--) \
    X(mixtral, "mixtral/plain", renormalised_not, \
      c->router.renormalise = false) \
    X(mixtral, "mixtral/plain", sigmoid, c->router.score = ROUTER_SIGMOID; \
      c->router.renormalise = false) \
    X(mixtral, "mixtral/plain", theta, c->kind[0].rope.theta = 1e4) \
    X(mixtral, "mixtral/plain", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(mixtral, "mixtral/window", off_by_one, c->kind[0].window++) \
    X(mixtral, "mixtral/window", no_window, c->kind[0].window = 0) \
    X(qwen2_moe, "qwen2_moe/plain", one_expert_more, c->router.n_used++) \
    X(qwen2_moe, "qwen2_moe/plain", renormalised, \
      c->router.renormalise = true) \
    X(qwen2_moe, "qwen2_moe/plain", no_shared, c->shared_size = 0) \
    X(qwen2_moe, "qwen2_moe/plain", not_weighed, c->shared_router = false) \
    X(qwen2_moe, "qwen2_moe/sparse", renormalised_not, \
      c->router.renormalise = false) \
    X(qwen2_moe, "qwen2_moe/sparse", off_by_one, c->kind[1].window++) \
    X(qwen2_moe, "qwen2_moe/sparse", all_slide, c->layer_kind = ones) \
    X(qwen3_moe, "qwen3_moe/plain", scaled, c->router.scale = 1.1f) \
    X(qwen3_moe, "qwen3_moe/plain", renormalised_not, \
      c->router.renormalise = false) \
    X(qwen3_moe, "qwen3_moe/sparse", renormalised, \
      c->router.renormalise = true) \
    X(qwen3_moe, "qwen3_moe/sparse", off_by_one, c->kind[0].window--) \
    X(qwen3_moe, "qwen3_moe/sparse", no_window, c->kind[0].window = 0)

static const uint8_t ones[LAYERS_MAX] = { 1, 1, 1, 1 };

FAULTS(FAULT_FUNCTION)

static const struct fault faults[] = { FAULTS(FAULT_ROW) };

static void test_faults_are_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct arch        wrong = *faults[i].arch;
        struct rig_options o = exact;
        struct variant     v = { faults[i].file, faults[i].file,
                                 { .gguf = false } };
        uint32_t           n_layer;
        wrong.configure = faults[i].configure;
        o.arch = &wrong;
        struct drift d = drift_of(&v, &o, &n_layer);
        if (!(d.logits > 100 * tolerance))
            fail_msg("%s moves the logits by %g only", faults[i].name,
                     d.logits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_old_configs),
        cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_faults_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
