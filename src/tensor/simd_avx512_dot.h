/* Dot products of bytes with AVX-512 VNNI, for simd_avx512vnni.h and
 * simd_avx512bf16.h. */
#ifndef OSMIA_TENSOR_SIMD_AVX512_DOT_H
#define OSMIA_TENSOR_SIMD_AVX512_DOT_H

#include "tensor/simd_avx512_base.h"

enum { SIMD_FLIP8 = 0x80 };
enum { SIMD_TILE_V = 2, SIMD_TILE_T = 6, SIMD_DIRECT_T = 32 };
enum { SIMD_FTILE_V = 4, SIMD_FTILE_T = 6 };

typedef __m512i vd;

static inline int SIMD_STEPS(int bits)
{
    (void)bits;
    return 8;
}

static inline vd vd_start(int32_t bias)
{
    return _mm512_set1_epi32(bias);
}

static inline vd vd_step(vd d, vi u, vi s)
{
    return _mm512_dpbusd_epi32(d, u, s);
}

static inline vd vd_step8(vd d, vi w, vi s)
{
    return _mm512_dpbusd_epi32(d, w, s);
}

static inline vi vd_sum(vd d, int32_t bias)
{
    (void)bias;
    return d;
}

#endif
