/* iq3_s: 3.44 bits a weight.
 *
 *   value = d * (1 + 2 * scale) * sign * magnitude
 *
 * Four magnitudes at a time are a place in a codebook of 512; all signs are
 * stored, and a 4-bit scale for every 32 values. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint8_t  qs[64];    /* low 8 bits of the places */
    uint8_t  qh[8];     /* high bit */
    uint8_t  signs[32];
    uint8_t  scales[4]; /* of 32 values each, low nibble first */
};
static_assert(sizeof(struct block) == 110, "as in the file");

static const float magnitude[8] = { 1, 3, 5, 7, 9, 11, 13, 15 };

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int i = 0; i < 32; i++, y += 8) {
            unsigned s = (unsigned)x->scales[i / 8] >> i / 4 % 2 * 4 & 15;
            unsigned high = (unsigned)x->qh[i / 4] >> i % 4 * 2;
            const uint8_t *place = x->qs + 2 * i;

            iq3_expand8(y, d * (float)(1 + 2 * s), magnitude,
                        (uint16_t[]){ iq_g3s[place[0] | (high & 1) << 8],
                                      iq_g3s[place[1] | (high & 2) << 7] },
                        x->signs[i]);
        }
    }
}

const struct weight_format WEIGHT(iq3_s) = {
    .dtype = DTYPE_IQ3_S, .name = "iq3_s", .block_len = 256,
    .expand = expand,
};
