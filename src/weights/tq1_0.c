/* tq1_0: ternary weights, five to a byte, 1.69 bits a weight.
 *
 *   value = d * (digit - 1)
 *
 * A byte is the fraction (digits in base 3) / 243 in units of 1/256, rounded
 * up: the leading digit is the integer part of three times the fraction, so
 * reading needs no division. */
#include "weights/int_tile.h"

struct block {
    uint8_t  qs[48];
    uint8_t  qh[4];
    uint16_t d;
};
static_assert(sizeof(struct block) == 54, "as in the file");

/* Bytes are fixed-point fractions: digit n is the integer part of three times
 * what 3^n leaves of them. */
static uint8_t trit(const struct block *x, size_t i)
{
    static const unsigned power[5] = { 1, 3, 9, 27, 81 };
    unsigned byte, n;

    if (i < 160) {
        byte = x->qs[i % 32];
        n = (unsigned)i / 32;
    } else if (i < 240) {
        byte = x->qs[32 + (i - 160) % 16];
        n = (unsigned)(i - 160) / 16;
    } else {
        byte = x->qh[(i - 240) % 4];
        n = (unsigned)(i - 240) / 4;
    }
    return (uint8_t)((byte * power[n] & 255u) * 3 >> 8);
}

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t at = b % 8 * 32;

    memcpy(&out->scale, &x->d, 2);
    out->sub_scale[0] = 1;
    for (size_t i = 0; i < 32; i++)
        out->code[i] = trit(x, at + i);
}

static const struct int_format format = {
    .shape = { .bits = 2, .zero = 1, .sub = 32, .head = 8 },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(tq1_0) = {
    .dtype = DTYPE_TQ1_0, .name = "tq1_0", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
