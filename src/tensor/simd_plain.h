/* The lane operations in plain C, for any SIMD_N; simd_scalar.h and
 * simd_emu16.h set it.  These are also the definition of what the other sets
 * must compute. */
#ifndef OSMIA_TENSOR_SIMD_PLAIN_H
#define OSMIA_TENSOR_SIMD_PLAIN_H

#include "tensor/number.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct { float v[SIMD_N]; } vf;
typedef struct { uint32_t v[SIMD_N]; } vi;
typedef vi vd;

static inline vf vf_set1(float a)
{
    vf r;
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = a;
    return r;
}

static inline vf vf_load(const void *p)
{
    vf r;
    memcpy(r.v, p, sizeof r.v);
    return r;
}

static inline void vf_store(void *p, vf a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline vf vf_load_f16(const void *p)
{
    uint16_t h[SIMD_N];
    vf r;
    memcpy(h, p, sizeof h);
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = f32_from_f16(h[i]);
    return r;
}

static inline vf vf_load_bf16(const void *p)
{
    uint16_t h[SIMD_N];
    vf r;
    memcpy(h, p, sizeof h);
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = f32_from_bf16(h[i]);
    return r;
}

static inline vf vf_add(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] += b.v[i];
    return a;
}

static inline vf vf_sub(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] -= b.v[i];
    return a;
}

static inline vf vf_mul(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] *= b.v[i];
    return a;
}

static inline vf vf_div(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] /= b.v[i];
    return a;
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    for (int i = 0; i < SIMD_N; i++)
        c.v[i] = fmaf(a.v[i], b.v[i], c.v[i]);
    return c;
}

static inline vf vf_max(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        b.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return b;
}

static inline vf vf_min(vf a, vf b)
{
    for (int i = 0; i < SIMD_N; i++)
        b.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
    return b;
}

static inline vf vf_lt(vf a, vf b, vf x, vf y)
{
    for (int i = 0; i < SIMD_N; i++)
        y.v[i] = a.v[i] < b.v[i] ? x.v[i] : y.v[i];
    return y;
}

static inline vi vf_bits(vf a)
{
    vi r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
}

static inline vf vi_bits(vi a)
{
    vf r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
}

/* Adding 1.5 * 2^23 leaves the rounded integer in the low mantissa bits. */
static inline vi vf_round(vf a)
{
    vi r = vf_bits(vf_add(a, vf_set1(12582912.0f)));
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] -= 0x4b400000u;
    return r;
}

static inline vf vf_from(vi a)
{
    vf r;
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = (float)(int32_t)a.v[i];
    return r;
}

static inline vi vi_set1(int32_t a)
{
    vi r;
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = (uint32_t)a;
    return r;
}

static inline vi vi_load(const void *p)
{
    vi r;
    memcpy(r.v, p, sizeof r.v);
    return r;
}

static inline void vi_store(void *p, vi a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline vi vi_load_quad(const void *p)
{
    uint32_t quad;
    memcpy(&quad, p, sizeof quad);
    return vi_set1((int32_t)quad);
}

static inline vi vi_load_i8(const void *p)
{
    const int8_t *b = p;
    vi r;
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = (uint32_t)(int32_t)b[i];
    return r;
}

static inline vi vi_load_u8(const void *p)
{
    const uint8_t *b = p;
    vi r;
    for (int i = 0; i < SIMD_N; i++)
        r.v[i] = b[i];
    return r;
}

static inline vi vi_add(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] += b.v[i];
    return a;
}

static inline vi vi_sub(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] -= b.v[i];
    return a;
}

static inline vi vi_mul(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] *= b.v[i];
    return a;
}

static inline vi vi_and(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] &= b.v[i];
    return a;
}

static inline vi vi_or(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] |= b.v[i];
    return a;
}

static inline vi vi_xor(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] ^= b.v[i];
    return a;
}

static inline vi vi_shl(vi a, int n)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] <<= n;
    return a;
}

static inline vi vi_shr(vi a, int n)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] >>= n;
    return a;
}

static inline vi vi_sra(vi a, int n)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] = (uint32_t)((int32_t)a.v[i] >> n);
    return a;
}

static inline vi vi_umax(vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++)
        a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
}

static inline uint32_t vi_most(vi a)
{
    uint32_t most = 0;

    for (int i = 0; i < SIMD_N; i++)
        most = a.v[i] > most ? a.v[i] : most;
    return most;
}

static inline void vi_store_i8(void *p, vi a)
{
    int8_t *b = p;

    for (int i = 0; i < SIMD_N; i++)
        b[i] = (int8_t)a.v[i];
}

static inline vi vi_lookup(const int8_t *table, vi a)
{
    for (int i = 0; i < SIMD_N; i++) {
        uint32_t r = 0;
        for (int k = 0; k < 32; k += 8)
            r |= (uint32_t)(uint8_t)table[(a.v[i] >> k) & 15] << k;
        a.v[i] = r;
    }
    return a;
}

enum { SIMD_FLIP8 = PLAIN_FLIP8, SIMD_BF16 = PLAIN_BF16 };
enum { SIMD_TILE_V = 2, SIMD_TILE_T = 3, SIMD_DIRECT_T = 3 };
enum { SIMD_FTILE_V = 4, SIMD_FTILE_T = 3 };

static inline int SIMD_STEPS(int bits)
{
    (void)bits;
    return 8;
}

static inline vd vd_start(int32_t bias)
{
    return vi_set1(bias);
}

static inline vi vd_sum(vd d, int32_t bias)
{
    (void)bias;
    return d;
}

static inline vd vd_step(vd d, vi u, vi s)
{
    for (int i = 0; i < SIMD_N; i++)
        for (int k = 0; k < 32; k += 8)
            d.v[i] += (uint32_t)((int32_t)((u.v[i] >> k) & 255)
                                 * (int8_t)(s.v[i] >> k));
    return d;
}

/* With a flip the bytes are unsigned, without they are the weights. */
static inline vd vd_step8(vd d, vi w, vi s)
{
    if (SIMD_FLIP8 != 0)
        return vd_step(d, w, s);
    for (int i = 0; i < SIMD_N; i++)
        for (int k = 0; k < 32; k += 8)
            d.v[i] += (uint32_t)((int8_t)(w.v[i] >> k)
                                 * (int8_t)(s.v[i] >> k));
    return d;
}

static inline vf vf_dot_bf16(vf acc, vi a, vi b)
{
    for (int i = 0; i < SIMD_N; i++) {
        float lo = f32_from_bf16((uint16_t)a.v[i]);
        float hi = f32_from_bf16((uint16_t)(a.v[i] >> 16));
        acc.v[i] = fmaf(lo, f32_from_bf16((uint16_t)b.v[i]), acc.v[i]);
        acc.v[i] = fmaf(hi, f32_from_bf16((uint16_t)(b.v[i] >> 16)), acc.v[i]);
    }
    return acc;
}

#endif
