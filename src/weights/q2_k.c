/* 2 bits, 4-bit scales and minima for 16 under f16 ones for 256:
 * d * sc * code - dmin * m. */
#include "weights/int_mul.h"

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

static void expand(float *y, const void *x, size_t n)
{
    int_expand(&format, y, x, n);
}

static void pack(void *group, const struct weight_rows *rows)
{
    int_pack(&format, group, rows);
}

static size_t group_size(size_t n_cols)
{
    return int_group_size(&format.shape, n_cols);
}

static void mul(const struct weight_view *w, const struct mul_job *job)
{
    int_mul(&format.shape, w, job);
}

const struct weight_format WEIGHT(q2_k) = {
    .dtype = DTYPE_Q2_K, .name = "q2_k", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
