/* iq2_xxs: 2.06 bits a weight.
 *
 *   value = d * (0.5 + scale) / 4 * sign * magnitude
 *
 * Eight magnitudes at a time are a place in a codebook of 256; every 32 values
 * have four places, four times seven signs (the eighth follows) and a 4-bit
 * scale, in 64 bits. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint16_t qs[8][4];  /* 4 places, then 32 bits: signs and scale */
};
static_assert(sizeof(struct block) == 66, "as in the file");

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int j = 0; j < 8; j++) {
            const uint8_t *place = (const uint8_t *)x->qs[j];
            uint32_t a = x->qs[j][2] | (uint32_t)x->qs[j][3] << 16;
            float db = d * (0.5f + (float)(a >> 28)) * 0.25f;

            for (int g = 0; g < 4; g++, y += 8)
                iq2_expand8(y, db, iq_g2xxs[place[g]],
                            iq_signs7(a >> 7 * g & 127));
        }
    }
}

const struct weight_format WEIGHT(iq2_xxs) = {
    .dtype = DTYPE_IQ2_XXS, .name = "iq2_xxs", .block_len = 256,
    .expand = expand,
};
