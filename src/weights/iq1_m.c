/* iq1_m: 1.75 bits a weight.
 *
 *   value = d * (2 * scale + 1) * (digit + shift), digit -1, 0 or 1
 *
 * As iq1_s with a scale for every 16 and a shift for every 8 values.  The f16 d
 * is spread over the high nibbles of the scales. */
#include "weights/parts.h"

#include "tensor/number.h"
#include "weights/iq_grid_table.h"
#include <assert.h>
#include <string.h>

struct block {
    uint8_t  qs[32];    /* low 8 bits of the places */
    uint8_t  qh[16];    /* per nibble: high 3 bits, sign */
    uint16_t sc[4];     /* 3 bits for 16 values each, 4 bits of d */
};
static_assert(sizeof(struct block) == 56, "as in the file");

static float block_scale(const struct block *x)
{
    unsigned bits = 0;

    for (int i = 0; i < 4; i++)
        bits |= (unsigned)(x->sc[i] >> 12) << 4 * i;
    return f32_from_f16((uint16_t)bits);
}

static void expand(float *y, const void *from, size_t n)
{
    const struct block *x = from;

    for (; n > 0; n -= 256, x++) {
        float d = block_scale(x);

        for (int i = 0; i < 32; i++, y += 8) {
            unsigned s = (unsigned)x->sc[i / 8] >> i / 2 % 4 * 3 & 7;
            unsigned h = (unsigned)x->qh[i / 2] >> i % 2 * 4 & 15;

            iq1_expand8(y, d * (float)(2 * s + 1),
                        iq_g1s[x->qs[i] | (h & 7) << 8],
                        h & 8 ? -0.125f : 0.125f);
        }
    }
}

const struct weight_format WEIGHT(iq1_m) = {
    .dtype = DTYPE_IQ1_M, .name = "iq1_m", .block_len = 256,
    .expand = expand,
};
