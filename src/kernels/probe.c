/* Loops that do nothing but what bounds the real kernels: the arithmetic of
 * their register tiles on operands in the first-level cache, and reading.
 *
 * The tiles are those of the products, loads included, so that a limit is one
 * that a product could reach.  Operands come from memory in every step: from
 * constants the compiler would compute the products once. */
#include "kernels/kernel.h"

enum {
    STEP_SIZE = 256,        /* operands of a step: vectors and broadcasts */
    STEPS = 32,             /* of a pass */
    STREAMS = 4             /* that the reading loop walks in step */
};

/* A float of the accumulators, so that nothing is left out. */
static float first_of(vf a)
{
    float lane[SIMD_N];

    vf_store(lane, a);
    return lane[0];
}

static uint64_t int8_passes(const uint8_t *at, size_t n, float *sink)
{
    vi  sum[SIMD_TILE_V][SIMD_TILE_T], all = vi_set1(0);
    int steps = SIMD_STEPS(4);

    for (int v = 0; v < SIMD_TILE_V; v++)
        for (int t = 0; t < SIMD_TILE_T; t++)
            sum[v][t] = vi_set1(0);
    for (size_t i = 0; i < n * (size_t)(STEPS / steps); i++) {
        const uint8_t *p = at + i * (size_t)steps % STEPS * STEP_SIZE;
        vd d[SIMD_TILE_V][SIMD_TILE_T];

        for (int v = 0; v < SIMD_TILE_V; v++)
            for (int t = 0; t < SIMD_TILE_T; t++)
                d[v][t] = vd_start(0);
        for (int k = 0; k < steps; k++, p += STEP_SIZE)
            for (int t = 0; t < SIMD_TILE_T; t++) {
                vi x = vi_load_quad(p + 4 * t);
                for (int v = 0; v < SIMD_TILE_V; v++)
                    d[v][t] = vd_step(d[v][t], vi_load(p + v * SIMD_N * 4), x);
            }
        for (int v = 0; v < SIMD_TILE_V; v++)
            for (int t = 0; t < SIMD_TILE_T; t++)
                sum[v][t] = vi_add(sum[v][t], vd_sum(d[v][t], 0));
    }
    for (int v = 0; v < SIMD_TILE_V; v++)
        for (int t = 0; t < SIMD_TILE_T; t++)
            all = vi_add(all, sum[v][t]);
    *sink += first_of(vf_from(all));
    return (uint64_t)2 * 4 * SIMD_N * STEPS * SIMD_TILE_V * SIMD_TILE_T * n;
}

/* bf16: pairs, where the set has their dot product. */
static inline uint64_t float_passes(const uint8_t *at, size_t n, float *sink,
                                    bool bf16)
{
    vf sum[SIMD_FTILE_V][SIMD_FTILE_T], all = vf_set1(0.0f);

    for (int v = 0; v < SIMD_FTILE_V; v++)
        for (int t = 0; t < SIMD_FTILE_T; t++)
            sum[v][t] = vf_set1(0.0f);
    for (size_t i = 0; i < n * STEPS; i++) {
        const uint8_t *p = at + i % STEPS * STEP_SIZE;
        for (int t = 0; t < SIMD_FTILE_T; t++) {
            vi x = vi_load_quad(p + 4 * t);
            for (int v = 0; v < SIMD_FTILE_V; v++) {
                const uint8_t *w = p + v * SIMD_N * 4;
                sum[v][t] = bf16
                    ? vf_dot_bf16(sum[v][t], vi_load(w), x)
                    : vf_fma(vf_load(w), vi_bits(x), sum[v][t]);
            }
        }
    }
    for (int v = 0; v < SIMD_FTILE_V; v++)
        for (int t = 0; t < SIMD_FTILE_T; t++)
            all = vf_add(all, sum[v][t]);
    *sink += first_of(all);
    return (uint64_t)(bf16 ? 4 : 2) * SIMD_N * STEPS * SIMD_FTILE_V
           * SIMD_FTILE_T * n;
}

static uint64_t read_pass(const uint8_t *at, size_t size, float *sink)
{
    size_t part = size / STREAMS / 64 * 64;
    vi     sum[STREAMS];

    for (int s = 0; s < STREAMS; s++)
        sum[s] = vi_set1(0);
    for (size_t i = 0; i < part; i += 64)
        for (int s = 0; s < STREAMS; s++)
            for (int k = 0; k < 64; k += SIMD_N * 4)
                sum[s] = vi_xor(sum[s],
                                vi_load(at + (size_t)s * part + i + k));
    for (int s = 1; s < STREAMS; s++)
        sum[0] = vi_xor(sum[0], sum[s]);
    *sink += first_of(vf_from(sum[0]));
    return part * STREAMS;
}

uint64_t KERNEL(probe)(enum probe kind, const void *at, size_t n, float *sink)
{
    switch (kind) {
    case PROBE_READ:
        return read_pass(at, n, sink);
    case PROBE_INT8:
        return int8_passes(at, n, sink);
    case PROBE_F32:
        return float_passes(at, n, sink, false);
    default:
        return SIMD_BF16 ? float_passes(at, n, sink, true) : 0;
    }
}
