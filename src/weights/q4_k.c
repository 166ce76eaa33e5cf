/* q4_k: 4 bits in sub-blocks of 32, 4.5 bits a weight.
 *
 *   value = d * scale * code - dmin * min
 *
 * with a 6-bit scale and minimum for every 32 values and f16 ones for 256: the
 * accuracy of q4_1 at the size of q4_0.  The bulk of most published models. */
#include "weights/int_tile.h"
#include "weights/k_scales.h"
#include "weights/quantize.h"

struct block {
    uint16_t d, dmin;
    uint8_t  scales[12]; /* k_scales.h */
    uint8_t  qs[128];    /* 32 bytes hold sub-blocks 2i (low) and 2i + 1 */
};
static_assert(sizeof(struct block) == 144, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->dmin, 2);
    out->sub_scale[0] = (int8_t)k_scale(x->scales, j);
    out->sub_min[0] = (uint8_t)k_min(x->scales, j);
    for (size_t i = 0; i < 32; i++)
        out->code[i] = x->qs[j / 2 * 32 + i] >> j % 2 * 4 & 15;
}

static const struct int_format format = {
    .shape = { .bits = 4, .sub = 32, .head = 8, .min = true },
    .read = read,
};

#include "weights/int_row.h"

static void quantize(void *y, const float *x, size_t n)
{
    static const struct quant_fit fit = { 15, 20, -1.0f, 0.1f };
    struct block *to = y;
    struct quant_super q;

    for (; n > 0; n -= 256, x += 256, to++) {
        quant_super256(&fit, &q, x);
        to->d = q.d;
        to->dmin = q.dmin;
        k_scales_put(to->scales, q.scale, q.min);
        for (int i = 0; i < 128; i++) {
            const uint8_t *code = q.code + i / 32 * 64 + i % 32;
            to->qs[i] = (uint8_t)(code[0] | code[32] << 4);
        }
    }
}

const struct weight_format WEIGHT(q4_k) = {
    .dtype = DTYPE_Q4_K, .name = "q4_k", .block_len = 256,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
