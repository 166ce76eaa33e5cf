#include "weights/weight.h"

#include "weights/act.h"

static size_t align(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

size_t act_size(enum act_kind kind, size_t n_cols)
{
    switch (kind) {
    case ACT_F32:
        return align(n_cols, 16) * sizeof(float);
    case ACT_BF16:
        return align(n_cols, 32) * sizeof(uint16_t);
    default:
        return act_int8_size(n_cols);
    }
}

void act_int8_rest(float *rest, const void *prepared, const float *x,
                   size_t n_cols)
{
    struct act_int8 a = act_int8_at(prepared, n_cols);

    for (size_t i = 0; i < n_cols; i++)
        rest[i] = x[i] - a.scale[i / ACT_BLOCK] * (float)a.code[i];
}

size_t weight_scratch_size(const struct weight_view *w)
{
    return WEIGHT_SCRATCH_ROWS * align(w->n_cols, 16) * sizeof(float);
}

void weight_expand_row(float *y, const struct weight_view *w, size_t r)
{
    const struct weight_scale *s = &w->scale;

    w->format->expand(y, (const char *)w->data + r * w->row_stride, w->n_cols);
    if (!s->at)
        return;
    for (size_t c = 0; c < w->n_cols; c++)
        y[c] *= s->at[r / s->block_rows * s->stride + c / s->block_cols];
}
