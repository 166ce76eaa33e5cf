/* q2_k: 2 bits in sub-blocks of 16, 2.625 bits a weight.
 *
 *   value = d * scale * code - dmin * min
 *
 * with a 4-bit scale and minimum for every 16 values and f16 ones for 256. */
#include "weights/int_tile.h"

struct block {
    uint8_t  scales[16]; /* scale in low, minimum in high nibbles */
    uint8_t  qs[64];
    uint16_t d, dmin;
};
static_assert(sizeof(struct block) == 84, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;
    size_t c = j / 4, k = j % 4;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->dmin, 2);
    for (size_t h = 0; h < 2; h++) {
        out->sub_scale[h] = x->scales[2 * j + h] & 15;
        out->sub_min[h] = x->scales[2 * j + h] >> 4;
    }
    for (size_t l = 0; l < 32; l++)
        out->code[l] = x->qs[32 * c + l] >> 2 * k & 3;
}

static const struct int_format format = {
    .shape = { .bits = 2, .sub = 16, .head = 8, .min = true },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(q2_k) = {
    .dtype = DTYPE_Q2_K, .name = "q2_k", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
