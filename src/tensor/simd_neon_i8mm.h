/* NEON with the dot product of unsigned and signed bytes (i8mm). */
#ifndef OSMIA_TENSOR_SIMD_NEON_I8MM_H
#define OSMIA_TENSOR_SIMD_NEON_I8MM_H

#include "tensor/simd_neon_base.h"

enum { SIMD_FLIP8 = 0 };

static inline vd vd_step(vd d, vi u, vi s)
{
    return vusdotq_s32(d, vreinterpretq_u8_s32(u), vreinterpretq_s8_s32(s));
}

static inline vd vd_step8(vd d, vi w, vi s)
{
    return vdotq_s32(d, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(s));
}

#endif
