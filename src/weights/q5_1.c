/* 5 bits, scale and minimum for 32: d * code + m. */
#include "weights/int_mul.h"

struct block {
    uint16_t d, m;
    uint8_t  qh[4];      /* fifth bit of value i in bit i */
    uint8_t  qs[16];     /* values i in low, i + 16 in high nibbles */
};
static_assert(sizeof(struct block) == 24, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b;

    memcpy(&out->scale, &x->d, 2);
    memcpy(&out->min, &x->m, 2);
    for (int i = 0; i < 16; i++) {
        unsigned lo = x->qh[i / 8] >> i % 8 & 1u;
        unsigned hi = x->qh[2 + i / 8] >> i % 8 & 1u;
        out->code[i] = (uint8_t)((x->qs[i] & 15u) | lo << 4);
        out->code[i + 16] = (uint8_t)(x->qs[i] >> 4 | hi << 4);
    }
}

static const struct int_format format = {
    .shape = { .bits = 5, .sub = 32, .head = 1, .min = true },
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

const struct weight_format WEIGHT(q5_1) = {
    .dtype = DTYPE_Q5_1, .name = "q5_1", .block_len = 32,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
