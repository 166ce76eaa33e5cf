/* The functions behind the kernel table, as the files of one instruction set
 * see each other.  Contracts: kernel_table.h. */
#ifndef OSMIA_KERNELS_KERNEL_H
#define OSMIA_KERNELS_KERNEL_H

#include "kernels/kernel_table.h"
#include "tensor/simd.h"

void KERNEL(norm)(float *y, const float *x, size_t n,
                  const struct norm_args *a);
void KERNEL(rope)(float *x, size_t n_heads, size_t width,
                  const struct rope_args *a);
void KERNEL(gate)(float *g, const float *u, size_t n, enum activation kind);
void KERNEL(add)(float *y, const float *x, size_t n);
void KERNEL(add_scaled)(float *y, const float *x, float s, size_t n);
void KERNEL(sigmoid)(float *x, size_t n);
void KERNEL(scale)(float *y, float s, size_t n);
void KERNEL(softcap)(float *y, float c, size_t n);
void KERNEL(route)(uint32_t *expert, float *weight, float *score,
                   const float *correction, const struct router *r);
void KERNEL(kv_store)(const struct kv_view *view, const struct kv_layer *layer,
                      uint32_t pos, const float *k, const float *v);
void KERNEL(attend)(const struct attn_shape *shape,
                    const struct attn_rows *rows, uint32_t head,
                    uint32_t segment, struct attn_part *part, float *acc,
                    float *scratch);
void KERNEL(attend_latent)(const struct attn_shape *shape,
                           const struct attn_rows *rows, uint32_t head,
                           uint32_t segment, struct attn_part *part, float *acc,
                           float *scratch);
void KERNEL(attn_merge)(struct attn_part *into, float *acc_into,
                        const struct attn_part *part, const float *acc,
                        size_t n);
uint64_t KERNEL(probe)(enum probe kind, const void *at, size_t n, float *sink);

#endif
