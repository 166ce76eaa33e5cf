/* f8_e5m2: OCP FP8 with 5 bits of exponent, the upper byte of an f16.
 *
 * Scales lie beside the tensor as with f8_e4m3 (struct weight_scale).  ROWS
 * only. */
#include "weights/parts.h"

#include "tensor/number.h"

static void expand(float *y, const void *x, size_t n)
{
    const uint8_t *at = x;

    for (size_t i = 0; i < n; i++)
        y[i] = f32_from_e5m2(at[i]);
}

const struct weight_format WEIGHT(f8_e5m2) = {
    .dtype = DTYPE_F8_E5M2, .name = "f8_e5m2", .block_len = 1,
    .expand = expand,
};
