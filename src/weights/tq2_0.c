/* tq2_0: ternary weights, four to a byte, 2.06 bits a weight.
 *
 *   value = d * (code - 1) */
#include "weights/int_tile.h"

struct block {
    uint8_t  qs[64];
    uint16_t d;
};
static_assert(sizeof(struct block) == 66, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t c = b % 8 / 4, k = b % 4;

    memcpy(&out->scale, &x->d, 2);
    out->sub_scale[0] = 1;
    for (size_t l = 0; l < 32; l++)
        out->code[l] = x->qs[32 * c + l] >> 2 * k & 3;
}

static const struct int_format format = {
    .shape = { .bits = 2, .zero = 1, .sub = 32, .head = 8 },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(tq2_0) = {
    .dtype = DTYPE_TQ2_0, .name = "tq2_0", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
