/* iq2_xs: 2.31 bits a weight.
 *
 *   value = d * (0.5 + scale) / 4 * sign * magnitude
 *
 * As iq2_xxs with a codebook of 512 and a 4-bit scale for every 16 values. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint16_t qs[32];    /* place, signs */
    uint8_t  scales[8]; /* of 16 values each, low nibble first */
};
static_assert(sizeof(struct block) == 74, "as in the file");

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int i = 0; i < 32; i++, y += 8) {
            unsigned s = (unsigned)x->scales[i / 4] >> i / 2 % 2 * 4 & 15;
            float db = d * (0.5f + (float)s) * 0.25f;

            iq2_expand8(y, db, iq_g2xs[x->qs[i] & 511],
                        iq_signs7(x->qs[i] >> 9));
        }
    }
}

const struct weight_format WEIGHT(iq2_xs) = {
    .dtype = DTYPE_IQ2_XS, .name = "iq2_xs", .block_len = 256,
    .expand = expand,
};
