/* AVX2 with the 256-bit dot product of AVX-VNNI. */
#ifndef OSMIA_TENSOR_SIMD_AVXVNNI_H
#define OSMIA_TENSOR_SIMD_AVXVNNI_H

#include "tensor/simd_avx2_base.h"

enum { SIMD_FLIP8 = 0x80 };

typedef __m256i vd;

static inline int SIMD_STEPS(int bits)
{
    (void)bits;
    return 8;
}

static inline vd vd_start(int32_t bias)
{
    return _mm256_set1_epi32(bias);
}

static inline vd vd_step(vd d, vi u, vi s)
{
    return _mm256_dpbusd_avx_epi32(d, u, s);
}

static inline vd vd_step8(vd d, vi w, vi s)
{
    return _mm256_dpbusd_avx_epi32(d, w, s);
}

static inline vi vd_sum(vd d, int32_t bias)
{
    (void)bias;
    return d;
}

#endif
