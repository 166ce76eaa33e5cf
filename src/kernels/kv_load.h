/* SIMD_N elements of the cache as f32, of every type but q8_0. */
#ifndef OSMIA_KERNELS_KV_LOAD_H
#define OSMIA_KERNELS_KV_LOAD_H

#include "kernels/kv_view.h"
#include "tensor/simd.h"

static inline vf kv_load(enum kv_type type, const uint8_t *at)
{
    switch (type) {
    case KV_F32:  return vf_load(at);
    case KV_BF16: return vf_load_bf16(at);
    default:      return vf_load_f16(at);
    }
}

#endif
