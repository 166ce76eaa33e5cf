/* f16: half precision.
 *
 * Activations stay f32: rounded to f16 they would lose range, and an infinite
 * activation is worse than a slower product. */
#include "weights/float_tile.h"

static void expand(float *y, const void *x, size_t n)
{
    const char *at = x;

    for (; n >= SIMD_N; n -= SIMD_N, y += SIMD_N, at += 2 * SIMD_N)
        vf_store(y, vf_load_f16(at));
    for (; n > 0; n--, at += 2) {
        uint16_t h;
        memcpy(&h, at, sizeof h);
        *y++ = f32_from_f16(h);
    }
}

static void quantize(void *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t h = f16_from_f32(x[i]);
        memcpy((char *)y + 2 * i, &h, sizeof h);
    }
}

static void pack(void *group, const struct weight_rows *rows)
{
    float_pack(FLOAT_F16, group, rows);
}

static size_t group_size(size_t n_cols)
{
    return float_group_size(FLOAT_F16, n_cols);
}

static void mul(const struct weight_view *w, const struct mul_job *job)
{
    float_mul(FLOAT_F16, w, job);
}

const struct weight_format WEIGHT(f16) = {
    .dtype = DTYPE_F16, .name = "f16", .block_len = 1,
    .expand = expand, .quantize = quantize, .act = ACT_F32,
    .group_size = group_size, .pack = pack, .mul = mul,
};
