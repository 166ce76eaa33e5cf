/* Each format against the reference: golden_expand.bin and
 * golden_quantize.bin, written by tools/golden/weights.py. */
#include "kernels/dispatch.h"
#include "tensor/number.h"

#include <math.h>
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

/* A record of golden_expand.bin, taken apart. */
struct record {
    const struct weight_format *format;
    unsigned char *blocks;
    const unsigned char *values;
    size_t n, size;             /* blocks, and bytes of one */
};

/* The record at `at`; moves on to the next. */
static struct record take_record(unsigned char *bytes, size_t *at)
{
    struct record r = { format_named(isa_at(0)->weights, bytes + *at),
                        .n = u32_at(bytes + *at + 16),
                        .blocks = bytes + *at + 20 };

    r.size = dtype_get(r.format->dtype)->block_size;
    r.values = r.blocks + r.n * r.size;
    *at += 20 + r.n * (r.size + r.format->block_len * sizeof(float));
    return r;
}

/* Are two nibbles of that byte in block `b` seen when they are swapped? */
static bool swap_is_seen(const struct record *r, size_t b, size_t byte)
{
    unsigned char block[512];
    float y[256];

    memcpy(block, r->blocks + b * r->size, r->size);
    block[byte] = (unsigned char)(block[byte] >> 4 | block[byte] << 4);
    r->format->expand(y, block, r->format->block_len);
    return first_difference(y, r->values + 4 * b * r->format->block_len,
                            r->format->block_len) >= 0;
}

/* Every byte of a random block of every format: two nibbles swapped make a
 * difference that the comparison sees. */
static void swapped_nibbles_are_seen(void **state)
{
    size_t size;
    unsigned char *bytes = file_bytes("tests/weights/golden_expand.bin", &size);

    (void)state;
    for (size_t at = 0; at < size;) {
        struct record r = take_record(bytes, &at);
        for (size_t i = 0; i < r.size; i++) {
            unsigned v = r.blocks[r.size + i];
            if ((v & 15) != v >> 4 && !swap_is_seen(&r, 1, i))
                fail_msg("%s: byte %zu, %02x", r.format->name, i, v);
        }
    }
    free(bytes);
}

/* ---- a fixed block of each format ---- */

/* Byte k is 73 k + 41, then the scales are 0.5 and 0.25.  Values 0 to 3, the
 * middle one, the last one, the sum, the sum of (i + 1) * value i, as the
 * reference gives them. */
static const struct fixed {
    enum dtype_id dtype;
    double        y[6], sum, weighted;
} fixed[] = {
    { DTYPE_Q1_0, { 0.5, 0.5, -0.5, 0.5, 0.5, -0.5 },
      -3, -351 },
    { DTYPE_Q2_0, { 1, 0.5, 1, 0.5, 1, -0.5 },
      13.5, 384.5 },
    { DTYPE_Q4_0, { 1.5, -2, 2.5, -1, 1.5, -4 },
      -16.5, -399.5 },
    { DTYPE_Q4_1, { 6.75, 3.25, 7.75, 4.25, 2.25, 4.75 },
      120.5, 1865 },
    { DTYPE_Q5_0, { 7.5, 4, -7.5, 5, 6.5, 1 },
      -22.5, -592.5 },
    { DTYPE_Q5_1, { 8.75, 5.25, 9.75, 14.25, 11.75, 5.75 },
      258.5, 4156 },
    { DTYPE_Q8_0, { -34.5, 2, 38.5, -53, 37.5, -55 },
      -24, -344 },
    { DTYPE_MXFP4, { 1, -1.5, 2, -3, 6, -1.5 },
      12.5, 313 },
    { DTYPE_NVFP4, { -0.84375, 1.125, -1.6875, 0, -4.125, 0.0078125 },
      1510.44531, 35656.6289 },
    { DTYPE_Q2_K, { 4, 8.5, 13, -0.5, -1.25, -1.75 },
      1021.5, 125495 },
    { DTYPE_Q3_K, { -3.5, 7, -10.5, 14, 12, -12 },
      117, 17373 },
    { DTYPE_Q4_K, { 46.25, 0.75, 59.25, 13.75, 88.25, -5.75 },
      26676, 3684684 },
    { DTYPE_Q5_K, { 150.25, 0.75, 163.25, 13.75, 256.25, -5.75 },
      55036, 7452252 },
    { DTYPE_Q6_K, { 80.5, -23, -310.5, 322, -171.5, 144 },
      -7422, -814064 },
    { DTYPE_TQ1_0, { -0.5, 0, 0.5, -0.5, 0.5, 0.5 },
      -7.5, -373.5 },
    { DTYPE_TQ2_0, { 0, 0.5, 1, -0.5, 0, -0.5 },
      62.5, 8534 },
    { DTYPE_IQ2_XXS, { -61.8125, -61.8125, -11.5, -11.5, -42.1875, -35.9375 },
      -149.125, 18807 },
    { DTYPE_IQ2_XS, { 11.5, -35.9375, 11.5, 11.5, 15.5, 15.5 },
      332.875, 14620.3125 },
    { DTYPE_IQ2_S, { -3.5, -10.9375, 10.9375, -3.5, -40.3125, -24.1875 },
      -125.75, -2940.375 },
    { DTYPE_IQ3_XXS, { -148.5, -121.5, 94.5, -121.5, -58.5, 121.5 },
      970.75, 210586.25 },
    { DTYPE_IQ3_S, { -17.5, -3.5, 52.5, 38.5, -16.5, 38.5 },
      81, -6919 },
    { DTYPE_IQ1_S, { 0.3125, 0.3125, -2.1875, -2.1875, -5.6875, -2.1875 },
      -36.5, -5902 },
    { DTYPE_IQ1_M, { 1.3125, -1.6875, -1.6875, -1.6875, 6.1875, -5.0625 },
      -30.5, -3454 },
    { DTYPE_IQ4_NL, { 19, -24.5, 34.5, -11, 19, -63.5 },
      -240.5, -6038 },
    { DTYPE_IQ4_XS, { -1508, 362.5, -942.5, 768.5, 884, -375 },
      -3225, 441525.5 },
};

static void fixed_blocks(void **state)
{
    size_t size, at = 0;
    unsigned char *bytes = file_bytes("tests/weights/golden_expand.bin", &size);

    (void)state;
    for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++) {
        const struct fixed *want = &fixed[k];
        struct record r;
        float y[256];
        double sum = 0, weighted = 0;

        for (at = 0; (r = take_record(bytes, &at)).format->dtype
             != want->dtype;)
            assert_true(at < size);
        size_t n = r.format->block_len;
        const size_t place[6] = { 0, 1, 2, 3, n / 2, n - 1 };
        assert_int_equal(r.blocks[7], (73 * 7 + 41) % 256);
        r.format->expand(y, r.blocks, n);
        for (size_t i = 0; i < n; i++) {
            sum += (double)y[i];
            weighted += (double)(i + 1) * (double)y[i];
        }
        for (size_t i = 0; i < 6; i++)
            if ((double)y[place[i]] != want->y[i])
                fail_msg("%s: value %zu", r.format->name, place[i]);
        if (fabs(sum - want->sum) > 1e-7 * fabs(sum)
            || fabs(weighted - want->weighted) > 1e-7 * fabs(weighted))
            fail_msg("%s: sums %.9g, %.9g", r.format->name, sum, weighted);
    }
    free(bytes);
}

/* CRC-32 as zlib's. */
static uint32_t crc32_of(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void fixed_values_quantize(void **state)
{
    static const struct {
        enum dtype_id dtype;
        uint32_t      crc;
    } rows[] = {
        { DTYPE_Q4_0, 0x9fb395b8 }, { DTYPE_Q4_1, 0x4eb7b22e },
        { DTYPE_Q5_0, 0x0ad41553 }, { DTYPE_Q5_1, 0x2bb9127f },
        { DTYPE_Q8_0, 0x55001415 },
    };
    float x[256];
    unsigned char y[512];

    (void)state;
    assert_int_equal(crc32_of((const unsigned char *)"123456789", 9),
                     0xcbf43926);
    for (int i = 0; i < 256; i++)
        x[i] = (float)(37 * i % 101 - 50) / 16 + (float)(i % 7) / 128;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const struct weight_format *f = weight_find(isa_at(0)->weights,
                                                    rows[k].dtype);
        f->quantize(y, x, 256);
        size_t n = 256 / f->block_len * dtype_get(f->dtype)->block_size;
        assert_int_equal(crc32_of(y, n), rows[k].crc);
        y[n / 2] ^= 1;
        assert_int_not_equal(crc32_of(y, n), rows[k].crc);
    }
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
        cmocka_unit_test(fixed_blocks),
        cmocka_unit_test(fixed_values_quantize),
        cmocka_unit_test(quantize_equals_the_reference),
        cmocka_unit_test(quantize_takes_any_floats),
        cmocka_unit_test(quantize_rounds_halves),
        cmocka_unit_test(f8_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
