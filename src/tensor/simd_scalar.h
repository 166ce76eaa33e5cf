/* One lane: the reference that runs everywhere. */
#ifndef OSMIA_TENSOR_SIMD_SCALAR_H
#define OSMIA_TENSOR_SIMD_SCALAR_H

enum { SIMD_N = 1, PLAIN_FLIP8 = 0, PLAIN_BF16 = 0 };

#include "tensor/simd_plain.h"

#endif
