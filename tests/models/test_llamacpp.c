/* Files by llama.cpp's own quantiser (tools/golden/llamacpp.py): its mixtures of
 * types, its order of tensors, its keys. */
#include "support/check.h"

#include "golden/drift.h"

static const char *const files[] = {
    "llamacpp/llama-q6_k",          /* rows of q and k in its own order */
    "llamacpp/qwen3-q4_0",          /* the head is q6_k */
    "llamacpp/qwen2moe-q4_k_m",     /* stacks of q4_k and q6_k, the router f32,
                                       the shared expert's a vector */
};

static void test_reference(void **state)
{
    static const struct rig_options exact = { .exact = true, .kv = KV_F32,
                                              .threads = 2 };
    static const double tolerance = 1e-4;
    const struct tiny   t = { .seed = 11, .hidden = 256, .n_layer = 1,
                              .vocab = 160 };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tiny  other = t;
        struct drift d = drift_of_file(files[i], &t, &exact);

        if (!agrees(&d, 1, tolerance, files[i], false))
            fail_msg("%s differs from the reference", files[i]);
        other.seed++;                /* other tokens: it must be noticed */
        d = drift_of_file(files[i], &other, &exact);
        assert_false(agrees(&d, 1, 100 * tolerance, files[i], true));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
