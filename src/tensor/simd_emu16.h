/* Sixteen lanes in plain C: runs the bodies as AVX-512 with VNNI and bf16
 * would, on any machine, so that their logic is tested everywhere. */
#ifndef OSMIA_TENSOR_SIMD_EMU16_H
#define OSMIA_TENSOR_SIMD_EMU16_H

enum { SIMD_N = 16, PLAIN_FLIP8 = 0x80, PLAIN_BF16 = 1 };

#include "tensor/simd_plain.h"

#endif
