/* AVX-512 with VNNI. */
#ifndef OSMIA_TENSOR_SIMD_AVX512VNNI_H
#define OSMIA_TENSOR_SIMD_AVX512VNNI_H

#include "tensor/simd_avx512_dot.h"

enum { SIMD_BF16 = 0 };

/* Never called: keeps bodies that ask SIMD_BF16 compiling. */
static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    (void)a;
    (void)b;
    return acc;
}

#endif
