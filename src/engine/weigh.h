/* Logits to weights: the exponentials of a row and their sums, in f32, always
 * in the same order, whatever vectors the compiler makes of it. */
#ifndef OSMIA_ENGINE_WEIGH_H
#define OSMIA_ENGINE_WEIGH_H

#include <stdbool.h>
#include <stddef.h>

/* Rows are handled in blocks; buffers are padded to whole ones. */
enum { WEIGH_LANES = 16, WEIGH_BLOCK = 1024 };

static inline size_t weigh_padded(size_t n)
{
    return (n + WEIGH_BLOCK - 1) / WEIGH_BLOCK * WEIGH_BLOCK;
}

/* w[i] = exp((l[i] - top) / temperature) for one block; returns their sum.
 * temperature >= 1e-6.
 * l[i] <= top; -INFINITY weighs 0.  The exponential's error is below 2 ulp. */
float  weigh_block(float *restrict w, const float *restrict l, float top,
                   float temperature);

/* The greatest of n values, n > 0, a multiple of WEIGH_LANES; none is a NaN. */
float  weigh_max(const float *l, size_t n);

/* True when none of the n values (any n) is a NaN or infinite. */
bool   weigh_finite(const float *l, size_t n);

#endif
