/* Matrices that a file keeps the other way round: expanded once, turned, and
 * made like any other from then on. */
#include "device/cpu.h"

#include "base/checked.h"
#include <stdlib.h>

/* What is held of it when nobody wishes otherwise.  Blocks along the rows of
 * the file mean nothing along its columns, so f16 takes the place of all types
 * that are no single numbers, or f32 where numbers are to be exact. */
static const struct dtype *held(const struct tensor_source *src, bool exact)
{
    switch (src->dtype->id) {
    case DTYPE_F32:
    case DTYPE_F16:
    case DTYPE_BF16: return src->dtype;
    default:         return dtype_get(exact ? DTYPE_F32 : DTYPE_F16);
    }
}

/* The same matrix as rows of f32 at `at`, and how to make it from them. */
static void turned(struct tensor_source *flat, struct matrix_options *made,
                   const struct tensor_source *src,
                   const struct matrix_options *o, const float *at)
{
    *flat = (struct tensor_source){
        .name = src->name, .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)at, .n_rows = src->n_rows,
        .n_cols = src->n_cols,
    };
    *made = *o;
    if (made->convert_to == NULL)
        made->convert_to = held(src, o->exact);
    if (made->convert_to->id == DTYPE_F32)
        made->convert_to = NULL;
}

/* Rows of the file become columns of `to` [n_rows][n_cols]. */
static enum err turn(struct device *d, float *to,
                     const struct tensor_source *src, struct err_info *why)
{
    struct tensor_source  file = *src;
    struct matrix_options look = { .use = MATRIX_LOOKUP };
    struct matrix *m;
    float         *row = malloc((size_t)src->n_rows * sizeof *row);
    enum err       e;

    file.transposed = false;
    file.n_rows = src->n_cols;
    file.n_cols = src->n_rows;
    if (row == NULL)
        return fail_nomem(why);
    e = d->ops->matrix_open(d, &m, &file, &look, NULL, why);
    for (size_t c = 0; e == ERR_OK && c < src->n_cols; c++) {
        weight_expand_row(row, &m->lookup, c);
        for (size_t r = 0; r < src->n_rows; r++)
            to[r * src->n_cols + c] = row[r];
    }
    d->ops->matrix_close(d, m);
    free(row);
    return e;
}

enum err cpu_transposed_open(struct device *d, struct matrix **out,
                             const struct tensor_source *src,
                             const struct matrix_options *o,
                             struct err_info *why)
{
    struct tensor_source  flat;
    struct matrix_options made;
    size_t   size;
    float   *at;
    enum err e;

    *out = NULL;
    if (!checked_size(&size, (size_t)src->n_rows, (size_t)src->n_cols)
        || !checked_size(&size, size, sizeof *at)
        || (at = cpu_alloc(size)) == NULL)
        return fail_nomem(why);
    turned(&flat, &made, src, o, at);
    if ((e = turn(d, at, src, why)) == ERR_OK)
        e = d->ops->matrix_open(d, out, &flat, &made, NULL, why);
    if (e == ERR_OK && (*out)->owned == NULL) {    /* used as it stands */
        (*out)->owned = at;
        (*out)->owned_size = size;
        (*out)->mapped_size = 0;
    } else {
        free(at);
    }
    return e;
}

enum err cpu_transposed_plan(const struct device *d, size_t *bytes,
                             const struct tensor_source *src,
                             const struct matrix_options *o,
                             struct err_info *why)
{
    struct tensor_source  flat, file = *src;
    struct matrix_options made, look = { .use = MATRIX_LOOKUP };
    enum err              e;

    turned(&flat, &made, src, o, NULL);
    file.transposed = false;
    file.n_rows = src->n_cols;
    file.n_cols = src->n_rows;
    if ((e = d->ops->matrix_plan(d, bytes, &file, &look, why)) != ERR_OK)
        return e;
    return d->ops->matrix_plan(d, bytes, &flat, &made, why);
}
