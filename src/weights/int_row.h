/* The functions of a row, the same for every integer format.
 *
 * Included by a format's file right after it has defined `format`, a static
 * const struct int_format.  Not one function with a pointer to the format: each
 * copy must see a constant, so that the compiler leaves one straight loop of
 * the many cases in int_mul.h. */
#ifndef OSMIA_WEIGHTS_INT_ROW_H
#define OSMIA_WEIGHTS_INT_ROW_H

#include "weights/int_mul.h"

static void expand(float *y, const void *x, size_t n)
{
    int_expand(&format, y, x, n);
}

static size_t group_size(size_t n_cols)
{
    return int_group_size(&format.shape, n_cols);
}

static void pack(void *group, const struct weight_rows *rows)
{
    int_pack(&format, group, rows);
}

static void mul(const struct weight_view *w, const struct mul_job *job)
{
    int_mul(&format.shape, w, job);
}

#endif
