/* iq3_xxs: 3.06 bits a weight.
 *
 *   value = d * (0.5 + scale) / 2 * sign * magnitude
 *
 * Four magnitudes at a time are a place in a codebook of 256; signs and scales
 * are stored as in iq2_xxs. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint8_t  qs[64];
    uint16_t a[8][2];   /* 32 bits: signs and scale */
};
static_assert(sizeof(struct block) == 98, "as in the file");

static const float magnitude[8] = { 4, 12, 20, 28, 36, 44, 52, 62 };

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int j = 0; j < 8; j++) {
            uint32_t a = x->a[j][0] | (uint32_t)x->a[j][1] << 16;
            float db = d * (0.5f + (float)(a >> 28)) * 0.5f;

            for (int g = 0; g < 4; g++, y += 8) {
                const uint8_t *place = x->qs + 8 * j + 2 * g;
                iq3_expand8(y, db, magnitude,
                            (uint16_t[]){ iq_g3xxs[place[0]],
                                          iq_g3xxs[place[1]] },
                            iq_signs7(a >> 7 * g & 127));
            }
        }
    }
}

const struct weight_format WEIGHT(iq3_xxs) = {
    .dtype = DTYPE_IQ3_XXS, .name = "iq3_xxs", .block_len = 256,
    .expand = expand,
};
