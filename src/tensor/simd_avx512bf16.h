/* AVX-512 with VNNI and the dot product of bf16 pairs. */
#ifndef OSMIA_TENSOR_SIMD_AVX512BF16_H
#define OSMIA_TENSOR_SIMD_AVX512BF16_H

#include "tensor/simd_avx512_dot.h"

enum { SIMD_BF16 = 1 };

static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

#endif
