/* q1_0: one bit and one scale for 128 values, 1.125 bits a weight.
 *
 *   value = bit ? d : -d */
#include "weights/int_tile.h"

struct block {
    uint16_t d;
    uint8_t  qs[16];
};
static_assert(sizeof(struct block) == 18, "as in the file");

static const int8_t values[16] = { -1, 1 };

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 4;

    memcpy(&out->scale, &x->d, 2);
    for (size_t i = 0; i < 32; i++)
        out->code[i] = x->qs[b % 4 * 4 + i / 8] >> i % 8 & 1;
}

static const struct int_format format = {
    .shape = { .bits = 2, .zero = 1, .sub = 32, .head = 1, .values = values },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(q1_0) = {
    .dtype = DTYPE_Q1_0, .name = "q1_0", .block_len = 128,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
