/* Four lanes of NEON (ARMv8.2); simd_neon.h and simd_neon_i8mm.h add the dot
 * products of bytes. */
#ifndef OSMIA_TENSOR_SIMD_NEON_BASE_H
#define OSMIA_TENSOR_SIMD_NEON_BASE_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

enum { SIMD_N = 4 };

typedef float32x4_t vf;
typedef int32x4_t vi;

static inline vf vf_set1(float a)
{
    return vdupq_n_f32(a);
}

static inline vf vf_load(const void *p)
{
    return vreinterpretq_f32_u8(vld1q_u8(p));
}

static inline void vf_store(void *p, vf a)
{
    vst1q_u8(p, vreinterpretq_u8_f32(a));
}

static inline vf vf_load_f16(const void *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

static inline vf vf_load_bf16(const void *p)
{
    uint16x4_t h = vreinterpret_u16_u8(vld1_u8(p));

    return vreinterpretq_f32_u32(vshll_n_u16(h, 16));
}

static inline vf vf_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

/* Not vmaxq_f32: that one answers NaN when either is. */
static inline vf vf_max(vf a, vf b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline vf vf_lt(vf a, vf b, vf x, vf y)
{
    return vbslq_f32(vcltq_f32(a, b), x, y);
}

static inline vi vf_bits(vf a)
{
    return vreinterpretq_s32_f32(a);
}

static inline vf vi_bits(vi a)
{
    return vreinterpretq_f32_s32(a);
}

static inline vi vf_round(vf a)
{
    return vcvtnq_s32_f32(a);
}

static inline vf vf_from(vi a)
{
    return vcvtq_f32_s32(a);
}

static inline vi vi_set1(int32_t a)
{
    return vdupq_n_s32(a);
}

static inline vi vi_load(const void *p)
{
    return vreinterpretq_s32_u8(vld1q_u8(p));
}

static inline void vi_store(void *p, vi a)
{
    vst1q_u8(p, vreinterpretq_u8_s32(a));
}

static inline vi vi_load_quad(const void *p)
{
    int32_t quad;

    memcpy(&quad, p, sizeof quad);
    return vdupq_n_s32(quad);
}

static inline vi vi_load_i8(const void *p)
{
    int8x8_t b;
    int32_t quad;

    memcpy(&quad, p, sizeof quad);
    b = vreinterpret_s8_s32(vdup_n_s32(quad));
    return vmovl_s16(vget_low_s16(vmovl_s8(b)));
}

static inline vi vi_load_u8(const void *p)
{
    uint8x8_t b;
    uint32_t quad;

    memcpy(&quad, p, sizeof quad);
    b = vreinterpret_u8_u32(vdup_n_u32(quad));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(b))));
}

static inline vi vi_add(vi a, vi b)
{
    return vaddq_s32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return vsubq_s32(a, b);
}

static inline vi vi_mul(vi a, vi b)
{
    return vmulq_s32(a, b);
}

static inline vi vi_and(vi a, vi b)
{
    return vandq_s32(a, b);
}

static inline vi vi_or(vi a, vi b)
{
    return vorrq_s32(a, b);
}

static inline vi vi_xor(vi a, vi b)
{
    return veorq_s32(a, b);
}

static inline vi vi_shl(vi a, int n)
{
    return vshlq_s32(a, vdupq_n_s32(n));
}

static inline vi vi_shr(vi a, int n)
{
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a),
                                           vdupq_n_s32(-n)));
}

static inline vi vi_sra(vi a, int n)
{
    return vshlq_s32(a, vdupq_n_s32(-n));
}

static inline vi vi_umax(vi a, vi b)
{
    return vreinterpretq_s32_u32(vmaxq_u32(vreinterpretq_u32_s32(a),
                                           vreinterpretq_u32_s32(b)));
}

static inline uint32_t vi_most(vi a)
{
    return vmaxvq_u32(vreinterpretq_u32_s32(a));
}

static inline void vi_store_i8(void *p, vi a)
{
    int16x4_t h = vmovn_s32(a);
    int8x8_t b = vmovn_s16(vcombine_s16(h, h));
    int32_t quad = vget_lane_s32(vreinterpret_s32_s8(b), 0);

    memcpy(p, &quad, sizeof quad);
}

static inline vi vi_lookup(const int8_t *table, vi a)
{
    return vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(table),
                                           vreinterpretq_u8_s32(a)));
}

enum { SIMD_BF16 = 0 };
enum { SIMD_TILE_V = 4, SIMD_TILE_T = 3, SIMD_DIRECT_T = 3 };
enum { SIMD_FTILE_V = 4, SIMD_FTILE_T = 6 };

/* Never called: keeps bodies that ask SIMD_BF16 compiling. */
static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    (void)a;
    (void)b;
    return acc;
}

typedef int32x4_t vd;

static inline int SIMD_STEPS(int bits)
{
    (void)bits;
    return 8;
}

static inline vd vd_start(int32_t bias)
{
    return vdupq_n_s32(bias);
}

static inline vi vd_sum(vd d, int32_t bias)
{
    (void)bias;
    return d;
}

#endif
