/* The Llama family against transformers, and against itself: whatever the
 * chunk, the threads, the neighbours in the batch, the bytes are the same. */
#include "support/check.h"

#include "golden/rig.h"
#include "golden/tiny.h"

#include "base/cursor.h"
#include "base/file.h"
#include "models/arch_table.h"
#include "kernels/dispatch.h"
#include "nn/config.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x444C4F47, SAMPLES = 6, HIDDEN_SAMPLES = 16, LONGEST = 200,
    N_LENGTHS = 3, N_HIDDEN_AT = 3, LAYERS_MAX = 4, VOCAB_MAX = 160
};
static const size_t   lengths[N_LENGTHS] = { 1, 20, LONGEST };
static const uint32_t hidden_at[N_HIDDEN_AT] = { 0, 77, 199 };

/* ---- golden files (tools/golden/llama.py says what is in them) ---- */

struct golden {
    uint32_t n_divisors;
    float    divisors[64];
    float    logits[221][SAMPLES + 2];       /* positions of all lengths */
    float    hidden[N_HIDDEN_AT][LAYERS_MAX][HIDDEN_SAMPLES];
};

static void read_golden(struct golden *g, const char *name, uint32_t n_layer)
{
    char          path[128];
    struct file   f;
    struct cursor c;
    uint32_t      magic = 0;

    snprintf(path, sizeof path, "tests/golden/llama/%s.bin", name);
    assert_int_equal(file_open(&f, path, NULL), ERR_OK);
    c = (struct cursor){ f.at, (size_t)f.size };
    assert_true(cursor_u32(&c, &magic) && magic == MAGIC);
    assert_true(cursor_u32(&c, &g->n_divisors) && g->n_divisors <= 64);
    assert_true(cursor_take(&c, g->divisors, g->n_divisors * sizeof(float)));
    assert_true(cursor_take(&c, g->logits, sizeof g->logits));
    for (size_t p = 0; p < N_HIDDEN_AT; p++)
        for (uint32_t l = 0; l < n_layer; l++)
            assert_true(cursor_take(&c, g->hidden[p][l],
                                    sizeof g->hidden[p][l]));
    assert_int_equal(c.left, 0);
    file_close(&f);
}

/* ---- comparing ---- */

/* The largest deviations found, as shares of the reference's range. */
struct drift {
    double logits, hidden[LAYERS_MAX];
};

struct tap {
    const struct golden *golden;
    struct drift        *drift;
    uint32_t             hidden;
};

static void compare_hidden(void *arg, uint32_t layer, const float *x, size_t n)
{
    struct tap *t = arg;

    for (size_t p = 0; p < N_HIDDEN_AT; p++) {
        const float *want = t->golden->hidden[p][layer];
        float        least = want[0], most = want[0];
        double       worst = 0;
        if (hidden_at[p] >= n)
            continue;
        for (uint32_t j = 0; j < HIDDEN_SAMPLES; j++) {
            uint32_t at = (hidden_at[p] + j * t->hidden / HIDDEN_SAMPLES)
                        % t->hidden;
            double d = fabs((double)x[hidden_at[p] * t->hidden + at] - want[j]);
            worst = d > worst ? d : worst;
            least = want[j] < least ? want[j] : least;
            most = want[j] > most ? want[j] : most;
        }
        worst /= most - least;
        if (worst > t->drift->hidden[layer] || worst != worst)
            t->drift->hidden[layer] = worst;
    }
}

static double row_drift(const float *row, const float *want, size_t pos,
                        size_t vocab)
{
    float  least = row[0], most = row[0];
    double worst = 0, range = (double)want[1] - want[0];

    for (size_t i = 1; i < vocab; i++) {
        least = row[i] < least ? row[i] : least;
        most = row[i] > most ? row[i] : most;
    }
    worst = fmax(fabs((double)least - want[0]), fabs((double)most - want[1]));
    for (size_t j = 0; j < SAMPLES; j++) {
        double d = fabs((double)row[(pos * 7 + j * 29) % vocab] - want[2 + j]);
        worst = d > worst || d != d ? d : worst;
    }
    return worst / range;
}

static struct drift compare(struct rig *r, const struct tiny *t,
                            const struct golden *g)
{
    static float logits[LONGEST * VOCAB_MAX];
    struct drift drift = { 0 };
    struct tap   tap = { g, &drift, t->hidden };
    int32_t      token[LONGEST];
    size_t       at = 0;

    assert_true(r->vocab <= VOCAB_MAX);
    tiny_tokens(t, token, LONGEST);
    for (size_t l = 0; l < N_LENGTHS; l++) {
        work_tap(r->work, lengths[l] == LONGEST ? compare_hidden : NULL, &tap);
        rig_logits(r, token, lengths[l], LONGEST, 0, logits);
        for (size_t pos = 0; pos < lengths[l]; pos++, at++) {
            double d = row_drift(logits + pos * r->vocab, g->logits[at], pos,
                                 r->vocab);
            drift.logits = d > drift.logits || d != d ? d : drift.logits;
        }
    }
    work_tap(r->work, NULL, NULL);
    return drift;
}

/* Says what drifted first; true when nothing drifted further than `most`. */
static bool agrees(const struct drift *d, uint32_t n_layer, double most,
                   const char *name, bool quiet)
{
    for (uint32_t l = 0; l < n_layer; l++)
        if (!(d->hidden[l] <= most)) {
            if (!quiet)
                print_error("%s: drifts from layer %u on, by %g of the range\n",
                            name, l, d->hidden[l]);
            return false;
        }
    if (!(d->logits <= most) && !quiet)
        print_error("%s: the logits drift by %g of their range\n", name,
                    d->logits);
    return d->logits <= most;
}

/* ---- a variant in one form ---- */

struct variant {
    const char      *name, *golden;
    struct tiny_form form;
};

/* Formats whose quantiser is not there yet cannot be written. */
static bool can_write(const struct variant *v)
{
    return weight_find(isa_at(0)->weights, v->form.type)->quantize != NULL;
}

static struct drift drift_of(const struct variant *v,
                             const struct rig_options *o, uint32_t *n_layer)
{
    struct tiny      t;
    struct golden   *g = calloc(1, sizeof *g);
    struct rig       r;
    struct drift     d;
    struct err_info  why = { .text = "" };
    struct tiny_path p;

    tiny_read(&t, v->name);
    read_golden(g, v->golden, t.n_layer);
    t.divisors = g->divisors;
    t.n_divisors = g->n_divisors;
    *n_layer = t.n_layer;
    p = tiny_write(&t, &v->form);
    if (rig_open(&r, p.open, o, &why) != ERR_OK)
        fail_msg("%s: %s", v->name, why.text);
    d = compare(&r, &t, g);
    rig_close(&r);
    tiny_remove(&p);
    free(g);
    return d;
}

static void expect_drift(const struct variant *v, const struct rig_options *o,
                         double most)
{
    uint32_t     n_layer;
    struct drift d = drift_of(v, o, &n_layer);

    if (!agrees(&d, n_layer, most, v->golden, false))
        fail_msg("%s (%s, %s) differs from the reference", v->golden,
                 v->form.gguf ? "gguf" : "safetensors",
                 dtype_get(v->form.type)->name);
}

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
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (can_write(&rows[i]))
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
        { { "wide", "wide-f16", { .type = DTYPE_F16 } }, KV_F32, false, 1e-4 },
        { { "wide", "wide-bf16", { .type = DTYPE_BF16 } }, KV_F32, false,
          3e-2 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_options o = { .exact = rows[i].exact, .kv = rows[i].kv };
        if (can_write(&rows[i].v))
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

static struct tiny_path write_variant(const struct variant *v, struct tiny *t)
{
    tiny_read(t, v->name);
    return tiny_write(t, &v->form);
}

static float *run_with(const struct tiny_path *p, const struct tiny *t,
                       const struct rig_options *o, size_t chunk,
                       unsigned guests)
{
    float          *logits = calloc(LONGEST * VOCAB_MAX, sizeof *logits);
    struct err_info why = { .text = "" };
    int32_t         token[LONGEST];
    struct rig      r;

    tiny_tokens(t, token, LONGEST);
    if (rig_open(&r, p->open, o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    rig_logits(&r, token, LONGEST, chunk, guests, logits);
    rig_close(&r);
    return logits;
}

static bool same_bytes(const float *a, const float *b)
{
    return memcmp(a, b, LONGEST * VOCAB_MAX * sizeof *a) == 0;
}

static void invariant(const struct variant *v, struct rig_options o)
{
    static const struct {
        unsigned threads, guests;
        size_t   chunk;
    } ways[] = {
        { 1, 0, 1 }, { 1, 0, 7 }, { 2, 0, 64 }, { 3, 0, LONGEST },
        { 2, 3, 7 }, { 3, 3, 64 },
    };
    struct tiny      t;
    struct tiny_path p = write_variant(v, &t);
    o.threads = 1;
    float *alone = run_with(&p, &t, &o, LONGEST, 0);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        o.threads = ways[i].threads;
        float *other = run_with(&p, &t, &o, ways[i].chunk, ways[i].guests);
        if (!same_bytes(alone, other))
            fail_msg("%s, weights %s, cache %s: other bytes with %u threads, "
                     "chunks of %zu, %u guests", v->name,
                     dtype_get(v->form.type)->name, kv_type_name(o.kv),
                     ways[i].threads, ways[i].chunk, ways[i].guests);
        other[5] = nextafterf(other[5], 1e9f);
        assert_false(same_bytes(alone, other));
        free(other);
    }
    free(alone);
    tiny_remove(&p);
}

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
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_options o = { .exact = rows[i].exact, .kv = rows[i].kv };
        if (can_write(&rows[i].v))
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
        if (!can_write(&quantised))
            continue;
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
