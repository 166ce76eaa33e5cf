/* NEON with the signed dot product of bytes (dotprod). */
#ifndef OSMIA_TENSOR_SIMD_NEON_H
#define OSMIA_TENSOR_SIMD_NEON_H

#include "tensor/simd_neon_base.h"

enum { SIMD_FLIP8 = 0 };

/* Narrow codes are below 64: as signed bytes they are the same. */
static inline vd vd_step(vd d, vi u, vi s)
{
    return vdotq_s32(d, vreinterpretq_s8_s32(u), vreinterpretq_s8_s32(s));
}

static inline vd vd_step8(vd d, vi w, vi s)
{
    return vdotq_s32(d, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(s));
}

#endif
