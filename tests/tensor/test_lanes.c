/* The same operations have the same results on every instruction set that this
 * machine runs, and the plain set has the right ones. */
#include "lanes.h"

#include "kernels/dispatch.h"
#include "tensor/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct { const char *name; lanes_fn *run; } sets[] = {
    { "scalar", kernel_lanes_scalar }, { "emu16", kernel_lanes_emu16 },
#ifdef HAVE_ISA_avx2
    { "avx2", kernel_lanes_avx2 },
#endif
#ifdef HAVE_ISA_avxvnni
    { "avxvnni", kernel_lanes_avxvnni },
#endif
#ifdef HAVE_ISA_avx512
    { "avx512", kernel_lanes_avx512 },
#endif
#ifdef HAVE_ISA_avx512vnni
    { "avx512vnni", kernel_lanes_avx512vnni },
#endif
#ifdef HAVE_ISA_avx512bf16
    { "avx512bf16", kernel_lanes_avx512bf16 },
#endif
#ifdef HAVE_ISA_neon
    { "neon", kernel_lanes_neon },
#endif
#ifdef HAVE_ISA_neon_i8mm
    { "neon_i8mm", kernel_lanes_neon_i8mm },
#endif
};

enum { N_SETS = sizeof sets / sizeof *sets };

static bool runs(const char *name)
{
    const struct isa_set *set;
    struct err_info why;

    return isa_pick(&set, name, cpu_features(), &why) == ERR_OK;
}

/* Random words; every 64th round extremes of bytes and floats. */
static struct lane_input input(uint32_t round)
{
    static const uint32_t odd[] = { 0, 0x80808080, 0x7f7f7f7f, 0xffffffff,
                                    0x80000000, 0x7bff7bff, 0x00010001 };
    struct lane_input in;
    uint32_t *word = in.a, state = round * 2654435761u + 12345;

    for (size_t i = 0; i < 3 * LANE_COUNT; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        word = i < 16 ? &in.a[i] : i < 32 ? &in.b[i - 16] : &in.c[i - 32];
        *word = round % 64 ? state : odd[state % 7];
    }
    return in;
}

static const char *difference(const struct lane_result *a,
                              const struct lane_result *b, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < LANE_COUNT; k++) {
            float x = f32_from_bits(a[i].word[k]);
            float y = f32_from_bits(b[i].word[k]);
            bool both_nan = x != x && y != y && a[i].name[0] != 'a';
            if (a[i].word[k] != b[i].word[k] && !both_nan)
                return a[i].name;
        }
    return NULL;
}

static void sets_agree(void **state)
{
    struct lane_result want[LANE_OPS], got[LANE_OPS];

    (void)state;
    for (size_t k = 1; k < N_SETS; k++) {
        if (!runs(sets[k].name))
            continue;
        for (uint32_t round = 0; round < 3000; round++) {
            struct lane_input in = input(round);
            int n = sets[0].run(want, &in);
            const char *bad;

            assert_int_equal(sets[k].run(got, &in), n);
            bad = difference(want, got, n);
            if (bad)
                fail_msg("%s differs on %s, round %u", bad, sets[k].name,
                         round);
        }
    }
}

static const struct lane_result *named(const struct lane_result *all, int n,
                                       const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    fail_msg("no operation %s", name);
    return NULL;
}

/* Four products by hand. */
static int32_t dot(uint32_t u, uint32_t s, uint32_t mask, bool is_signed)
{
    int32_t sum = 0;

    for (int k = 0; k < 32; k += 8) {
        int w = (int)(u >> k & mask);
        sum += (is_signed ? (int8_t)w : w) * (int8_t)(s >> k | 1);
    }
    return sum;
}

static void plain_dots_are_right(void **state)
{
    struct lane_result r[LANE_OPS];

    (void)state;
    for (uint32_t round = 0; round < 500; round++) {
        struct lane_input in = input(round);
        int n = sets[0].run(r, &in);

        for (int k = 0; k < LANE_COUNT; k++) {
            assert_int_equal((int32_t)named(r, n, "dot4")->word[k],
                             8 * dot(in.a[k], in.b[k], 15, false));
            assert_int_equal((int32_t)named(r, n, "dot6")->word[k],
                             8 * dot(in.a[k], in.b[k], 63, false));
            assert_int_equal((int32_t)named(r, n, "dot8")->word[k] - 5,
                             dot(in.a[k], in.b[k], 255, true));
        }
    }
}

static double off(uint32_t got, double want)
{
    return fabs((double)f32_from_bits(got) - want) / fabs(want);
}

/* The promised ulps, against libm in double. */
static void functions_are_close(void **state)
{
    struct lane_result r[LANE_OPS];

    (void)state;
    for (uint32_t round = 1; round < 4000; round++) {
        struct lane_input in = input(round);
        int n = sets[0].run(r, &in);
        const struct lane_result *arg = named(r, n, "x");

        for (int k = 0; k < LANE_COUNT && round % 64; k++) {
            double x = (double)f32_from_bits(arg->word[k]);
            assert_true(isnan(f32_from_bits(named(r, n, "exp nan")->word[k])));
            assert_true(off(named(r, n, "exp x")->word[k], exp(x)) < 1.5e-7);
            assert_true(off(named(r, n, "tanh x")->word[k], tanh(x)) < 2.5e-7);
        }
    }
    assert_true(off(0x3f800001, 1) < 1.5e-7 && off(0x3f800002, 1) > 1.5e-7);
}

static void a_wrong_lane_is_seen(void **state)
{
    struct lane_result a[LANE_OPS], b[LANE_OPS];
    struct lane_input in = input(7);
    int n = sets[0].run(a, &in);

    (void)state;
    memcpy(b, a, sizeof b);
    assert_null(difference(a, b, n));
    b[n - 1].word[15] ^= 1;
    assert_string_equal(difference(a, b, n), a[n - 1].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_agree),
        cmocka_unit_test(plain_dots_are_right),
        cmocka_unit_test(functions_are_close),
        cmocka_unit_test(a_wrong_lane_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
