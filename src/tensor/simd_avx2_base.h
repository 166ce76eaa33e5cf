/* Eight lanes of AVX2 with FMA and F16C; simd_avx2.h and simd_avxvnni.h add
 * the dot products of bytes. */
#ifndef OSMIA_TENSOR_SIMD_AVX2_BASE_H
#define OSMIA_TENSOR_SIMD_AVX2_BASE_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { SIMD_N = 8 };

typedef __m256 vf;
typedef __m256i vi;

static inline vf vf_set1(float a)
{
    return _mm256_set1_ps(a);
}

static inline vf vf_load(const void *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vf_store(void *p, vf a)
{
    _mm256_storeu_ps(p, a);
}

static inline vf vf_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
}

static inline vf vf_load_bf16(const void *p)
{
    vi wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p));

    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf vf_lt(vf a, vf b, vf x, vf y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

static inline vi vf_bits(vf a)
{
    return _mm256_castps_si256(a);
}

static inline vf vi_bits(vi a)
{
    return _mm256_castsi256_ps(a);
}

static inline vi vf_round(vf a)
{
    return _mm256_cvtps_epi32(a);
}

static inline vf vf_from(vi a)
{
    return _mm256_cvtepi32_ps(a);
}

static inline vi vi_set1(int32_t a)
{
    return _mm256_set1_epi32(a);
}

static inline vi vi_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void vi_store(void *p, vi a)
{
    _mm256_storeu_si256(p, a);
}

static inline vi vi_load_quad(const void *p)
{
    int32_t quad;

    memcpy(&quad, p, sizeof quad);
    return _mm256_set1_epi32(quad);
}

static inline vi vi_load_i8(const void *p)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
}

static inline vi vi_load_u8(const void *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}

static inline vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}

static inline vi vi_sub(vi a, vi b)
{
    return _mm256_sub_epi32(a, b);
}

static inline vi vi_mul(vi a, vi b)
{
    return _mm256_mullo_epi32(a, b);
}

static inline vi vi_and(vi a, vi b)
{
    return _mm256_and_si256(a, b);
}

static inline vi vi_or(vi a, vi b)
{
    return _mm256_or_si256(a, b);
}

static inline vi vi_xor(vi a, vi b)
{
    return _mm256_xor_si256(a, b);
}

static inline vi vi_shl(vi a, int n)
{
    return _mm256_slli_epi32(a, n);
}

static inline vi vi_shr(vi a, int n)
{
    return _mm256_srli_epi32(a, n);
}

static inline vi vi_sra(vi a, int n)
{
    return _mm256_srai_epi32(a, n);
}

static inline vi vi_umax(vi a, vi b)
{
    return _mm256_max_epu32(a, b);
}

static inline uint32_t vi_most(vi a)
{
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(a),
                              _mm256_extracti128_si256(a, 1));

    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

static inline void vi_store_i8(void *p, vi a)
{
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(a),
                                _mm256_extracti128_si256(a, 1));

    _mm_storel_epi64(p, _mm_packs_epi16(h, h));
}

static inline vi vi_lookup(const int8_t *table, vi a)
{
    __m128i t = _mm_loadu_si128((const void *)table);

    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), a);
}

enum { SIMD_BF16 = 0 };
enum { SIMD_TILE_V = 2, SIMD_TILE_T = 3, SIMD_DIRECT_T = 3 };
enum { SIMD_FTILE_V = 2, SIMD_FTILE_T = 6 };

/* Never called: keeps bodies that ask SIMD_BF16 compiling. */
static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    (void)a;
    (void)b;
    return acc;
}

#endif
