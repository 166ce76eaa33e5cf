/* Number formats: every f16, and every place where rounding turns. */
#include "tensor/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The value of an f16 from its definition. */
static double f16_value(unsigned h)
{
    unsigned e = h >> 10 & 31, m = h & 1023;
    double v = e ? ldexp(1024 + m, (int)e - 25) : ldexp(m, -24);

    return h & 0x8000 ? -v : v;
}

static void f16_widens_exactly(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x10000; h++) {
        float x = f32_from_f16((uint16_t)h);

        if ((h & 0x7c00) < 0x7c00)
            assert_true((double)x == f16_value(h));
        else if (h & 0x3ff)
            assert_true(x != x);
        else
            assert_true(x == (h & 0x8000 ? -INFINITY : INFINITY));
        assert_int_equal(signbit(x) != 0, h >> 15);
    }
}

/* Between two neighbours: a hair below the middle goes down, a hair above goes
 * up, the middle to the even one. */
static void f16_rounds_to_the_nearest(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7c00; h++) {
        double low = f16_value(h);
        double high = h == 0x7bff ? 65536.0 : f16_value(h + 1);
        float middle = (float)((low + high) / 2);

        assert_int_equal(f16_from_f32((float)low), h);
        assert_int_equal(f16_from_f32(nextafterf(middle, 0.0f)), h);
        assert_int_equal(f16_from_f32(nextafterf(middle, 1e9f)), h + 1);
        assert_int_equal(f16_from_f32(middle), h + (h & 1));
        assert_int_equal(f16_from_f32(-middle), 0x8000 | (h + (h & 1)));
    }
    assert_int_equal(f16_from_f32(1e30f), 0x7c00);
    assert_int_equal(f16_from_f32(-INFINITY), 0xfc00);
    assert_int_equal(f16_from_f32(1e-30f), 0);
    assert_true((f16_from_f32(NAN) & 0x7fff) > 0x7c00);
    assert_true((f16_from_f32(f32_from_bits(0x7f800001)) & 0x7fff) > 0x7c00);
}

static void bf16_rounds_to_the_nearest(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x7f80; h++) {
        uint32_t middle = h << 16 | 0x8000;

        assert_int_equal(f32_bits(f32_from_bf16((uint16_t)h)), h << 16);
        assert_int_equal(bf16_from_f32(f32_from_bits(h << 16)), h);
        assert_int_equal(bf16_from_f32(f32_from_bits(middle - 1)), h);
        assert_int_equal(bf16_from_f32(f32_from_bits(middle + 1)), h + 1);
        assert_int_equal(bf16_from_f32(f32_from_bits(middle)), h + (h & 1));
    }
    assert_int_equal(bf16_from_f32(f32_from_bits(0x7f800001)), 0x7fc0);
    assert_int_equal(bf16_from_f32(-INFINITY), 0xff80);
}

static void eight_bit_scales_have_their_values(void **state)
{
    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        unsigned e = b >> 3 & 15, m = b & 7;
        double v = e ? ldexp(8 + m, (int)e - 10) : ldexp(m, -9);

        assert_true((double)f32_from_e8m0_half((uint8_t)b)
                    == ldexp(1, (int)b - 128));
        assert_true((double)f32_from_ue4m3_half((uint8_t)b)
                    == (b == 127 ? 0 : v / 2));
        if ((b & 127) != 127)
            assert_true((double)f32_from_e4m3((uint8_t)b)
                        == (b & 128 ? -v : v));
    }
    assert_true((double)f32_from_e4m3(0x7e) == 448);
    assert_true((double)f32_from_e5m2(0x7b) == 57344);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_widens_exactly),
        cmocka_unit_test(f16_rounds_to_the_nearest),
        cmocka_unit_test(bf16_rounds_to_the_nearest),
        cmocka_unit_test(eight_bit_scales_have_their_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
