/* q5_1: 5 bits, a scale and a minimum for 32 values, 6 bits a weight.
 *
 *   value = d * code + m */
#include "weights/int_tile.h"
#include "weights/quantize.h"

struct block {
    uint16_t d, m;
    uint8_t  qh[4];      /* fifth bit of value i in bit i */
    uint8_t  qs[16];     /* values i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 24, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->m, 2);
    for (int i = 0; i < 16; i++) {
        unsigned lo = (unsigned)x->qh[i / 8] >> i % 8 & 1u;
        unsigned hi = (unsigned)x->qh[2 + i / 8] >> i % 8 & 1u;
        out->code[i] = (uint8_t)((x->qs[i] & 15u) | lo << 4);
        out->code[i + 16] = (uint8_t)(x->qs[i] >> 4 | hi << 4);
    }
}

static const struct int_format format = {
    .shape = { .bits = 5, .sub = 32, .head = 1, .min = true },
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
        d = (max - min) / 31.0f;
        inverse = d != 0.0f ? 1.0f / d : 0.0f;
        to->d = f16_from_f32(d);
        to->m = f16_from_f32(min);
        memset(to->qh, 0, sizeof to->qh);
        for (int i = 0; i < 16; i++) {
            unsigned lo = quant_cut((x[i] - min) * inverse + 0.5f, 31);
            unsigned hi = quant_cut((x[i + 16] - min) * inverse + 0.5f, 31);
            to->qs[i] = (uint8_t)((lo & 15u) | (hi & 15u) << 4);
            to->qh[i / 8] |= (uint8_t)((lo >> 4) << i % 8);
            to->qh[2 + i / 8] |= (uint8_t)((hi >> 4) << i % 8);
        }
    }
}

const struct weight_format WEIGHT(q5_1) = {
    .dtype = DTYPE_Q5_1, .name = "q5_1", .block_len = 32,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
