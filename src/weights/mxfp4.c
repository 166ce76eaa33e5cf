/* mxfp4: 4-bit floats (E2M1) and a power of two for 32 values, 4.25 bits a
 * weight.
 *
 *   value = 2^(e - 128) * values[code]
 *
 * Microscaling format of the Open Compute Project, as gpt-oss models use it. */
#include "weights/int_tile.h"

struct block {
    uint8_t e;           /* E8M0 */
    uint8_t qs[16];      /* values i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 17, "as in the file");

/* Twice the E2M1 value, so that all are whole; the scale is halved. */
static const int8_t values[16] = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    /* 2^(e - 128) needs no bits below a bf16's, even where it is subnormal. */
    out->scale = (uint16_t)(f32_bits(f32_from_e8m0_half(x->e)) >> 16);
    for (int i = 0; i < 16; i++) {
        out->code[i] = x->qs[i] & 15;
        out->code[i + 16] = x->qs[i] >> 4;
    }
}

static const struct int_format format = {
    .shape = { .bits = 4, .zero = 12, .sub = 32, .head = 1,
               .bf16_scale = true, .values = values },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(mxfp4) = {
    .dtype = DTYPE_MXFP4, .name = "mxfp4", .block_len = 32,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
