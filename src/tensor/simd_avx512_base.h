/* Sixteen lanes of AVX-512 (F, BW, DQ, VL); simd_avx512.h, simd_avx512vnni.h
 * and simd_avx512bf16.h add the dot products. */
#ifndef OSMIA_TENSOR_SIMD_AVX512_BASE_H
#define OSMIA_TENSOR_SIMD_AVX512_BASE_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { SIMD_N = 16 };

typedef __m512 vf;
typedef __m512i vi;

static inline vf vf_set1(float a)
{
    return _mm512_set1_ps(a);
}

static inline vf vf_load(const void *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vf_store(void *p, vf a)
{
    _mm512_storeu_ps(p, a);
}

static inline vf vf_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

static inline vf vf_load_bf16(const void *p)
{
    vi wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p));

    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf vf_lt(vf a, vf b, vf x, vf y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

static inline vi vf_bits(vf a)
{
    return _mm512_castps_si512(a);
}

static inline vf vi_bits(vi a)
{
    return _mm512_castsi512_ps(a);
}

static inline vi vf_round(vf a)
{
    return _mm512_cvtps_epi32(a);
}

static inline vf vf_from(vi a)
{
    return _mm512_cvtepi32_ps(a);
}

static inline vi vi_set1(int32_t a)
{
    return _mm512_set1_epi32(a);
}

static inline vi vi_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void vi_store(void *p, vi a)
{
    _mm512_storeu_si512(p, a);
}

static inline vi vi_load_quad(const void *p)
{
    int32_t quad;

    memcpy(&quad, p, sizeof quad);
    return _mm512_set1_epi32(quad);
}

static inline vi vi_load_i8(const void *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(p));
}

static inline vi vi_load_u8(const void *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}

static inline vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return _mm512_sub_epi32(a, b);
}

static inline vi vi_mul(vi a, vi b)
{
    return _mm512_mullo_epi32(a, b);
}

static inline vi vi_and(vi a, vi b)
{
    return _mm512_and_si512(a, b);
}

static inline vi vi_or(vi a, vi b)
{
    return _mm512_or_si512(a, b);
}

static inline vi vi_xor(vi a, vi b)
{
    return _mm512_xor_si512(a, b);
}

static inline vi vi_shl(vi a, int n)
{
    return _mm512_slli_epi32(a, (unsigned)n);
}

static inline vi vi_shr(vi a, int n)
{
    return _mm512_srli_epi32(a, (unsigned)n);
}

static inline vi vi_sra(vi a, int n)
{
    return _mm512_srai_epi32(a, (unsigned)n);
}

static inline vi vi_umax(vi a, vi b)
{
    return _mm512_max_epu32(a, b);
}

static inline uint32_t vi_most(vi a)
{
    return _mm512_reduce_max_epu32(a);
}

static inline void vi_store_i8(void *p, vi a)
{
    _mm_storeu_si128(p, _mm512_cvtepi32_epi8(a));
}

static inline vi vi_lookup(const int8_t *table, vi a)
{
    __m128i t = _mm_loadu_si128((const void *)table);

    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), a);
}

#endif
