/* Operations on single rows of activations: norms, rotation, gates. */
#include "kernels/kernel.h"

#include "tensor/math.h"
#include <math.h>
#include <string.h>

/* ---- norms ---- */

/* Sum of (x[i] - mean)^2 in 16 partial sums. */
static float sum_squares(const float *x, size_t n, float mean)
{
    vf s[SIMD_PARTS], m = vf_set1(mean);

    for (int p = 0; p < SIMD_PARTS; p++)
        s[p] = vf_set1(0.0f);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int p = 0; p < SIMD_PARTS; p++) {
            vf d = vf_sub(vf_load(x + i + p * SIMD_N), m);
            s[p] = vf_fma(d, d, s[p]);
        }
    if (i < n) {
        float tail[16];
        for (size_t k = 0; k < 16; k++)
            tail[k] = i + k < n ? x[i + k] : mean;
        for (int p = 0; p < SIMD_PARTS; p++) {
            vf d = vf_sub(vf_load(tail + p * SIMD_N), m);
            s[p] = vf_fma(d, d, s[p]);
        }
    }
    return simd_sum16(s);
}

static float sum(const float *x, size_t n)
{
    vf s[SIMD_PARTS];

    for (int p = 0; p < SIMD_PARTS; p++)
        s[p] = vf_set1(0.0f);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int p = 0; p < SIMD_PARTS; p++)
            s[p] = vf_add(s[p], vf_load(x + i + p * SIMD_N));
    if (i < n) {
        float tail[16] = { 0.0f };
        memcpy(tail, x + i, (n - i) * sizeof *x);
        for (int p = 0; p < SIMD_PARTS; p++)
            s[p] = vf_add(s[p], vf_load(tail + p * SIMD_N));
    }
    return simd_sum16(s);
}

/* The order is the reference's: centre, times 1 / deviation, times weight. */
void KERNEL(norm)(float *y, const float *x, size_t n, const struct norm_args *a)
{
    float mean = a->centre ? sum(x, n) / (float)n : 0.0f;
    float variance = sum_squares(x, n, mean) / (float)n;
    float inverse = 1.0f / sqrtf(variance + a->eps);

    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * inverse;
    if (a->weight != NULL)
        for (size_t i = 0; i < n; i++)
            y[i] *= a->weight[i];
    if (a->bias != NULL)
        for (size_t i = 0; i < n; i++)
            y[i] += a->bias[i];
}

/* ---- rotation ---- */

/* Plain multiplications, not fused: both elements of a pair are rounded alike,
 * as in the reference. */
static void rotate_halves(float *x, const float *c, const float *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float a = x[i], b = x[i + n];
        x[i] = a * c[i] - b * s[i];
        x[i + n] = b * c[i] + a * s[i];
    }
}

static void rotate_neighbours(float *x, const float *c, const float *s,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * c[i] - b * s[i];
        x[2 * i + 1] = b * c[i] + a * s[i];
    }
}

void KERNEL(rope)(float *x, size_t n_heads, size_t width,
                  const struct rope_args *a)
{
    const float *c = a->cos_sin, *s = c + a->n_pairs;

    for (size_t h = 0; h < n_heads; h++, x += width)
        if (a->pairing == ROPE_HALVES)
            rotate_halves(x, c, s, a->n_pairs);
        else
            rotate_neighbours(x, c, s, a->n_pairs);
}

/* ---- gates ---- */

static vf silu(vf x)
{
    vf one = vf_set1(1.0f);
    return vf_div(x, vf_add(one, vf_exp(vf_sub(vf_set1(0.0f), x))));
}

static vf gelu_tanh(vf x)
{
    vf cube = vf_mul(vf_mul(x, x), x);
    vf inner = vf_mul(vf_set1(0.7978845608028654f),
                      vf_fma(vf_set1(0.044715f), cube, x));
    vf half = vf_mul(vf_set1(0.5f), x);
    return vf_fma(half, vf_tanh(inner), half);
}

/* erf of libm in f64: the exact form is rare, and its bits must not depend on
 * the instruction set. */
static vf gelu_exact(vf x)
{
    float a[SIMD_N];

    vf_store(a, x);
    for (int i = 0; i < SIMD_N; i++)
        a[i] = (float)(0.5 * a[i] * (1.0 + erf(a[i] * 0.7071067811865476)));
    return vf_load(a);
}

static vf activate(vf x, enum activation kind)
{
    switch (kind) {
    case ACTIVATION_SILU:      return silu(x);
    case ACTIVATION_GELU_TANH: return gelu_tanh(x);
    default:                   return gelu_exact(x);
    }
}

void KERNEL(gate)(float *g, const float *u, size_t n, enum activation kind)
{
    vf     one = vf_set1(1.0f);
    size_t i = 0;

    for (; i + SIMD_N <= n; i += SIMD_N)
        vf_store(g + i, vf_mul(activate(vf_load(g + i), kind),
                               u == NULL ? one : vf_load(u + i)));
    if (i == n)
        return;
    float a[SIMD_N] = { 0.0f }, b[SIMD_N] = { 0.0f };
    memcpy(a, g + i, (n - i) * sizeof *a);
    for (size_t k = i; k < n; k++)
        b[k - i] = u == NULL ? 1.0f : u[k];
    vf_store(a, vf_mul(activate(vf_load(a), kind), vf_load(b)));
    memcpy(g + i, a, (n - i) * sizeof *a);
}

/* ---- the rest ---- */

void KERNEL(add)(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* Two roundings, as where the product is a tensor of its own. */
void KERNEL(add_scaled)(float *y, const float *x, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += s * x[i];
}

void KERNEL(scale)(float *y, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= s;
}

void KERNEL(softcap)(float *y, float c, size_t n)
{
    vf     cap = vf_set1(c);
    float  a[SIMD_N] = { 0.0f };
    size_t i = 0;

    for (; i + SIMD_N <= n; i += SIMD_N)
        vf_store(y + i, vf_mul(cap, vf_tanh(vf_div(vf_load(y + i), cap))));
    if (i == n)
        return;
    memcpy(a, y + i, (n - i) * sizeof *a);
    vf_store(a, vf_mul(cap, vf_tanh(vf_div(vf_load(a), cap))));
    memcpy(y + i, a, (n - i) * sizeof *a);
}
