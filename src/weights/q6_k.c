/* 6 bits, 8-bit scales for 16 under an f16 one for 256:
 * d * sc * (code - 32). */
#include "weights/int_mul.h"

struct block {
    uint8_t  ql[128];    /* low four bits */
    uint8_t  qh[64];     /* high two */
    int8_t   scales[16];
    uint16_t d;
};
static_assert(sizeof(struct block) == 210, "as in the file");

static void read(struct int_block *out, const void *row, size_t b)
{
    const struct block *x = (const struct block *)row + b / 8;
    size_t j = b % 8;
    size_t c = j / 4, k = j % 4;        /* half of the block, quarter of it */

    memcpy(&out->scale, &x->d, 2);
    memcpy(out->sub_scale, x->scales + 2 * j, 2);
    for (size_t l = 0; l < 32; l++) {
        unsigned low = x->ql[64 * c + 32 * (k & 1) + l] >> k / 2 * 4 & 15u;
        unsigned high = x->qh[32 * c + l] >> 2 * k & 3u;
        out->code[l] = (uint8_t)(low | high << 4);
    }
}

static const struct int_format format = {
    .shape = { .bits = 6, .zero = 32, .sub = 16, .head = 8 },
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

const struct weight_format WEIGHT(q6_k) = {
    .dtype = DTYPE_Q6_K, .name = "q6_k", .block_len = 256,
    .expand = expand, .act = ACT_INT8,
    .group_size = group_size, .pack = pack, .mul = mul,
};
