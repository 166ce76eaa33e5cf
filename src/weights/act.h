/* A row of activations prepared for the integer kernels (ACT_INT8).
 *
 * Per block of 32 values: scale = amax / 127, codes = nearest even of
 * x * (127 / amax).  Beside them lie the sums that weights with an offset (isum -= zero *
 * sum) or a minimum (fsum = scale * sum) need, per 16 and per 32 values.  Each
 * part starts on 64 bytes and may be read to the end of its last 64 bytes.
 *
 * A block whose largest value is below 2^-100 counts as zero: its reciprocal
 * would overflow.  One with a NaN or an infinity gets that as its scale, so the
 * damage shows in the product instead of vanishing. */
#ifndef OSMIA_WEIGHTS_ACT_H
#define OSMIA_WEIGHTS_ACT_H

#include <stddef.h>
#include <stdint.h>

enum { ACT_BLOCK = 32 };
enum { WEIGHT_SCRATCH_ROWS = 4 };   /* rows that mul_rows expands at a time */

struct act_int8 {
    int8_t  *code;      /* [n] */
    float   *scale;     /* [n / 32] */
    int32_t *sum32;     /* [n / 32] */
    float   *fsum32;
    int32_t *sum16;     /* [n / 16] */
    float   *fsum16;
};

static inline size_t act_align64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* Where the parts of a row of n_cols values lie. */
static inline struct act_int8 act_int8_at(const void *row, size_t n_cols)
{
    size_t n_block = n_cols / ACT_BLOCK;
    size_t part32 = act_align64(n_block * 4), part16 = act_align64(n_block * 8);
    char *at = (char *)(uintptr_t)row;
    struct act_int8 a;

    a.code = (int8_t *)at;
    at += act_align64(n_cols);
    a.scale = (float *)(void *)at;
    at += part32;
    a.sum32 = (int32_t *)(void *)at;
    at += part32;
    a.fsum32 = (float *)(void *)at;
    at += part32;
    a.sum16 = (int32_t *)(void *)at;
    at += part16;
    a.fsum16 = (float *)(void *)at;
    return a;
}

static inline size_t act_int8_size(size_t n_cols)
{
    size_t n_block = n_cols / ACT_BLOCK;

    return act_align64(n_cols) + 3 * act_align64(n_block * 4)
           + 2 * act_align64(n_block * 8);
}

#endif
