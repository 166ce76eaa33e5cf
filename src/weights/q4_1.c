/* q4_1: 4 bits, a scale and a minimum for 32 values, 5 bits a weight.
 *
 *   value = d * code + m
 *
 * The minimum costs one multiply-add per block in a product: m times the sum of
 * the activations, which is prepared with them. */
#include "weights/int_tile.h"
#include "weights/quantize.h"

struct block {
    uint16_t d, m;
    uint8_t  qs[16];     /* values i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 20, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->m, 2);
    for (int i = 0; i < 16; i++) {
        out->code[i] = x->qs[i] & 15;
        out->code[i + 16] = x->qs[i] >> 4;
    }
}

static const struct int_format format = {
    .shape = { .bits = 4, .sub = 32, .head = 1, .min = true },
    .read = read,
};

#include "weights/int_row.h"

/* Codes come from the scale before it is rounded to f16, as in the reference:
 * now and then a code is one off the best, and files agree bit for bit. */
static void quantize(void *y, const float *x, size_t n)
{
    struct block *to = y;

    for (; n > 0; n -= 32, x += 32, to++) {
        float min, max, d, inverse;

        quant_range(&min, &max, x, 32);
        d = (max - min) / 15.0f;
        inverse = d != 0.0f ? 1.0f / d : 0.0f;
        to->d = f16_from_f32(d);
        to->m = f16_from_f32(min);
        for (int i = 0; i < 16; i++) {
            unsigned lo = quant_cut((x[i] - min) * inverse + 0.5f, 15);
            unsigned hi = quant_cut((x[i + 16] - min) * inverse + 0.5f, 15);
            to->qs[i] = (uint8_t)(lo | hi << 4);
        }
    }
}

const struct weight_format WEIGHT(q4_1) = {
    .dtype = DTYPE_Q4_1, .name = "q4_1", .block_len = 32,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
