/* Pieces of ggml's reference quantisers (ggml-org/ggml, src/ggml-quants.c,
 * the functions ending in _ref).  Bits must equal theirs, so the order of each
 * f32 operation is theirs, and nothing here may be contracted or reordered. */
#ifndef OSMIA_WEIGHTS_QUANTIZE_H
#define OSMIA_WEIGHTS_QUANTIZE_H

#include "tensor/number.h"
#include <math.h>
#include <string.h>

/* v cut to an integer, for v in 0 .. top + 1; anything else, NaN included, goes
 * to the nearer end. */
static inline uint8_t quant_cut(float v, int top)
{
    if (!(v >= 0.0f))
        return 0;
    return (uint8_t)(v < (float)top ? (int)v : top);
}

/* Nearest even integer, for |v| <= 4194303 (else some integer). */
static inline int quant_nearest(float v)
{
    return (int)(f32_bits(v + 12582912.0f) & 0x7fffffu) - 0x400000;
}

static inline int quant_clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* The element of the largest magnitude, with its sign; the first of equals. */
static inline float quant_extreme(const float *x, int n)
{
    float most = 0.0f, amax = 0.0f;

    for (int i = 0; i < n; i++)
        if (amax < fabsf(x[i])) {
            amax = fabsf(x[i]);
            most = x[i];
        }
    return most;
}

static inline void quant_range(float *min, float *max, const float *x, int n)
{
    *min = *max = x[0];
    for (int i = 1; i < n; i++) {
        if (x[i] < *min)
            *min = x[i];
        if (x[i] > *max)
            *max = x[i];
    }
}

/* Fit x = scale * l + min with l in 0 .. nmax, by weighted least squares over
 * several trial scales. */
struct quant_fit {
    int   nmax, n_step;
    float rmin, rdelta;     /* trial k: (rmin + rdelta * k + nmax) / range */
};

/* What a trial gathers: sums of weight times 1, x, l, l * l, l * x. */
struct quant_sums {
    float w, x, l, ll, lx;
};

static inline float quant_error(const float *x, const float *weight,
                                const uint8_t *l, float scale, float min)
{
    float error = 0.0f;

    for (int i = 0; i < 32; i++) {
        float diff = scale * (float)l[i] + min - x[i];
        error += weight[i] * (diff * diff);
    }
    return error;
}

/* A trial: l = (x - min) * iscale. */
struct quant_at {
    const float *x, *weight;
    float min, iscale;
};

/* Codes of one trial and their sums. */
static inline void quant_trial(const struct quant_fit *fit,
                               struct quant_sums *s, uint8_t *l,
                               struct quant_at at)
{
    s->l = s->ll = s->lx = 0.0f;
    for (int i = 0; i < 32; i++) {
        int v = quant_nearest(at.iscale * (at.x[i] - at.min));
        float f;

        l[i] = (uint8_t)quant_clamp(v, 0, fit->nmax);
        f = (float)l[i];
        s->l += at.weight[i] * f;
        s->ll += at.weight[i] * f * f;
        s->lx += at.weight[i] * f * at.x[i];
    }
}

/* 32 values: codes to l, the scale returned, minus the minimum to *minus_min
 * (>= 0). */
static inline float quant_fit32(const struct quant_fit *fit, uint8_t *l,
                                float *minus_min, const float *x,
                                const float *weight)
{
    struct quant_sums s = { .w = weight[0], .x = weight[0] * x[0] };
    float min, max, scale, best;
    uint8_t trial[32];

    quant_range(&min, &max, x, 32);
    for (int i = 1; i < 32; i++) {
        s.w += weight[i];
        s.x += weight[i] * x[i];
    }
    if (min > 0.0f)
        min = 0.0f;
    *minus_min = -min;
    memset(l, 0, 32);
    if (max == min)
        return 0.0f;
    scale = 1.0f / ((float)fit->nmax / (max - min));
    quant_trial(fit, &s, l, (struct quant_at){
        x, weight, min, (float)fit->nmax / (max - min) });
    best = quant_error(x, weight, l, scale, min);
    for (int k = 0; k <= fit->n_step; k++) {
        float d, a, b, error;

        /* The better minimum found so far shifts the next trials. */
        quant_trial(fit, &s, trial, (struct quant_at){
            x, weight, min,
            (fit->rmin + fit->rdelta * (float)k + (float)fit->nmax)
            / (max - min) });
        d = s.w * s.ll - s.l * s.l;
        if (!(d > 0.0f))
            continue;
        a = (s.w * s.lx - s.x * s.l) / d;
        b = (s.ll * s.x - s.l * s.lx) / d;
        if (b > 0.0f) {
            b = 0.0f;
            a = s.lx / s.ll;
        }
        error = quant_error(x, weight, trial, a, b);
        if (error < best) {
            memcpy(l, trial, sizeof trial);
            best = error;
            scale = a;
            min = b;
        }
    }
    *minus_min = -min;
    return scale;
}

/* A super-block of 256 with scales and minima for 32 (q4_k, q5_k). */
struct quant_super {
    uint16_t d, dmin;
    uint8_t  scale[8], min[8];      /* 6 bits */
    uint8_t  code[256];
};

/* 6-bit versions of eight values >= 0; returns what one step is worth. */
static inline float quant_six_bits(uint8_t *to, const float *from)
{
    float most = 0.0f, inverse;

    for (int j = 0; j < 8; j++)
        if (from[j] > most)
            most = from[j];
    inverse = most > 0.0f ? 63.0f / most : 0.0f;
    for (int j = 0; j < 8; j++) {
        /* ggml narrows to a byte first and takes the minimum after. */
        uint8_t v = (uint8_t)quant_nearest(inverse * from[j]);
        to[j] = v < 63 ? v : 63;
    }
    return most / 63.0f;
}

static inline void quant_super256(const struct quant_fit *fit,
                                  struct quant_super *out, const float *x)
{
    float scale[8], min[8], weight[32];

    for (int j = 0; j < 8; j++) {
        float sum = 0.0f, average;

        for (int i = 0; i < 32; i++)
            sum += x[32 * j + i] * x[32 * j + i];
        average = sqrtf(sum / 32.0f);
        for (int i = 0; i < 32; i++)
            weight[i] = average + fabsf(x[32 * j + i]);
        scale[j] = quant_fit32(fit, out->code + 32 * j, &min[j], x + 32 * j,
                               weight);
    }
    out->d = f16_from_f32(quant_six_bits(out->scale, scale));
    out->dmin = f16_from_f32(quant_six_bits(out->min, min));
    for (int j = 0; j < 8; j++) {
        float d = f32_from_f16(out->d) * (float)out->scale[j];
        float m = f32_from_f16(out->dmin) * (float)out->min[j];

        for (int i = 32 * j; i < 32 * j + 32 && d != 0.0f; i++)
            out->code[i] = (uint8_t)quant_clamp(quant_nearest((x[i] + m) / d),
                                                0, fit->nmax);
    }
}

#endif
