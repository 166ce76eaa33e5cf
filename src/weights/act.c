#include "weights/act.h"

#include "tensor/simd.h"
#include "weights/parts.h"

static void prepare_f32(float *to, const float *x, size_t n)
{
    memcpy(to, x, n * sizeof *to);
    for (; n % 16; n++)
        to[n] = 0.0f;
}

static void prepare_bf16(uint16_t *to, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_from_f32(x[i]);
    for (; n % 32; n++)
        to[n] = 0;
}

/* The largest |x| of a block as bits: integers order NaN above infinity above
 * all else, so that neither can be lost. */
static uint32_t largest_bits(const float *x)
{
    vi most = vi_set1(0), mask = vi_set1(0x7fffffff);
    uint32_t lane[SIMD_N], bits = 0;

    for (int i = 0; i < ACT_BLOCK; i += SIMD_N)
        most = vi_umax(most, vi_and(mask, vi_load(x + i)));
    vi_store(lane, most);
    for (int i = 0; i < SIMD_N; i++)
        bits = lane[i] > bits ? lane[i] : bits;
    return bits;
}

/* Codes of one block and the sums of its halves. */
static void quantize_block(int8_t *code, int32_t sum[2], const float *x,
                           float inverse)
{
    int32_t q[ACT_BLOCK];

    for (int i = 0; i < ACT_BLOCK; i += SIMD_N)
        vi_store(q + i, vf_round(vf_mul(vf_load(x + i), vf_set1(inverse))));
    for (int half = 0; half < 2; half++) {
        sum[half] = 0;
        for (int i = 16 * half; i < 16 * half + 16; i++) {
            code[i] = (int8_t)q[i];
            sum[half] += q[i];
        }
    }
}

static void prepare_int8(void *to, const float *x, size_t n)
{
    static const float zeros[ACT_BLOCK];
    struct act_int8 a = act_int8_at(to, n);

    for (size_t b = 0; b < n / ACT_BLOCK; b++) {
        uint32_t bits = largest_bits(x + b * ACT_BLOCK);
        float amax = f32_from_bits(bits), scale = amax / 127.0f, inverse = 0.0f;

        if (bits < 0x0d800000u)         /* 2^-100 */
            scale = 0.0f;
        else if (bits < 0x7f800000u)
            inverse = 127.0f / amax;
        /* NaN and infinity live on in the scale; their codes are zero. */
        quantize_block(a.code + b * ACT_BLOCK, a.sum16 + 2 * b,
                       bits < 0x7f800000u ? x + b * ACT_BLOCK : zeros, inverse);
        a.scale[b] = scale;
        a.sum32[b] = a.sum16[2 * b] + a.sum16[2 * b + 1];
        a.fsum32[b] = scale * (float)a.sum32[b];
        a.fsum16[2 * b] = scale * (float)a.sum16[2 * b];
        a.fsum16[2 * b + 1] = scale * (float)a.sum16[2 * b + 1];
    }
}

void WEIGHT(act_prepare)(void *to, enum act_kind kind, const float *x, size_t n)
{
    switch (kind) {
    case ACT_F32:
        prepare_f32(to, x, n);
        break;
    case ACT_BF16:
        prepare_bf16(to, x, n);
        break;
    default:
        prepare_int8(to, x, n);
    }
}
