/* AVX-512 without VNNI: as simd_avx2.h, twice as wide. */
#ifndef OSMIA_TENSOR_SIMD_AVX512_H
#define OSMIA_TENSOR_SIMD_AVX512_H

#include "tensor/simd_avx512_base.h"

enum { SIMD_FLIP8 = 0 };
enum { SIMD_TILE_V = 2, SIMD_TILE_T = 5, SIMD_DIRECT_T = 32 };
enum { SIMD_FTILE_V = 4, SIMD_FTILE_T = 6 };

typedef __m512i vd;

static inline int SIMD_STEPS(int bits)
{
    return bits <= 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
}

static inline vd vd_start(int32_t bias)
{
    (void)bias;
    return _mm512_setzero_si512();
}

static inline vd vd_step(vd d, vi u, vi s)
{
    return _mm512_add_epi16(d, _mm512_maddubs_epi16(u, s));
}

/* |w| * (s with the sign of w).  There is no 512-bit vpsignb. */
static inline vd vd_step8(vd d, vi w, vi s)
{
    __mmask64 below = _mm512_movepi8_mask(w);
    vi zero = _mm512_setzero_si512();
    vi sign = _mm512_mask_sub_epi8(s, below, zero, s);

    return _mm512_add_epi16(
        d, _mm512_maddubs_epi16(_mm512_abs_epi8(w), sign));
}

static inline vi vd_sum(vd d, int32_t bias)
{
    vi wide = _mm512_madd_epi16(d, _mm512_set1_epi16(1));

    return _mm512_add_epi32(wide, _mm512_set1_epi32(bias));
}

enum { SIMD_BF16 = 0 };

/* Never called: keeps bodies that ask SIMD_BF16 compiling. */
static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    (void)a;
    (void)b;
    return acc;
}

#endif
