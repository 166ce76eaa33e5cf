/* The DeepSeek families against the reference, in both kinds of files, older and
 * newer ones; and against themselves. */
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

/* The reference expands keys and values from the latents; here they never are.
 * What that may cost. */
static const double absorbed = 1e-5;

/* GGUF has no biases and no other pairing. */
static const struct {
    const char *name;
    bool        gguf, latent;
} variants[] = {
    { "deepseek/plain", true, false },
    { "deepseek2/lite", true, true }, { "deepseek2/v2", true, true },
    { "deepseek2/v3", true, true },   { "deepseek2/wide", true, true },
    { "deepseek2/biased", false, true }, { "deepseek2/mlp", false, true },
};
enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

static void test_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant v = { variants[i].name, variants[i].name,
                             { .gguf = false } };
        expect_drift(&v, &exact, absorbed);
        v.form.gguf = true;
        if (variants[i].gguf)
            expect_drift(&v, &exact, tolerance);
        v.form.flat_heads = true;        /* as one more converter has them */
        if (variants[i].gguf && variants[i].latent)
            expect_drift(&v, &exact, tolerance);
        v.form.old_gguf = true;
        if (variants[i].gguf && variants[i].latent)
            expect_drift(&v, &exact, tolerance);
    }
}

/* Codes and block scales as they are stored. */
static void test_fp8(void **state)
{
    struct variant v = { "deepseek2/fp8", "deepseek2/fp8",
                         { .type = DTYPE_F8_E4M3 } };
    (void)state;
    expect_drift(&v, &exact, tolerance);
    v.form.type = DTYPE_F32;             /* other values: must be noticed */
    uint32_t     n_layer;
    struct drift d = drift_of(&v, &exact, &n_layer);
    assert_false(agrees(&d, n_layer, 100 * tolerance, v.name, true));
}

/* Older files keep a head's keys and values as one quantised tensor. */
static void test_quantised(void **state)
{
    static const struct variant rows[] = {
        { "deepseek2/wide", "deepseek2/wide-q8_0",
          { .gguf = true, .old_gguf = true, .type = DTYPE_Q8_0 } },
        { "deepseek2/wide", "deepseek2/wide-q4_k",
          { .gguf = true, .old_gguf = true, .type = DTYPE_Q4_K } },
        { "deepseek2/wide", "deepseek2/wide-turned-q8_0",
          { .gguf = true, .type = DTYPE_Q8_0 } },
        { "deepseek2/wide", "deepseek2/wide-turned-q4_k",
          { .gguf = true, .type = DTYPE_Q4_K } },
    };
    struct rig_options fast = { .kv = KV_F16, .threads = 2 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_drift(&rows[i], &exact, tolerance);
        expect_drift(&rows[i], &fast, 4e-2);
    }
    /* Converted while loading: keys as they are applied, then quantised. */
    struct variant v = { "deepseek2/wide", "deepseek2/wide-turned-q8_0",
                         { .gguf = false } };
    struct rig_options o = exact;
    o.weights = "q8_0";
    expect_drift(&v, &o, 2e-2);          /* the ends are converted, too */
}

/* What caches in less than f32 cost: about twice what was measured. */
static void test_caches(void **state)
{
    static const struct {
        enum kv_type kv;
        double       most;
    } rows[] = { { KV_F16, 1e-3 }, { KV_BF16, 6e-3 }, { KV_Q8_0, 2e-2 } };
    struct variant v = { "deepseek2/wide", "deepseek2/wide", { 0 } };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig_options o = { .exact = true, .kv = rows[i].kv };
        expect_drift(&v, &o, rows[i].most);
    }
}

static void test_same_bytes(void **state)
{
    static const struct {
        struct variant v;
        enum kv_type   kv;
        bool           exact;
    } rows[] = {
        { { "deepseek/plain", NULL, { .gguf = false } }, KV_F16, false },
        { { "deepseek2/lite", NULL, { .gguf = true } }, KV_F32, true },
        { { "deepseek2/v2", NULL, { .type = DTYPE_BF16 } }, KV_BF16, false },
        { { "deepseek2/v3", NULL, { .type = DTYPE_F16 } }, KV_Q8_0, false },
        { { "deepseek2/wide", NULL, { .gguf = true, .type = DTYPE_Q8_0 } },
          KV_F16, false },
        { { "deepseek2/fp8", NULL, { .type = DTYPE_F8_E4M3 } }, KV_F16,
          false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_options o = { .exact = rows[i].exact, .kv = rows[i].kv };
        invariant(&rows[i].v, o);
    }
}

/* Beyond a segment of 512 positions, whole or shared out. */
static void test_segments(void **state)
{
    enum { LEN = 600 };
    struct variant v = { "deepseek2/lite", NULL,
        { .replace_key = "max_position_embeddings", .replace_by = "2048" } };
    struct tiny      t;
    struct tiny_path p = write_variant(&v, &t);
    static float     logits[3][LEN * VOCAB_MAX];
    int32_t          token[LEN];

    (void)state;
    tiny_tokens(&t, token, LEN);
    for (unsigned way = 0; way < 3; way++) {
        struct rig_options o = { .kv = KV_F16, .threads = way + 1 };
        struct rig         r;
        assert_int_equal(rig_open(&r, p.open, &o, NULL), ERR_OK);
        rig_logits(&r, token, LEN, way == 0 ? 512 : way == 1 ? 1 : 37, 0,
                   logits[way]);
        rig_close(&r);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    tiny_remove(&p);
}

/* ---- planted faults ---- */

/* A wrong value that configure could have left, which must move the logits by
 * more than a hundred times the tolerance; what each name says. */
#define FAULTS(X) \
    X(deepseek, "deepseek/plain", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(deepseek, "deepseek/plain", renormalised, c->router.renormalise = true) \
    X(deepseek, "deepseek/plain", one_expert_less, c->router.n_used--) \
    X(deepseek2, "deepseek2/lite", unscaled, c->router.scale = 1) \
    X(deepseek2, "deepseek2/lite", groups, c->router.n_group = 4; \
      c->router.n_group_used = 2) \
    X(deepseek2, "deepseek2/lite", pairing, c->pairing = ROPE_HALVES) \
    X(deepseek2, "deepseek2/v2", no_groups, c->router.n_group = 0) \
    X(deepseek2, "deepseek2/v2", rule, c->router.group_rule = GROUP_TOP2) \
    X(deepseek2, "deepseek2/v2", renormalised, c->router.renormalise = true) \
    X(deepseek2, "deepseek2/v2", gain, \
      c->attn_scale = (float)(1 / sqrt((double)c->head_dim))) \
    X(deepseek2, "deepseek2/v2", gain_once, \
      c->attn_scale /= (float)rope_gain(8, 0.707)) \
    X(deepseek2, "deepseek2/v2", amplitude, \
      c->kind[0].rope.mscale_all_dim = 0) \
    X(deepseek2, "deepseek2/v2", unstretched, \
      c->kind[0].rope.kind = ROPE_DEFAULT) \
    X(deepseek2, "deepseek2/mlp", gain_of_linear, \
      c->attn_scale = (float)(1 / sqrt((double)c->head_dim))) \
    X(deepseek3, "deepseek2/v3", rule, c->router.group_rule = GROUP_MAX) \
    X(deepseek3, "deepseek2/v3", no_groups, c->router.n_group = 0) \
    X(deepseek3, "deepseek2/v3", no_bias, c->router_bias = false) \
    X(deepseek3, "deepseek2/v3", softmax, c->router.score = ROUTER_SOFTMAX) \
    X(deepseek3, "deepseek2/v3", not_renormalised, \
      c->router.renormalise = false) \
    X(deepseek3, "deepseek2/v3", unscaled, c->router.scale = 1) \
    X(deepseek3, "deepseek2/v3", cached_width, \
      c->attn_scale *= (float)sqrt(c->head_dim / 48.0)) \
    X(deepseek3, "deepseek2/biased", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(deepseek3, "deepseek2/biased", amplitude, \
      c->kind[0].rope.mscale = c->kind[0].rope.mscale_all_dim) \
    X(deepseek3, "deepseek2/biased", renormalised, \
      c->router.renormalise = true) \
    X(deepseek3, "deepseek2/biased", epsilon, \
      c->latent.norm_eps = c->norm_eps)

FAULTS(FAULT_FUNCTION)

static const struct fault faults[] = { FAULTS(FAULT_ROW) };

static void test_faults_are_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct arch        wrong = *faults[i].arch;
        struct rig_options o = exact;
        struct variant     v = { faults[i].file, faults[i].file, { 0 } };
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
        cmocka_unit_test(test_fp8),
        cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_caches),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_faults_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
