/* The DeepSeek families against the reference, in both kinds of files, older and
 * newer ones; and against themselves. */
#include "support/check.h"

#include "golden/drift.h"

#include "models/arch_table.h"
#include "nn/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rig_options exact = { .exact = true, .kv = KV_F32,
                                          .threads = 2 };
static const double tolerance = 1e-4;

/* GGUF has no biases, no other pairing, no FP8. */
static const struct {
    const char *name;
    bool        gguf, latent;
} variants[] = {
    { "deepseek/plain", true, false },
    { "deepseek2/lite", true, true }, { "deepseek2/v2", true, true },
    { "deepseek2/v3", true, true },   { "deepseek2/wide", true, true },
    { "deepseek2/biased", false, true },
};
enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

static void test_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant v = { variants[i].name, variants[i].name,
                             { .gguf = false } };
        expect_drift(&v, &exact, tolerance);
        v.form.gguf = true;
        if (variants[i].gguf)
            expect_drift(&v, &exact, tolerance);
        v.form.old_gguf = true;
        if (variants[i].gguf && variants[i].latent)
            expect_drift(&v, &exact, tolerance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
