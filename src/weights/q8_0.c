/* q8_0: 8 bits and one scale for 32 values, 8.5 bits a weight.
 *
 *   value = d * code
 *
 * The only format here whose codes fill the byte, sign included: products take
 * the `wide` way of tensor/simd.h. */
#include "weights/int_tile.h"
#include "weights/quantize.h"

struct block {
    uint16_t d;
    int8_t   qs[32];
};
static_assert(sizeof(struct block) == 34, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    memcpy(&out->scale, &x->d, 2);
    memcpy(out->code, x->qs, sizeof x->qs);
}

static const struct int_format format = {
    .shape = { .bits = 8, .wide = true, .sub = 32, .head = 1 },
    .read = read,
};

#include "weights/int_row.h"

static void quantize(void *y, const float *x, size_t n)
{
    struct block *to = y;

    for (; n > 0; n -= 32, x += 32, to++) {
        float d = fabsf(quant_extreme(x, 32)) / 127.0f;
        float inverse = d != 0.0f ? 1.0f / d : 0.0f;

        to->d = f16_from_f32(d);
        /* Half away from zero, and from the scale before it was rounded. */
        for (int i = 0; i < 32; i++)
            to->qs[i] = (int8_t)quant_clamp((int)roundf(x[i] * inverse),
                                            -128, 127);
    }
}

const struct weight_format WEIGHT(q8_0) = {
    .dtype = DTYPE_Q8_0, .name = "q8_0", .block_len = 32,
    .expand = expand, .quantize = quantize, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
