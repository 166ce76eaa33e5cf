/* q3_k: 3 bits in sub-blocks of 16, 3.44 bits a weight.
 *
 *   value = d * (scale - 32) * (code - 4)
 *
 * with a 6-bit scale for every 16 values and an f16 one for 256.  The third bit
 * counts as "not subtracting 4", hence the offset. */
#include "weights/int_tile.h"

struct block {
    uint8_t  hmask[32];  /* third bit of values 32j + i in bit j of byte i */
    uint8_t  qs[64];     /* low two bits */
    uint8_t  scales[12]; /* low four bits of 16 scales, then their high two */
    uint16_t d;
};
static_assert(sizeof(struct block) == 110, "as in the file");

static int8_t sub_scale(const uint8_t s[12], size_t j)
{
    unsigned low = j < 8 ? s[j] & 15u : (unsigned)s[j - 8] >> 4;
    unsigned high = (unsigned)s[8 + j % 4] >> 2 * (j / 4) & 3u;

    return (int8_t)((int)(low | high << 4) - 32);
}

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;
    size_t c = j / 4, k = j % 4;

    memcpy(&out->scale, &x->d, 2);
    out->sub_scale[0] = sub_scale(x->scales, 2 * j);
    out->sub_scale[1] = sub_scale(x->scales, 2 * j + 1);
    for (size_t l = 0; l < 32; l++) {
        unsigned low = (unsigned)x->qs[32 * c + l] >> 2 * k & 3u;
        out->code[l] = (uint8_t)(low | ((unsigned)x->hmask[l] >> j & 1u) << 2);
    }
}

static const struct int_format format = {
    .shape = { .bits = 3, .zero = 4, .sub = 16, .head = 8 },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(q3_k) = {
    .dtype = DTYPE_Q3_K, .name = "q3_k", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
