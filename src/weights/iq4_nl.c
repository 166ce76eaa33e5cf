/* iq4_nl: 4 bits through a table and one scale for 32 values, 4.5 bits a weight.
 *
 *   value = d * iq4_values[code]
 *
 * The table follows how weights are spread, so the same bits lose less than in
 * q4_0; one byte shuffle is all that it costs. */
#include "weights/int_tile.h"
#include "weights/iq4_values.h"

struct block {
    uint16_t d;
    uint8_t  qs[16];     /* values i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 18, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    memcpy(&out->scale, &x->d, 2);
    for (int i = 0; i < 16; i++) {
        out->code[i] = x->qs[i] & 15;
        out->code[i + 16] = x->qs[i] >> 4;
    }
}

static const struct int_format format = {
    .shape = { .bits = 4, .wide = true, .sub = 32, .head = 1,
               .values = iq4_values },
    .read = read,
};

#include "weights/int_row.h"

const struct weight_format WEIGHT(iq4_nl) = {
    .dtype = DTYPE_IQ4_NL, .name = "iq4_nl", .block_len = 32,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
