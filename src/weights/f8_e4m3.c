/* f8_e4m3: OCP FP8 with 4 bits of exponent and no infinities ("fn").
 *
 * Such tensors come from safetensors with f32 scales beside them, one for the
 * tensor or one for a block of 128 x 128 (struct weight_scale).  ROWS only. */
#include "weights/parts.h"

#include "tensor/number.h"

static void expand(float *y, const void *x, size_t n)
{
    const uint8_t *at = x;

    for (size_t i = 0; i < n; i++)
        y[i] = f32_from_e4m3(at[i]);
}

const struct weight_format WEIGHT(f8_e4m3) = {
    .dtype = DTYPE_F8_E4M3, .name = "f8_e4m3", .block_len = 1,
    .expand = expand,
};
