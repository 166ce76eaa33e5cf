/* A found tensor against the configuration, and its rows as a source for the
 * device. */
#include "nn/bind_private.h"

#include <stdio.h>

static void show_shape(char *text, size_t size, const struct tensor_info *t)
{
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < t->n_dims && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%llu",
                                i == 0 ? "" : ", ",
                                (unsigned long long)t->dims[i]);
}

static enum err wrong_shape(const struct binder *b, const struct found *f,
                            uint64_t cols, struct err_info *why)
{
    char have[128], expected[64];
    struct tensor_info t = { .n_dims = cols == 0 ? 1 : 2,
                             .dims = { f->all_rows, cols } };

    if (f->n_stacked > 0)
        t = (struct tensor_info){ .n_dims = 3, .dims = { f->n_stacked,
                                                         f->all_rows, cols } };
    show_shape(have, sizeof have, f->t);
    show_shape(expected, sizeof expected, &t);
    return fail(why, ERR_FORMAT, "%s: tensor %s has shape [%s]: the "
                "configuration asks for [%s]", b->checkpoint->path, f->name,
                have, expected);
}

enum err bind_check(const struct binder *b, const struct found *f,
                    uint64_t cols, struct err_info *why)
{
    const struct tensor_info *t = f->t;
    bool fits = cols == 0
              ? t->n_elements == f->all_rows && t->n_dims <= 2
              : t->n_dims == 2 && t->dims[0] == f->all_rows
                && t->dims[1] == cols;

    /* A matrix of one row is a vector to those who write GGUF. */
    if (cols != 0 && f->all_rows == 1 && t->n_dims == 1)
        fits = t->dims[0] == cols;

    if (f->n_stacked > 0)
        fits = t->n_dims == 3 && t->dims[0] == f->n_stacked
            && t->dims[1] == f->all_rows && t->dims[2] == cols;
    return fits ? ERR_OK : wrong_shape(b, f, cols, why);
}

enum err bind_source(struct tensor_source *s, const struct binder *b,
                     const struct found *f, uint64_t cols,
                     struct err_info *why)
{
    const struct tensor_info  *t = f->t;
    const struct tensor_scale *scale = &t->scale;
    uint64_t                   n = cols == 0 ? 1 : cols;
    uint64_t                   row_size = 0;

    if (!dtype_size(t->dtype, n, &row_size) && (cols != 0 || f->from != 0))
        return fail(why, ERR_FORMAT, "%s: tensor %s: rows of %llu elements "
                    "are no whole number of %s blocks", b->checkpoint->path,
                    f->name, (unsigned long long)n, t->dtype->name);
    *s = (struct tensor_source){
        .name = f->name, .dtype = t->dtype, .n_rows = f->rows, .n_cols = n,
        .data = t->data + (f->from == 0 ? 0 : f->from * row_size),
        .place = t->file_offset + f->from * row_size,
    };
    if (cols == 0) {                 /* one row, so that blocks fit */
        s->n_rows = 1;
        s->n_cols = f->rows;
    }
    if (scale->values == NULL)
        return ERR_OK;
    /* Rows that begin inside a block of scales must not leave it. */
    if (f->from % scale->block_rows != 0
        && f->from / scale->block_rows
           != (f->from + f->rows - 1) / scale->block_rows)
        return fail(why, ERR_UNKNOWN, "%s: tensor %s: its scales do not begin "
                    "where its parts do", b->checkpoint->path, f->name);
    s->scale_dtype = scale->values->dtype;
    s->scale_block_rows = scale->block_rows;
    s->scale_block_cols = scale->block_cols;
    s->scale_n_cols = scale->n_cols;
    s->scale_n_rows = scale->n_rows - f->from / scale->block_rows;
    dtype_size(s->scale_dtype, scale->n_cols, &row_size);
    s->scale_data = scale->values->data
                  + f->from / scale->block_rows * row_size;
    return ERR_OK;
}
