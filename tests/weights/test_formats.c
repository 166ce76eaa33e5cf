/* Each format against the reference: golden_expand.bin and
 * golden_quantize.bin, written by tools/golden/weights.py. */
#include "kernels/dispatch.h"
#include "tensor/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned char *file_bytes(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static uint32_t u32_at(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static bool runs(size_t set)
{
    return !(isa_at(set)->needs & ~cpu_features());
}

static const struct weight_format *format_named(const struct weight_table *t,
                                                const unsigned char *name)
{
    const struct dtype *dtype = dtype_by_name((const char *)name);

    assert_non_null(dtype);
    return weight_find(t, dtype->id);
}

/* Equal bits; any NaN equals any other. */
static long first_difference(const float *y, const unsigned char *want,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float w;
        memcpy(&w, want + 4 * i, sizeof w);
        if (f32_bits(y[i]) != f32_bits(w) && !(y[i] != y[i] && w != w))
            return (long)i;
    }
    return -1;
}

static void check_expand(size_t set, const unsigned char *record, size_t n,
                         const unsigned char *blocks)
{
    const struct weight_format *f = format_named(isa_at(set)->weights, record);
    size_t size = dtype_get(f->dtype)->block_size, len = n * f->block_len;
    float *y = malloc(len * sizeof *y);
    long at;

    f->expand(y, blocks, len);
    at = first_difference(y, blocks + n * size, len);
    if (at >= 0)
        fail_msg("%s on %s: value %ld is %a", f->name, isa_at(set)->name, at,
                 (double)y[at]);
    free(y);
}

static void expand_equals_the_reference(void **state)
{
    size_t size, n, n_formats = 0;
    unsigned char *bytes = file_bytes("tests/weights/golden_expand.bin", &size);

    (void)state;
    for (size_t at = 0; at < size; n_formats++) {
        const struct dtype *t = dtype_by_name((const char *)bytes + at);

        assert_non_null(t);
        n = u32_at(bytes + at + 16);
        for (size_t set = 0; isa_at(set); set++)
            if (runs(set))
                check_expand(set, bytes + at, n, bytes + at + 20);
        at += 20 + n * (t->block_size + t->block_len * sizeof(float));
    }
    assert_int_equal(n_formats, 25);
    free(bytes);
}

/* The comparison must see two nibbles swapped. */
static void swapped_nibbles_are_seen(void **state)
{
    size_t size;
    unsigned char *bytes = file_bytes("tests/weights/golden_expand.bin", &size);
    const struct weight_format *f = format_named(isa_at(0)->weights, bytes);
    unsigned char *q = bytes + 20 + 3;
    float y[32];

    (void)state;
    assert_int_equal(f->dtype, DTYPE_Q4_0);
    assert_int_not_equal(*q & 15, *q >> 4);
    *q = (unsigned char)(*q >> 4 | *q << 4);
    f->expand(y, bytes + 20, 32);
    assert_int_equal(first_difference(
        y, bytes + 20 + u32_at(bytes + 16) * 18, 32), 1);
    free(bytes);
}

static void check_quantize(size_t set, const unsigned char *record,
                           const float *x, size_t n)
{
    const struct weight_format *f = format_named(isa_at(set)->weights, record);
    size_t size = u32_at(record + 16);
    unsigned char *y = malloc(size);

    assert_int_equal(size, n / f->block_len * dtype_get(f->dtype)->block_size);
    f->quantize(y, x, n);
    for (size_t i = 0; i < size; i++)
        if (y[i] != record[20 + i])
            fail_msg("%s on %s: byte %zu is %02x, not %02x", f->name,
                     isa_at(set)->name, i, y[i], record[20 + i]);
    free(y);
}

static void quantize_equals_the_reference(void **state)
{
    size_t size, n, n_formats = 0;
    unsigned char *bytes = file_bytes("tests/weights/golden_quantize.bin",
                                      &size);
    float *x;

    (void)state;
    assert_string_equal((char *)bytes, "input");
    n = u32_at(bytes + 16);
    x = malloc(n * sizeof *x);
    memcpy(x, bytes + 20, n * sizeof *x);
    for (size_t at = 20 + 4 * n; at < size; n_formats++) {
        for (size_t set = 0; isa_at(set); set++)
            if (runs(set))
                check_quantize(set, bytes + at, x, n);
        at += 20 + u32_at(bytes + at + 16);
    }
    assert_int_equal(n_formats, 8);
    free(x);
    free(bytes);
}

/* NaN and infinities are no reason to crash. */
static void quantize_takes_any_floats(void **state)
{
    static const uint32_t odd[] = { 0x7fc00000, 0x7f800000, 0xff800000,
                                    0x7f7fffff, 0x00000001, 0x80000000 };
    const struct weight_table *t = isa_at(0)->weights;
    float x[256];
    unsigned char y[1024];

    (void)state;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        for (size_t i = 0; i < 256; i++)
            x[i] = f32_from_bits(i % 3 ? odd[k] : odd[i % 6]);
        for (size_t i = 0; t->formats[i]; i++)
            if (t->formats[i]->quantize)
                t->formats[i]->quantize(y, x, 256);
    }
}

/* f8: every byte, by the definition. */
static void f8_is_exact(void **state)
{
    const struct weight_table *t = isa_at(0)->weights;

    (void)state;
    for (unsigned b = 0; b < 256; b++) {
        unsigned char byte = (unsigned char)b;
        float y, want, sign = b & 128 ? -1.0f : 1.0f;
        unsigned e = b >> 3 & 15, m = b & 7;

        weight_find(t, DTYPE_F8_E4M3)->expand(&y, &byte, 1);
        want = e ? (float)(8 + m) / 8 : (float)m / 4;
        for (int i = 7; i < (int)e; i++)
            want *= 2;
        for (int i = 7; i > (int)e; i--)
            want /= 2;
        if ((b & 127) == 127)
            assert_true(y != y);
        else
            assert_true(y == sign * want);
        weight_find(t, DTYPE_F8_E5M2)->expand(&y, &byte, 1);
        want = f32_from_f16((uint16_t)(b << 8));
        assert_true(y == want || (y != y && want != want));
    }
}

/* Halves: q8_0 away from zero, bf16 to even. */
static void quantize_rounds_halves(void **state)
{
    float    x[32] = { 127.0f, 2.5f, -2.5f, 3.5f };
    float    y[3] = { 1.01171875f, 1.00390625f, 1.0078125f };
    uint8_t  q8[34];
    uint16_t half[3];

    (void)state;
    for (size_t set = 0; isa_at(set) != NULL; set++) {
        if (!runs(set))
            continue;
        const struct weight_table *t = isa_at(set)->weights;
        weight_find(t, DTYPE_Q8_0)->quantize(q8, x, 32);
        assert_int_equal((int8_t)q8[2 + 1], 3);
        assert_int_equal((int8_t)q8[2 + 2], -3);
        assert_int_equal((int8_t)q8[2 + 3], 4);
        weight_find(t, DTYPE_BF16)->quantize(half, y, 3);
        assert_int_equal(half[0], 0x3F82);
        assert_int_equal(half[1], 0x3F80);
        assert_int_equal(half[2], 0x3F81);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expand_equals_the_reference),
        cmocka_unit_test(swapped_nibbles_are_seen),
        cmocka_unit_test(quantize_equals_the_reference),
        cmocka_unit_test(quantize_takes_any_floats),
        cmocka_unit_test(quantize_rounds_halves),
        cmocka_unit_test(f8_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
