/* The Llama family against transformers, and against itself: whatever the
 * chunk, the threads, the neighbours in the batch, the bytes are the same. */
#include "support/check.h"

#include "golden/drift.h"

#include "models/arch_table.h"
#include "nn/config.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rig_options exact = { .exact = true, .kv = KV_F32,
                                          .threads = 2 };
static const double tolerance = 1e-4;

static void test_f32(void **state)
{
    static const char *const both[] = { "plain", "biased", "llama3", "linear",
                                        "yarn", "wide" };
    static const char *const hf_only[] = { "dynamic", "window" };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct variant v = { both[i], both[i], { .gguf = false } };
        expect_drift(&v, &exact, tolerance);
        v.form.gguf = true;
        expect_drift(&v, &exact, tolerance);
    }
    for (size_t i = 0; i < 2; i++) {
        struct variant v = { hf_only[i], hf_only[i], { .gguf = false } };
        expect_drift(&v, &exact, tolerance);
    }
}

static void test_old_configs(void **state)
{
    (void)state;
    struct variant v = { "llama3", "llama3", { .old_config = true } };
    expect_drift(&v, &exact, tolerance);
    v.name = v.golden = "yarn";
    expect_drift(&v, &exact, tolerance);
}

static void test_types(void **state)
{
    static const struct variant rows[] = {
        { "wide", "wide-f16", { .type = DTYPE_F16 } },
        { "wide", "wide-bf16", { .type = DTYPE_BF16 } },
        { "wide", "wide-f16", { .gguf = true, .type = DTYPE_F16 } },
        { "wide", "wide-bf16", { .gguf = true, .type = DTYPE_BF16 } },
        { "wide", "wide-q8_0", { .gguf = true, .type = DTYPE_Q8_0 } },
        { "wide", "wide-q4_0", { .gguf = true, .type = DTYPE_Q4_0 } },
        { "wide", "wide-q4_1", { .gguf = true, .type = DTYPE_Q4_1 } },
        { "wide", "wide-q5_0", { .gguf = true, .type = DTYPE_Q5_0 } },
        { "wide", "wide-q5_1", { .gguf = true, .type = DTYPE_Q5_1 } },
        { "wide", "wide-q4_k", { .gguf = true, .type = DTYPE_Q4_K } },
        { "wide", "wide-q5_k", { .gguf = true, .type = DTYPE_Q5_K } },
        { "wide", "wide-q6_k", { .gguf = true, .type = DTYPE_Q6_K } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_drift(&rows[i], &exact, tolerance);
}

/* What the default numbers may cost: activations in 8 bits, caches in less
 * than f32.  The bounds are about twice what was measured. */
static void test_default_numbers(void **state)
{
    static const struct {
        struct variant v;
        enum kv_type   kv;
        bool           exact;
        double         most;
    } rows[] = {
        { { "plain", "plain", { .gguf = false } }, KV_F16, true, 2e-3 },
        { { "plain", "plain", { .gguf = false } }, KV_BF16, true, 2e-2 },
        { { "plain", "plain", { .gguf = false } }, KV_Q8_0, true, 4e-2 },
        { { "biased", "biased", { .gguf = false } }, KV_Q8_0, true, 4e-2 },
        { { "wide", "wide-q8_0", { .gguf = true, .type = DTYPE_Q8_0 } },
          KV_F32, false, 5e-2 },
        { { "wide", "wide-q4_0", { .gguf = true, .type = DTYPE_Q4_0 } },
          KV_F32, false, 5e-2 },
        { { "wide", "wide-q4_k", { .gguf = true, .type = DTYPE_Q4_K } },
          KV_F32, false, 5e-2 },
        { { "wide", "wide-q6_k", { .gguf = true, .type = DTYPE_Q6_K } },
          KV_F32, false, 5e-2 },
        { { "wide", "wide-f16", { .type = DTYPE_F16 } }, KV_F32, false, 1e-4 },
        { { "wide", "wide-bf16", { .type = DTYPE_BF16 } }, KV_F32, false,
          3e-2 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_options o = { .exact = rows[i].exact, .kv = rows[i].kv };
        expect_drift(&rows[i].v, &o, rows[i].most);
    }
}

/* ---- planted faults ---- */

static enum err wrong_pairing(struct config *c, const struct config_source *src,
                              struct err_info *why)
{
    enum err e = arch_llama.configure(c, src, why);
    c->pairing = c->pairing == ROPE_HALVES ? ROPE_NEIGHBOURS : ROPE_HALVES;
    return e;
}

static enum err wrong_theta(struct config *c, const struct config_source *src,
                            struct err_info *why)
{
    enum err e = arch_llama.configure(c, src, why);
    c->kind[0].rope.theta *= 1.01;
    return e;
}

static enum err wrong_window(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    enum err e = arch_mistral.configure(c, src, why);
    c->kind[0].window++;
    return e;
}

static enum err wrong_eps(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    enum err e = arch_llama.configure(c, src, why);
    c->norm_eps += 1e-2f;
    return e;
}

static void test_faults_are_noticed(void **state)
{
    static const struct {
        const char        *name;
        const struct arch *arch;
        enum err (*configure)(struct config *c, const struct config_source *src,
                              struct err_info *why);
    } rows[] = {
        { "plain", &arch_llama, wrong_pairing },
        { "llama3", &arch_llama, wrong_theta },
        { "yarn", &arch_llama, wrong_theta },
        { "window", &arch_mistral, wrong_window },
        { "window", &arch_llama, NULL },
        { "plain", &arch_llama, wrong_eps },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arch        wrong = *rows[i].arch;
        struct rig_options o = exact;
        struct variant     v = { rows[i].name, rows[i].name, { 0 } };
        struct drift       d;
        uint32_t           n_layer;
        if (rows[i].configure != NULL)
            wrong.configure = rows[i].configure;
        o.arch = &wrong;
        d = drift_of(&v, &o, &n_layer);
        if (agrees(&d, n_layer, tolerance, rows[i].name, true))
            fail_msg("planted fault %zu (%s) was not noticed", i,
                     rows[i].name);
    }
}

/* ---- the same bytes ---- */

static void test_same_bytes(void **state)
{
    static const struct {
        struct variant v;
        enum kv_type   kv;
        bool           exact;
    } rows[] = {
        { { "plain", NULL, { .gguf = false } }, KV_F32, true },
        { { "biased", NULL, { .gguf = true } }, KV_F16, false },
        { { "window", NULL, { .gguf = false } }, KV_F16, false },
        { { "dynamic", NULL, { .type = DTYPE_F16 } }, KV_BF16, false },
        { { "wide", NULL, { .type = DTYPE_BF16 } }, KV_BF16, false },
        { { "wide", NULL, { .gguf = true, .type = DTYPE_Q8_0 } }, KV_Q8_0,
          false },
        { { "wide", NULL, { .gguf = true, .type = DTYPE_Q4_0 } }, KV_F16,
          false },
        { { "wide", NULL, { .gguf = true, .type = DTYPE_Q4_K } }, KV_F16,
          false },
        { { "wide", NULL, { .gguf = true, .type = DTYPE_Q6_K } }, KV_F16,
          false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_options o = { .exact = rows[i].exact, .kv = rows[i].kv };
        invariant(&rows[i].v, o);
    }
}

/* Beyond a segment of 512 positions one thread goes over the segments by
 * itself, several share them out: the same bytes. */
static void test_segments(void **state)
{
    enum { LEN = 1100 };
    struct variant v = { "plain", NULL,
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
        rig_logits(&r, token, LEN, way == 0 ? 512 : 1, 0, logits[way]);
        rig_close(&r);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    tiny_remove(&p);
}

/* Exact numbers see only the expanded values: a file of them in f32 must give
 * the same bytes as the quantised one. */
static void test_exact_expands(void **state)
{
    static const enum dtype_id types[] = { DTYPE_Q4_K, DTYPE_Q6_K, DTYPE_Q4_1,
                                           DTYPE_Q5_0 };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct variant quantised = { "wide", NULL,
            { .gguf = true, .type = types[i] } };
        struct variant expanded = { "wide", NULL,
            { .gguf = false, .type = DTYPE_F32, .rounded = types[i] } };
        struct variant plain = { "wide", NULL, { .type = DTYPE_F32 } };
        struct tiny      t;
        struct tiny_path p = write_variant(&expanded, &t);
        float           *want = run_with(&p, &t, &exact, LONGEST, 0);
        tiny_remove(&p);
        /* In the one file q and k are permuted, in the other they are not: the
         * sums over a head come in another order.  Close, not equal. */
        p = write_variant(&quantised, &t);
        float *got = run_with(&p, &t, &exact, LONGEST, 0);
        tiny_remove(&p);
        p = write_variant(&plain, &t);
        float *unquantised = run_with(&p, &t, &exact, LONGEST, 0);
        tiny_remove(&p);
        double worst = 0, other = 0;
        for (size_t k = 0; k < LONGEST * VOCAB_MAX; k++) {
            worst = fmax(worst, fabs((double)want[k] - got[k]));
            other = fmax(other, fabs((double)want[k] - unquantised[k]));
        }
        if (!(worst < 1e-4) || other < 100 * worst)
            fail_msg("%s: expanded and quantised differ by %g, plain by %g",
                     dtype_get(types[i])->name, worst, other);
        free(want);
        free(got);
        free(unquantised);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_old_configs),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_default_numbers),
        cmocka_unit_test(test_faults_are_noticed),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_exact_expands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
