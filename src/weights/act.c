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

    for (int i = 0; i < ACT_BLOCK; i += SIMD_N)
        most = vi_umax(most, vi_and(mask, vi_load(x + i)));
    return vi_most(most);
}

/* Codes of one block; returns its scale. */
static float quantize_block(int8_t *code, const float *x)
{
    static const float zeros[ACT_BLOCK];
    uint32_t bits = largest_bits(x);
    float amax = f32_from_bits(bits), inverse = 0.0f;

    if (bits >= 0x0d800000u && bits < 0x7f800000u)      /* from 2^-100 */
        inverse = 127.0f / amax;
    else
        x = zeros;      /* NaN and infinity live on in the scale */
    for (int i = 0; i < ACT_BLOCK; i += SIMD_N)
        vi_store_i8(code + i,
                    vf_round(vf_mul(vf_load(x + i), vf_set1(inverse))));
    return bits < 0x0d800000u ? 0.0f : amax / 127.0f;
}

/* Sums of 4 codes each, of two blocks: a dot product with ones. */
static void quad_sums(int32_t quad[16], const int8_t *code)
{
    for (int i = 0; i < 16; i += SIMD_N)
        vi_store(quad + i, vd_sum(vd_step(vd_start(0), vi_set1(0x01010101),
                                          vi_load(code + 4 * i)), 0));
}

/* Everything that follows from codes and scale of one block. */
static void block_sums(const struct act_int8 *a, size_t b, const int32_t *quad)
{
    int32_t *sum = a->sum16 + 2 * b;

    sum[0] = quad[0] + quad[1] + quad[2] + quad[3];
    sum[1] = quad[4] + quad[5] + quad[6] + quad[7];
    a->sum32[b] = sum[0] + sum[1];
    a->fsum16[2 * b] = a->scale[b] * (float)sum[0];
    a->fsum16[2 * b + 1] = a->scale[b] * (float)sum[1];
    a->fsum32[b] = a->scale[b] * (float)a->sum32[b];
}

static void prepare_int8(void *to, const float *x, size_t n)
{
    struct act_int8 a = act_int8_at(to, n);
    int32_t quad[16];

    for (size_t b = 0; b < n / ACT_BLOCK; b++)
        a.scale[b] = quantize_block(a.code + b * ACT_BLOCK, x + b * ACT_BLOCK);
    /* The padding behind an odd last block is read and not used. */
    for (size_t b = 0; b < n / ACT_BLOCK; b++) {
        if (b % 2 == 0)
            quad_sums(quad, a.code + b * ACT_BLOCK);
        block_sums(&a, b, quad + b % 2 * 8);
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
