/* iq2_s: 2.56 bits a weight.
 *
 *   value = d * (0.5 + scale) / 4 * sign * magnitude
 *
 * As iq2_xs with a codebook of 1024 and all eight signs stored. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint8_t  qs[32];    /* low 8 bits of the places */
    uint8_t  signs[32];
    uint8_t  qh[8];     /* high 2 bits */
    uint8_t  scales[8]; /* of 16 values each, low nibble first */
};
static_assert(sizeof(struct block) == 82, "as in the file");

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int i = 0; i < 32; i++, y += 8) {
            unsigned s = (unsigned)x->scales[i / 4] >> i / 2 % 2 * 4 & 15;
            unsigned high = (unsigned)x->qh[i / 4] >> i % 4 * 2 & 3;
            float db = d * (0.5f + (float)s) * 0.25f;

            iq2_expand8(y, db, iq_g2s[x->qs[i] | high << 8], x->signs[i]);
        }
    }
}

const struct weight_format WEIGHT(iq2_s) = {
    .dtype = DTYPE_IQ2_S, .name = "iq2_s", .block_len = 256,
    .expand = expand,
};
