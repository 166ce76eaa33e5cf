/* q2_0: two bits and one scale for 64 values, 2.25 bits a weight.
 *
 *   value = d * (code - 1), so -d, 0, d or 2 d */
#include "weights/int_tile.h"

struct block {
    uint16_t d;
    uint8_t  qs[16];
};
static_assert(sizeof(struct block) == 18, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 2;

    memcpy(&out->scale, &x->d, 2);
    for (size_t i = 0; i < 32; i++)
        out->code[i] = x->qs[b % 2 * 8 + i / 4] >> i % 4 * 2 & 3;
}

static const struct int_format format = {
    .shape = { .bits = 2, .zero = 1, .sub = 32, .head = 1 },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(q2_0) = {
    .dtype = DTYPE_Q2_0, .name = "q2_0", .block_len = 64,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
