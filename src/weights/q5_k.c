/* q5_k: 5 bits in sub-blocks of 32, 5.5 bits a weight.
 *
 *   value = d * scale * code - dmin * min
 *
 * q4_k with a fifth bit, which lies apart: bit j of byte i belongs to value i
 * of sub-block j. */
#include "weights/int_tile.h"
#include "weights/k_scales.h"
#include "weights/quantize.h"

struct block {
    uint16_t d, dmin;
    uint8_t  scales[12]; /* k_scales.h */
    uint8_t  qh[32];     /* fifth bit of sub-block j in bit j */
    uint8_t  qs[128];    /* 32 bytes hold sub-blocks 2i (low) and 2i + 1 */
};
static_assert(sizeof(struct block) == 176, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->dmin, 2);
    out->sub_scale[0] = (int8_t)k_scale(x->scales, j);
    out->sub_min[0] = (uint8_t)k_min(x->scales, j);
    for (size_t i = 0; i < 32; i++) {
        unsigned low = (unsigned)x->qs[j / 2 * 32 + i] >> j % 2 * 4 & 15u;
        out->code[i] = (uint8_t)(low | ((unsigned)x->qh[i] >> j & 1u) << 4);
    }
}

static const struct int_format format = {
    .shape = { .bits = 5, .sub = 32, .head = 8, .min = true },
    .read = read,
};

#include "weights/int_row.h"

static void quantize(void *y, const float *x, size_t n)
{
    static const struct quant_fit fit = { 31, 15, -0.5f, 0.1f };
    struct block *to = y;
    struct quant_super q;

    for (; n > 0; n -= 256, x += 256, to++) {
        quant_super256(&fit, &q, x);
        to->d = q.d;
        to->dmin = q.dmin;
        k_scales_put(to->scales, q.scale, q.min);
        memset(to->qh, 0, sizeof to->qh);
        for (int i = 0; i < 128; i++) {
            const uint8_t *code = q.code + i / 32 * 64 + i % 32;
            to->qs[i] = (uint8_t)((code[0] & 15) | (code[32] & 15) << 4);
            to->qh[i % 32] |= (uint8_t)((code[0] >> 4) << i / 32 * 2);
            to->qh[i % 32] |= (uint8_t)((code[32] >> 4) << (i / 32 * 2 + 1));
        }
    }
}

const struct weight_format WEIGHT(q5_k) = {
    .dtype = DTYPE_Q5_K, .name = "q5_k", .block_len = 256,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
