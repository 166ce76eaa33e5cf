/* nvfp4: 4-bit floats (E2M1) and an unsigned FP8 scale for 16 values, 4.5 bits
 * a weight.
 *
 *   value = scale[i / 16] * values[code]
 *
 * A tensor may have an f32 scale of its own beside it (struct weight_scale).
 * ROWS only: an FP8 scale for 16 values fits none of the packed heads. */
#include "weights/parts.h"

#include "tensor/number.h"
#include <assert.h>
#include <string.h>

struct block {
    uint8_t d[4];       /* UE4M3 */
    uint8_t qs[32];     /* per 16: i in low, i + 8 in high nibbles */
};
static_assert(sizeof(struct block) == 36, "as in the file");

/* Twice the E2M1 value; the scale is halved. */
static const float values[16] = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 64, x++) {
        for (int i = 0; i < 64; i++) {
            unsigned byte = x->qs[i / 16 * 8 + i % 8];
            float d = f32_from_ue4m3_half(x->d[i / 16]);

            *y++ = d * values[i % 16 < 8 ? byte & 15 : byte >> 4];
        }
    }
}

const struct weight_format WEIGHT(nvfp4) = {
    .dtype = DTYPE_NVFP4, .name = "nvfp4", .block_len = 64,
    .expand = expand,
};
