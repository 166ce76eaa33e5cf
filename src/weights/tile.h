/* What the integer and the float tiles share: rows of activations by token,
 * and accumulators that live in y between two stretches of the inner dimension.
 *
 * Keeping a partial sum in y changes no bit: it is the same f32. */
#ifndef OSMIA_WEIGHTS_TILE_H
#define OSMIA_WEIGHTS_TILE_H

#include "tensor/simd.h"
#include "weights/act.h"
#include "weights/parts.h"
#include <assert.h>
#include <string.h>

#define TILE_INLINE static inline __attribute__((always_inline))

/* The prepared row of token t. */
static inline const void *job_row(const struct mul_job *job, size_t t)
{
    size_t row = job->x_index ? job->x_index[t] : t;

    return (const char *)job->x + row * job->x_stride;
}

/* Tokens of the next tile when `left` remain and a tile takes at most `most`:
 * all tiles about equal, since 3 + 3 is faster than 5 + 1. */
static inline size_t tile_tokens(size_t left, size_t most)
{
    size_t n_tiles = (left + most - 1) / most;

    return (left + n_tiles - 1) / n_tiles;
}

struct token_span { size_t first, n; };

/* SIMD_N sums at y, of which `valid` (may be <= 0) exist. */
static inline vf acc_load(const float *y, ptrdiff_t valid)
{
    float part[SIMD_N] = { 0 };

    if (valid >= SIMD_N)
        return vf_load(y);
    for (ptrdiff_t i = 0; i < valid; i++)
        part[i] = y[i];
    return vf_load(part);
}

static inline void acc_store(float *y, vf acc, ptrdiff_t valid)
{
    float part[SIMD_N];

    if (valid >= SIMD_N) {
        vf_store(y, acc);
        return;
    }
    vf_store(part, acc);
    for (ptrdiff_t i = 0; i < valid; i++)
        y[i] = part[i];
}

#endif
