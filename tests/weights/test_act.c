/* Prepared activations: the definition of act.h, equal on every set. */
#include "wsample.h"

#include "tensor/number.h"
#include "weights/act.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool runs(size_t set)
{
    return !(isa_at(set)->needs & ~cpu_features());
}

/* n values into a fresh prepared row whose bytes were `fill` before. */
static void *prepared(size_t set, enum act_kind kind, const float *x, size_t n,
                      int fill)
{
    void *row = aligned_alloc(64, act_size(kind, n));

    memset(row, fill, act_size(kind, n));
    isa_at(set)->weights->act_prepare(row, kind, x, n);
    return row;
}

/* 0: as act.h says; else the block that is wrong, from 1. */
static size_t wrong_block(const struct act_int8 *a, const float *x, size_t n)
{
    for (size_t b = 0; b < n / 32; b++, x += 32) {
        float amax = 0.0f, inverse;
        int32_t sum[2] = { 0, 0 };

        for (int i = 0; i < 32; i++)
            amax = fabsf(x[i]) > amax ? fabsf(x[i]) : amax;
        if (amax < 0x1p-100f)
            amax = 0.0f;
        inverse = amax > 0.0f ? 127.0f / amax : 0.0f;
        for (int i = 0; i < 32; i++) {
            int8_t q = a->code[32 * b + (size_t)i];
            if (q != (int)nearbyintf(x[i] * inverse))
                return b + 1;
            sum[i / 16] += q;
        }
        if (a->scale[b] != amax / 127.0f || a->sum16[2 * b] != sum[0]
            || a->sum16[2 * b + 1] != sum[1] || a->sum32[b] != sum[0] + sum[1]
            || a->fsum16[2 * b] != a->scale[b] * (float)sum[0]
            || a->fsum16[2 * b + 1] != a->scale[b] * (float)sum[1]
            || a->fsum32[b] != a->scale[b] * (float)a->sum32[b])
            return b + 1;
    }
    return 0;
}

static void int8_is_as_defined(void **state)
{
    float x[1024];

    (void)state;
    for (size_t n = 32; n <= 1024; n += 32)
        for (size_t set = 0; isa_at(set); set++) {
            struct act_int8 a;
            void *row;

            if (!runs(set))
                continue;
            for (size_t i = 0; i < n; i++)
                x[i] = sample_f32(n, i) * (i / 32 % 5 == 4 ? 0x1p-90f : 9.0f);
            if (n % 96 == 0)
                memset(x, 0, 32 * sizeof *x);
            x[n - 1] = n % 64 ? 0x1p-120f : x[n - 1];
            row = prepared(set, ACT_INT8, x, n, 0x5a);
            a = act_int8_at(row, n);
            assert_int_equal(wrong_block(&a, x, n), 0);
            a.sum16[n / 16 - 1]++;
            assert_int_equal(wrong_block(&a, x, n), n / 32);
            free(row);
        }
}

/* A NaN or an infinity must come out as NaN in the product. */
static void damage_shows(void **state)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };

    (void)state;
    for (size_t set = 0; isa_at(set); set++)
        for (size_t i = 0; i < 3 && runs(set); i++) {
            float x[96] = { 1.0f, 2.0f };
            struct act_int8 a;
            void *row;

            x[40] = bad[i];
            row = prepared(set, ACT_INT8, x, 96, 0);
            a = act_int8_at(row, 96);
            assert_true(a.scale[0] == 2.0f / 127.0f && a.scale[2] == 0.0f);
            assert_true(!isfinite(a.scale[1]));
            assert_true(isnan(a.scale[1] * (float)a.sum32[1]));
            free(row);
        }
}

static void floats_are_padded(void **state)
{
    float x[40];

    (void)state;
    for (size_t i = 0; i < 40; i++)
        x[i] = sample_f32(1, i);
    for (size_t n = 1; n <= 40; n++)
        for (size_t set = 0; isa_at(set); set++) {
            float *f;
            uint16_t *h;

            if (!runs(set))
                continue;
            f = prepared(set, ACT_F32, x, n, 0xff);
            h = prepared(set, ACT_BF16, x, n, 0xff);
            for (size_t i = 0; i < n; i++) {
                assert_true(f[i] == x[i]);
                assert_int_equal(h[i], bf16_from_f32(x[i]));
            }
            for (size_t i = n; i < (n + 15) / 16 * 16; i++)
                assert_true(f[i] == 0.0f);
            for (size_t i = n; i < (n + 31) / 32 * 32; i++)
                assert_int_equal(h[i], 0);
            free(f);
            free(h);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_is_as_defined),
        cmocka_unit_test(damage_shows),
        cmocka_unit_test(floats_are_padded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
