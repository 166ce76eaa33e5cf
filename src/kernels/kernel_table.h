/* What `kernels` offers on one instruction set: everything of a layer that is
 * not a product with weights.  All of it is f32 and works on a few rows or one
 * piece of work; sharing out over threads is the device's business.
 *
 * Sums over a row use 16 partial sums, element i going into sum i % 16, added
 * as s[i] + s[i + 8], of those i + 4, i + 2, i + 1: the bits are the same on
 * every instruction set that has fused multiply-add. */
#ifndef OSMIA_KERNELS_KERNEL_TABLE_H
#define OSMIA_KERNELS_KERNEL_TABLE_H

#include "kernels/attention.h"
#include "kernels/expert_router.h"
#include "kernels/rope_pairing.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The gate of an MLP. */
enum activation { ACTIVATION_SILU, ACTIVATION_GELU_TANH, ACTIVATION_GELU };

/* y = w * x / sqrt(mean(x^2) + eps), or with the mean taken off first. */
struct norm_args {
    const float *weight;     /* [n]; NULL: ones */
    const float *bias;       /* [n]; NULL: none */
    float        eps;
    bool         centre;     /* LayerNorm */
};

/* Rotation of one position: n_pairs cosines, then n_pairs sines. */
struct rope_args {
    const float      *cos_sin;
    uint32_t          n_pairs;
    enum rope_pairing pairing;
};

/* What bounds the kernels; see probe. */
enum probe { PROBE_READ, PROBE_INT8, PROBE_BF16, PROBE_F32, PROBES };
enum { PROBE_OPERANDS = 32 * 256 };   /* bytes that the arithmetic ones read */

struct kernel_table {
    const char *isa;

    /* One row of n.  y may be x. */
    void (*norm)(float *y, const float *x, size_t n,
                 const struct norm_args *a);
    /* Rotate the first 2 * n_pairs elements of n_heads heads of width `width`,
     * in place. */
    void (*rope)(float *x, size_t n_heads, size_t width,
                 const struct rope_args *a);
    /* g[i] = activation(g[i]) * u[i]; u == NULL: without the factor. */
    void (*gate)(float *g, const float *u, size_t n, enum activation kind);
    /* y[i] += x[i] */
    void (*add)(float *y, const float *x, size_t n);
    /* y[i] += s * x[i], each rounded twice */
    void (*add_scaled)(float *y, const float *x, float s, size_t n);
    /* x[i] = 1 / (1 + exp(-x[i])) */
    void (*sigmoid)(float *x, size_t n);
    /* y[i] *= s */
    void (*scale)(float *y, float s, size_t n);
    /* y[i] = c * tanh(y[i] / c) */
    void (*softcap)(float *y, float c, size_t n);

    /* One token's experts, expert[n_used] and weight[n_used], the best first.
     * score [3 * n_expert]: the router's logits in the first third; all is
     * overwritten.  correction [n_expert] or NULL.  Whatever the logits (NaN
     * too), the experts are distinct and below n_expert. */
    void (*route)(uint32_t *expert, float *weight, float *score,
                  const float *correction, const struct router *r);

    /* Write one position's k [n_head_kv][k_width] and v [n_head_kv][v_width]
     * to the cache; of a LATENT layer the latent and the rotated part. */
    void (*kv_store)(const struct kv_view *view, const struct kv_layer *layer,
                     uint32_t pos, const float *k, const float *v);

    /* Queries `rows` (at most attn_tile_rows) against the keys of one segment,
     * for the query heads of kv head `head`: fills part[r] and acc[r][v_width],
     * r = query * group + head in group. */
    void (*attend)(const struct attn_shape *shape, const struct attn_rows *rows,
                   uint32_t head, uint32_t segment, struct attn_part *part,
                   float *acc, float *scratch);
    /* The same for a LATENT layer, and the head-th run of attn_group query
     * heads: acc[r][k_width]. */
    void (*attend_latent)(const struct attn_shape *shape,
                          const struct attn_rows *rows, uint32_t head,
                          uint32_t segment, struct attn_part *part, float *acc,
                          float *scratch);
    /* Merge the part of the next segment into what was merged so far. */
    void (*attn_merge)(struct attn_part *into, float *acc_into,
                       const struct attn_part *part, const float *acc,
                       size_t n);

    /* Work for measuring the machine; returns how much was done.  READ: n bytes
     * at `at` once, returns bytes.  The others: n passes over PROBE_OPERANDS
     * bytes at `at`, returns multiplications and additions; BF16: 0 where the
     * set has no such instruction.  *sink keeps the compiler honest. */
    uint64_t (*probe)(enum probe kind, const void *at, size_t n, float *sink);
};

#endif
