/* Matrices that a file keeps the other way round: expanded once, turned, and
 * made like any other from then on. */
#include "device/cpu.h"

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

void cpu_turned(struct tensor_source *flat, struct matrix_options *made)
{
    if (made->convert_to == NULL)
        made->convert_to = held(flat, made->exact);
    if (made->convert_to->id == DTYPE_F32)
        made->convert_to = NULL;
    flat->dtype = dtype_get(DTYPE_F32);
    flat->data = NULL;
    flat->scale_dtype = NULL;
}

enum err cpu_turn(struct cpu *c, float *to, const struct tensor_source *src,
                  struct err_info *why)
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
    e = cpu_matrix_open(&c->base, &m, &file, &look, NULL, why);
    for (size_t k = 0; e == ERR_OK && k < src->n_cols; k++) {
        weight_expand_row(row, &m->lookup, k);
        for (size_t r = 0; r < src->n_rows; r++)
            to[r * src->n_cols + k] = row[r];
    }
    cpu_matrix_close(&c->base, m);
    free(row);
    return e;
}
