/* Our own exp and tanh over lanes, f32: every instruction set computes the same
 * operations, so the bits do not depend on a C library.  Included after a
 * SIMD_HEADER.
 *
 * Reference: Cephes (Moshier), expf and tanhf: coefficients and reduction. */
#ifndef OSMIA_TENSOR_MATH_H
#define OSMIA_TENSOR_MATH_H

#include "tensor/simd.h"
#include <math.h>

/* 2^n for -252 <= n <= 254, in two factors: 2^128 alone is no f32. */
static inline vf vf_scale2(vf x, vi n)
{
    vi bias = vi_set1(127), half = vi_sra(n, 1);
    vf a = vi_bits(vi_shl(vi_add(half, bias), 23));
    vf b = vi_bits(vi_shl(vi_add(vi_sub(n, half), bias), 23));

    return vf_mul(vf_mul(x, a), b);
}

/* e^x, about 1 ulp; 0 below -87.33 (where the result would be denormal),
 * infinity above 88.72, NaN of NaN. */
static inline vf vf_exp(vf x)
{
    static const float c[] = { 1.3981999507e-3f, 8.3334519073e-3f,
                               4.1665795894e-2f, 1.6666665459e-1f,
                               5.0000001201e-1f };
    vf least = vf_set1(-87.33f), most = vf_set1(88.72f);
    /* Clamped for the exponent only: a NaN must stay in x. */
    vf t = vf_min(vf_max(x, least), most);
    vi n = vf_round(vf_mul(t, vf_set1(1.4426950408889634f)));
    vf f = vf_from(n);
    vf r = vf_fma(f, vf_set1(-0.693359375f), x);
    r = vf_fma(f, vf_set1(2.12194440e-4f), r);
    vf p = vf_set1(1.9875691500e-4f);

    for (int i = 0; i < 5; i++)
        p = vf_fma(p, r, vf_set1(c[i]));
    p = vf_fma(p, vf_mul(r, r), vf_add(r, vf_set1(1.0f)));
    p = vf_scale2(p, n);
    p = vf_lt(x, least, vf_set1(0.0f), p);
    return vf_lt(most, x, vf_set1(INFINITY), p);
}

/* tanh x, about 2 ulp; odd to the bit; NaN of NaN. */
static inline vf vf_tanh(vf x)
{
    static const float c[] = { 2.06390887954e-2f, -5.37397155531e-2f,
                               1.33314422036e-1f, -3.33332819422e-1f };
    vi sign = vi_and(vf_bits(x), vi_set1((int32_t)0x80000000u));
    vf a = vi_bits(vi_xor(vf_bits(x), sign)), one = vf_set1(1.0f);

    vf z = vf_mul(a, a), p = vf_set1(-5.70498872745e-3f);
    for (int i = 0; i < 4; i++)
        p = vf_fma(p, z, vf_set1(c[i]));
    vf near = vf_fma(vf_mul(p, z), a, a);

    vf e = vf_exp(vf_add(a, a));
    vf far = vf_sub(one, vf_div(vf_set1(2.0f), vf_add(e, one)));
    vf y = vf_lt(a, vf_set1(0.625f), near, far);
    return vi_bits(vi_or(vf_bits(y), sign));
}

#endif
