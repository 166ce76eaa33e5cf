/* q6_k: 6 bits in sub-blocks of 16, 6.56 bits a weight.
 *
 *   value = d * scale * (code - 32)
 *
 * with a signed 8-bit scale for every 16 values and an f16 one for 256.  Mixed
 * models keep their output matrix in it. */
#include "weights/int_tile.h"
#include "weights/quantize.h"

struct block {
    uint8_t  ql[128];    /* low four bits */
    uint8_t  qh[64];     /* high two */
    int8_t   scales[16];
    uint16_t d;
};
static_assert(sizeof(struct block) == 210, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;
    size_t c = j / 4, k = j % 4;        /* half of the block, quarter of it */

    memcpy(&out->scale, &x->d, 2);
    memcpy(out->sub_scale, x->scales + 2 * j, 2);
    for (size_t l = 0; l < 32; l++) {
        unsigned byte = x->ql[64 * c + 32 * (k & 1) + l];
        unsigned low = byte >> k / 2 * 4 & 15u;
        unsigned high = (unsigned)x->qh[32 * c + l] >> 2 * k & 3u;
        out->code[l] = (uint8_t)(low | high << 4);
    }
}

static const struct int_format format = {
    .shape = { .bits = 6, .zero = 32, .sub = 16, .head = 8 },
    .read = read,
};

#include "weights/int_row.h"

/* Codes of 16 values at a trial scale; sums of x^2 times l * x and l * l. */
static void trial(int8_t *code, float sum[2], const float *x, float inverse)
{
    sum[0] = sum[1] = 0.0f;
    for (int i = 0; i < 16; i++) {
        int l = quant_clamp(quant_nearest(inverse * x[i]), -32, 31);
        float w = x[i] * x[i];

        code[i] = (int8_t)l;
        sum[0] += w * x[i] * (float)l;
        sum[1] += w * (float)l * (float)l;
    }
}

/* The scale for 16 values, and codes that hold where it comes out as zero: the
 * reference leaves -32 there, not 0. */
static float fit_scale(int8_t *code, const float *x)
{
    float most = quant_extreme(x, 16), sum[2], scale, best;
    int8_t other[16];

    memset(code, -32, 16);
    if (fabsf(most) < 1e-15f)
        return 0.0f;
    trial(code, sum, x, -32.0f / most);
    scale = sum[1] != 0.0f ? sum[0] / sum[1] : 0.0f;
    best = scale * sum[0];
    for (int k = -9; k <= 9; k++) {
        trial(other, sum, x, -(32.0f + 0.1f * (float)k) / most);
        if (k != 0 && sum[1] > 0.0f && sum[0] * sum[0] > best * sum[1]) {
            memcpy(code, other, sizeof other);
            scale = sum[0] / sum[1];
            best = scale * sum[0];
        }
    }
    return scale;
}

static void put_codes(struct block *to, const int8_t *code)
{
    for (int i = 0; i < 128; i++) {
        const int8_t *at = code + i / 64 * 128 + i % 64;
        to->ql[i] = (uint8_t)((at[0] & 15) | (at[64] & 15) << 4);
    }
    for (int i = 0; i < 64; i++) {
        const int8_t *at = code + i / 32 * 128 + i % 32;
        to->qh[i] = (uint8_t)(at[0] >> 4 | at[32] >> 4 << 2 | at[64] >> 4 << 4
                              | at[96] >> 4 << 6);
    }
}

static void quantize_block(struct block *to, const float *x)
{
    float scale[16], most, inverse;
    int8_t code[256];

    for (int j = 0; j < 16; j++)
        scale[j] = fit_scale(code + 16 * j, x + 16 * j);
    most = quant_extreme(scale, 16);
    memset(to, 0, sizeof *to);
    if (fabsf(most) < 1e-15f)
        return;
    inverse = -128.0f / most;
    to->d = f16_from_f32(1.0f / inverse);
    for (int j = 0; j < 16; j++) {
        int sc = quant_nearest(inverse * scale[j]);
        float d;

        to->scales[j] = (int8_t)(sc < 127 ? sc : 127);
        d = f32_from_f16(to->d) * (float)to->scales[j];
        for (int i = 16 * j; i < 16 * j + 16 && d != 0.0f; i++)
            code[i] = (int8_t)quant_clamp(quant_nearest(x[i] / d), -32, 31);
    }
    for (int i = 0; i < 256; i++)
        code[i] = (int8_t)(code[i] + 32);
    put_codes(to, code);
}

static void quantize(void *y, const float *x, size_t n)
{
    struct block *to = y;

    for (; n > 0; n -= 256, x += 256, to++)
        quantize_block(to, x);
}

const struct weight_format WEIGHT(q6_k) = {
    .dtype = DTYPE_Q6_K, .name = "q6_k", .block_len = 256,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
