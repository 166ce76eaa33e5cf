/* Frequencies against the numbers that the reference gives. */
#include "support/check.h"

#include "nn/rope.h"
#include <math.h>

static bool near(double a, double b, double share)
{
    return fabs(a - b) <= share * fabs(b);
}

static void expect_divisors(const struct rope_spec *r, uint32_t from,
                            const double *want, uint32_t n, double last)
{
    float scaled[128], plain[128];
    struct rope_spec p = *r;

    p.kind = ROPE_DEFAULT;
    rope_frequencies(scaled, r, 0);
    rope_frequencies(plain, &p, 0);
    for (uint32_t i = 0; i < r->width / 2; i++) {
        double w = i < from ? 1 : i < from + n ? want[i - from] : last;
        assert_true(near((double)plain[i] / (double)scaled[i], w, 2e-6));
    }
}

static void llama3(void **state)
{
    static const double w8b[] = { 1.207484, 1.553415, 2.026313, 2.694530,
                                  3.684253, 5.257327 };
    static const double w1b[] = { 1.651329, 3.292262, 9.666729 };
    struct rope_spec r = { .kind = ROPE_LLAMA3, .width = 128, .theta = 5e5,
                           .factor = 8, .low_freq = 1, .high_freq = 4,
                           .original_len = 8192 };

    (void)state;
    expect_divisors(&r, 29, w8b, 6, 8);
    r.width = 64;
    r.factor = 32;
    expect_divisors(&r, 15, w1b, 3, 32);
    assert_true(rope_amplitude(&r) == 1.0f);
}

static void yarn(void **state)
{
    struct rope_spec r = { .kind = ROPE_YARN, .width = 64, .theta = 1e4,
                           .factor = 40, .beta_fast = 32, .beta_slow = 1,
                           .truncate = true, .original_len = 4096 };
    struct rope_spec p = r;
    float f[32], g[32];

    (void)state;
    p.kind = ROPE_DEFAULT;
    rope_frequencies(f, &r, 0);
    rope_frequencies(g, &p, 0);
    for (int i = 0; i < 32; i++) {      /* kept to 10, stretched from 23 on */
        double ramp = fmin(fmax((i - 10) / 13.0, 0), 1);
        assert_true(near(f[i], g[i] * (1 - ramp) + g[i] / 40.0 * ramp, 1e-6));
    }
    assert_true(near(rope_amplitude(&r), 1.368888, 1e-6));
    r.factor = 4;
    assert_true(near(rope_amplitude(&r), 1.138629, 1e-6));
    r.mscale = r.mscale_all_dim = 0.707;
    assert_true(rope_amplitude(&r) == 1.0f);
    r.attention_factor = 1.5;
    assert_true(rope_amplitude(&r) == 1.5f);
}

static void by_length(void **state)
{
    static const float low[2] = { 1, 2 }, high[2] = { 4, 8 };
    struct rope_spec r = { .kind = ROPE_LONGROPE, .width = 4, .theta = 1e4,
                           .factor = 32, .original_len = 4096,
                           .context_len = 131072, .short_factor = low,
                           .long_factor = high };
    float f[2], g[2];

    (void)state;
    rope_frequencies(f, &r, 4096);
    rope_frequencies(g, &r, 4097);
    assert_true(f[0] == 1.0f && near(f[1], 0.005, 1e-6));
    assert_true(g[0] == 0.25f && near(g[1], 0.00125, 1e-6));
    assert_true(near(rope_amplitude(&r), 1.190238, 1e-6));
    rope_frequencies(f, &r, 0);         /* the context is beyond */
    assert_true(f[0] == g[0]);

    r = (struct rope_spec){ .kind = ROPE_DYNAMIC, .width = 4, .theta = 1e4,
                            .factor = 2, .context_len = 100 };
    rope_frequencies(f, &r, 100);
    assert_true(near(f[1], 0.01, 1e-6));
    rope_frequencies(f, &r, 200);       /* theta * 3^2 */
    assert_true(near(f[1], 0.01 / 3, 1e-6));
    assert_true(rope_by_length(&r));
}

static void rotations_and_divisors(void **state)
{
    static const float divisor[2] = { 1, 4 };
    struct rope_spec r = { .kind = ROPE_LINEAR, .width = 4, .theta = 1e4,
                           .factor = 2, .divisor = divisor };
    float f[2], cs[4];

    (void)state;
    rope_frequencies(f, &r, 0);
    assert_true(f[0] == 0.5f && near(f[1], 0.01 / 8, 1e-6));
    rope_rotation(cs, f, 2, 3, 2);
    assert_true(near(cs[0], 2 * cos(1.5), 1e-6));
    assert_true(near(cs[2], 2 * sin(1.5), 1e-6));
    assert_true(near(cs[3], 2 * sin(3 * (double)f[1]), 1e-6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama3),
        cmocka_unit_test(yarn),
        cmocka_unit_test(by_length),
        cmocka_unit_test(rotations_and_divisors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
