/* iq1_s: 1.56 bits a weight.
 *
 *   value = d * (2 * scale + 1) * (digit + shift), digit -1, 0 or 1
 *
 * Eight digits at a time are a place in a codebook of 2048; every 32 values
 * share a 3-bit scale and a shift of 1/8 up or down. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint16_t d;
    uint8_t  qs[32];    /* low 8 bits of the places */
    uint16_t qh[8];     /* high 3 bits of four places, scale, sign */
};
static_assert(sizeof(struct block) == 50, "as in the file");

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = f32_from_f16(x->d);

        for (int i = 0; i < 32; i++, y += 8) {
            unsigned h = x->qh[i / 4], high = h >> 3 * (i % 4) & 7;
            float dl = d * (float)(2 * (h >> 12 & 7) + 1);

            iq1_expand8(y, dl, iq_g1s[x->qs[i] | high << 8],
                        h & 0x8000 ? -0.125f : 0.125f);
        }
    }
}

const struct weight_format WEIGHT(iq1_s) = {
    .dtype = DTYPE_IQ1_S, .name = "iq1_s", .block_len = 256,
    .expand = expand,
};
