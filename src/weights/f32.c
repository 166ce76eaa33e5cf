/* f32: single precision, as it is. */
#include "weights/float_tile.h"

static void expand(float *y, const void *x, size_t n)
{
    memcpy(y, x, n * sizeof *y);
}

static void quantize(void *y, const float *x, size_t n)
{
    memcpy(y, x, n * sizeof *x);
}

static void pack(void *group, const struct weight_rows *rows)
{
    float_pack(FLOAT_F32, group, rows);
}

static size_t group_size(size_t n_cols)
{
    return float_group_size(FLOAT_F32, n_cols);
}

static void mul(const struct weight_view *w, const struct mul_job *job)
{
    float_mul(FLOAT_F32, w, job);
}

const struct weight_format WEIGHT(f32) = {
    .dtype = DTYPE_F32, .name = "f32", .block_len = 1,
    .expand = expand, .quantize = quantize, .act = ACT_F32,
    .group_size = group_size, .pack = pack, .mul = mul,
};
