/* AVX2 without VNNI: products of bytes are added in pairs to 16 bits and stay
 * there as long as they must fit (4-bit codes: a whole block of 32), before
 * one multiply-add widens them. */
#ifndef OSMIA_TENSOR_SIMD_AVX2_H
#define OSMIA_TENSOR_SIMD_AVX2_H

#include "tensor/simd_avx2_base.h"

enum { SIMD_FLIP8 = 0 };

typedef __m256i vd;

/* A pair of products is at most 2 * (2^bits - 1) * 127, and 2 * 128 * 127 for
 * whole bytes. */
static inline int SIMD_STEPS(int bits)
{
    return bits <= 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
}

static inline vd vd_start(int32_t bias)
{
    (void)bias;
    return _mm256_setzero_si256();
}

static inline vd vd_step(vd d, vi u, vi s)
{
    return _mm256_add_epi16(d, _mm256_maddubs_epi16(u, s));
}

/* |w| * (s with the sign of w): 128 * 127 * 2 still fits. */
static inline vd vd_step8(vd d, vi w, vi s)
{
    vi magnitude = _mm256_abs_epi8(w), sign = _mm256_sign_epi8(s, w);

    return _mm256_add_epi16(d, _mm256_maddubs_epi16(magnitude, sign));
}

static inline vi vd_sum(vd d, int32_t bias)
{
    vi wide = _mm256_madd_epi16(d, _mm256_set1_epi16(1));

    return _mm256_add_epi32(wide, _mm256_set1_epi32(bias));
}

#endif
