/* --weights TYPE: the matrices of a file converted while it loads.  The oracle
 * is a file whose matrices a test rounded to the same type beforehand. */
#include "support/check.h"

#include "golden/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char embedding[] = "model.embed_tokens.weight";

/* Every type that has a quantiser, what llama.cpp takes on a width that its
 * blocks of 256 do not divide, and what the conversion may cost "wide": about
 * twice the deviation measured, as a share of the range of the logits. */
static const struct target {
    const char   *name;
    enum dtype_id type, instead;
    double        least, most;
} targets[] = {
    { "f16", DTYPE_F16, DTYPE_F16, 1e-4, 1e-3 },
    { "bf16", DTYPE_BF16, DTYPE_BF16, 1e-3, 1.2e-2 },
    { "q8_0", DTYPE_Q8_0, DTYPE_Q8_0, 3e-3, 2.8e-2 },
    { "q4_0", DTYPE_Q4_0, DTYPE_Q4_0, 3e-2, 0.28 },
    { "q4_1", DTYPE_Q4_1, DTYPE_Q4_1, 3e-2, 0.26 },
    { "q5_0", DTYPE_Q5_0, DTYPE_Q5_0, 1e-2, 0.13 },
    { "q5_1", DTYPE_Q5_1, DTYPE_Q5_1, 1e-2, 0.14 },
    { "q4_k", DTYPE_Q4_K, DTYPE_Q5_0, 3e-2, 0.26 },
    { "q5_k", DTYPE_Q5_K, DTYPE_Q5_1, 1e-2, 0.13 },
    { "q6_k", DTYPE_Q6_K, DTYPE_Q8_0, 5e-3, 5.5e-2 },
};
enum { N_TARGETS = sizeof targets / sizeof targets[0] };

static float *logits_of(const struct tiny *t, const struct tiny_form *form,
                        const struct rig_options *o)
{
    struct tiny_path p = tiny_write(t, form);
    float           *logits = run_with(&p, t, o, LONGEST, 0);

    tiny_remove(&p);
    return logits;
}

static double largest_gap(const float *a, const float *b)
{
    double worst = 0, least = a[0], most = a[0];

    for (size_t i = 0; i < LONGEST * VOCAB_MAX; i++) {
        worst = fmax(worst, fabs((double)a[i] - b[i]));
        least = fmin(least, a[i]);
        most = fmax(most, a[i]);
    }
    return worst / (most - least);
}

/* Converting is rounding: the same bytes as of the file rounded beforehand.
 * Look-ups of the embedding stay as stored. */
static void expect_rounded(const struct tiny *t, const struct target *to,
                           struct tiny_form form)
{
    struct rig_options o = { .exact = true, .kv = KV_F32, .weights = to->name };
    float             *got = logits_of(t, &form, &o), *want;

    o.weights = NULL;
    form.rounded = to->type;
    form.unrounded = embedding;
    want = logits_of(t, &form, &o);
    if (!same_bytes(got, want))
        fail_msg("%s as %s differs from the rounded file by %g", t->name,
                 to->name, largest_gap(want, got));
    free(got);
    free(want);
}

static void every_type_rounds(void **state)
{
    struct tiny t;

    (void)state;
    tiny_read(&t, "wide");
    for (size_t i = 0; i < N_TARGETS; i++)
        expect_rounded(&t, &targets[i], (struct tiny_form){ .gguf = false });
    expect_rounded(&t, &targets[7], (struct tiny_form){ .gguf = true });
}

/* 64 and 160 columns: no whole blocks of 256. */
static void widths_that_do_not_divide(void **state)
{
    struct tiny t;

    (void)state;
    tiny_read(&t, "plain");
    for (size_t i = 0; i < N_TARGETS; i++)
        expect_rounded(&t, &targets[i], (struct tiny_form){
            .rounded_odd = targets[i].instead });
}

/* 168 columns: no whole blocks of 32 either. */
static void widths_for_f16_alone(void **state)
{
    struct tiny t;

    (void)state;
    tiny_read(&t, "plain");
    t.ffn = 168;
    t.hidden = 72;
    t.head_dim = 18;
    for (size_t i = 0; i < N_TARGETS; i++)
        expect_rounded(&t, &targets[i], (struct tiny_form){
            .gguf = true, .rounded_odd = DTYPE_F16 });
}

static void every_type_stays_close(void **state)
{
    struct tiny        t;
    struct rig_options o = { .kv = KV_F32 };
    struct tiny_form   form = { .gguf = false };

    (void)state;
    tiny_read(&t, "wide");
    float *plain = logits_of(&t, &form, &o);
    for (size_t i = 0; i < N_TARGETS; i++) {
        o.weights = targets[i].name;
        float *got = logits_of(&t, &form, &o);
        double gap = largest_gap(plain, got);
        if (!(gap <= targets[i].most && gap >= targets[i].least))
            fail_msg("%s: %g of the range away from f32", targets[i].name, gap);
        free(got);
    }
    free(plain);
}

static enum err open_with(const struct tiny_form *form, const char *name,
                          const char *weights, const struct notices *notices,
                          struct err_info *why)
{
    struct rig_options o = { .weights = weights, .notices = notices };
    struct tiny        t;
    struct rig         r;

    tiny_read(&t, name);
    struct tiny_path p = tiny_write(&t, form);
    enum err         e = rig_open(&r, p.open, &o, why);
    if (e == ERR_OK)
        rig_close(&r);
    tiny_remove(&p);
    return e;
}

/* 1e6 is no f16, and as the largest of a block it fits every other type; 1e9
 * is too large for a scale in f16, too. */
static void overflow_names_the_tensor(void **state)
{
    static const char tensor[] = "model.layers.1.mlp.up_proj.weight";
    struct err_info   why;

    (void)state;
    for (size_t i = 0; i < N_TARGETS; i++)
        for (int size = 0; size < 2; size++) {
            struct tiny_form form = { .huge = tensor,
                                      .huge_value = size ? 1e9f : 1e5f };
            bool fits = targets[i].type == DTYPE_BF16
                     || (size == 0 && targets[i].type != DTYPE_F16);
            why.text[0] = '\0';
            enum err e = open_with(&form, "wide", targets[i].name, NULL, &why);
            if ((e == ERR_OK) != fits)
                fail_msg("%g as %s: \"%s\"", (double)form.huge_value,
                         targets[i].name, why.text);
            if (!fits && (!strstr(why.text, tensor)
                          || !strstr(why.text, targets[i].name)))
                fail_msg("\"%s\" does not name the tensor", why.text);
        }
}

static void hear(void *arg, const char *sentence)
{
    snprintf(arg, 256, "%s", sentence);
}

static void quantising_again_is_told(void **state)
{
    static const struct {
        enum dtype_id stored;
        const char   *weights;
        bool          told;
    } rows[] = {
        { DTYPE_Q8_0, "q4_0", true },  { DTYPE_Q4_K, "q8_0", true },
        { DTYPE_Q8_0, "q8_0", false }, { DTYPE_F32, "q4_0", false },
        { DTYPE_BF16, "f16", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char             heard[256] = "";
        struct notices   notices = { hear, heard };
        struct tiny_form form = { .gguf = true, .type = rows[i].stored };
        struct err_info  why;
        assert_int_equal(open_with(&form, "wide", rows[i].weights, &notices,
                                   &why), ERR_OK);
        bool told = strstr(heard, "quantised already") != NULL;
        if (told != rows[i].told)
            fail_msg("%zu, to %s: \"%s\"", i, rows[i].weights, heard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_rounds),
        cmocka_unit_test(widths_that_do_not_divide),
        cmocka_unit_test(widths_for_f16_alone),
        cmocka_unit_test(every_type_stays_close),
        cmocka_unit_test(overflow_names_the_tensor),
        cmocka_unit_test(quantising_again_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
