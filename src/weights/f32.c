#include "weights/float_tile.h"

static void expand(float *y, const void *x, size_t n)
{
    memcpy(y, x, n * sizeof *y);
}

static void quantize(void *y, const float *x, size_t n)
{
    memcpy(y, x, n * sizeof *x);
}

const struct weight_format WEIGHT(f32) = {
    .dtype = DTYPE_F32, .name = "f32", .block_len = 1,
    .expand = expand, .quantize = quantize,
    .act = ACT_F32, 
};
