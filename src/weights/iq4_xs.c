/* iq4_xs: 4 bits through a table in sub-blocks of 32, 4.25 bits a weight.
 *
 *   value = d * (scale - 32) * iq4_values[code]
 *
 * with a 6-bit scale for every 32 values (its low and high bits apart) and an
 * f16 one for 256. */
#include "weights/int_tile.h"
#include "weights/iq4_values.h"

struct block {
    uint16_t d;
    uint8_t  scales_h[2];        /* high two bits of eight scales */
    uint8_t  scales_l[4];        /* low four */
    uint8_t  qs[128];    /* per 32: i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 136, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;
    unsigned low = (unsigned)x->scales_l[j / 2] >> 4 * (j & 1) & 15u;
    unsigned high = (unsigned)x->scales_h[j / 4] >> 2 * (j % 4) & 3u;

    memcpy(&out->scale, &x->d, 2);
    out->sub_scale[0] = (int8_t)((int)(low | high << 4) - 32);
    for (size_t i = 0; i < 16; i++) {
        out->code[i] = x->qs[16 * j + i] & 15;
        out->code[i + 16] = x->qs[16 * j + i] >> 4;
    }
}

static const struct int_format format = {
    .shape = { .bits = 4, .wide = true, .sub = 32, .head = 8,
               .values = iq4_values },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(iq4_xs) = {
    .dtype = DTYPE_IQ4_XS, .name = "iq4_xs", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
