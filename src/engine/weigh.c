#include "engine/weigh.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* exp(x) for x <= 0, without a branch, so that sixteen of them become vectors.
 * x = n ln 2 + r; exp(r) by its series to r^6 (|r| <= ln 2 / 2 leaves an error
 * of 1e-8); times 2^n through the exponent's bits.  Below -87 the result would
 * be denormal: it is 0. */
static inline float exp_down(float x)
{
    float in = x > -87.0f ? x : -87.0f;
    float n = (in * 1.44269504f + 12582912.0f) - 12582912.0f;   /* round */
    float r = (in - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f + r * (1.0f + r * (0.5f + r * (1.66666667e-1f
              + r * (4.16666667e-2f + r * (8.33333333e-3f
              + r * 1.38888889e-3f)))));
    union { int32_t i; float f; } scale = { ((int32_t)n + 127) << 23 };
    return p * scale.f * (x > -87.0f ? 1.0f : 0.0f);   /* a select, no branch */
}

/* Sixteen sums side by side, added in their order at the end: the same bits
 * from every compiler and every width of vectors. */
float weigh_block(float *restrict w, const float *restrict l, float top,
                  float temperature)
{
    float sum[WEIGH_LANES] = { 0 };
    float total = 0, scale = 1 / temperature;
    for (size_t i = 0; i < WEIGH_BLOCK; i++)
        w[i] = exp_down((l[i] - top) * scale);
    for (size_t i = 0; i < WEIGH_BLOCK; i += WEIGH_LANES)
        for (size_t j = 0; j < WEIGH_LANES; j++)
            sum[j] += w[i + j];
    for (size_t j = 0; j < WEIGH_LANES; j++)
        total += sum[j];
    return total;
}

/* Sixteen maxima side by side, for the same reason: a single one would be a
 * chain of comparisons, each waiting for the last. */
float weigh_max(const float *l, size_t n)
{
    float best[WEIGH_LANES];
    memcpy(best, l, sizeof best);
    for (size_t i = WEIGH_LANES; i < n; i += WEIGH_LANES)
        for (size_t j = 0; j < WEIGH_LANES; j++)
            best[j] = l[i + j] > best[j] ? l[i + j] : best[j];
    float top = best[0];
    for (size_t j = 1; j < WEIGH_LANES; j++)
        top = best[j] > top ? best[j] : top;
    return top;
}

/* By bits, not with isfinite: an exponent of all ones, ORed together. */
bool weigh_finite(const float *l, size_t n)
{
    uint32_t bad[WEIGH_LANES] = { 0 };
    size_t i = 0;
    for (; i + WEIGH_LANES <= n; i += WEIGH_LANES) {
        uint32_t bits[WEIGH_LANES];
        memcpy(bits, l + i, sizeof bits);
        for (size_t j = 0; j < WEIGH_LANES; j++)
            bad[j] |= (bits[j] & 0x7F800000) == 0x7F800000 ? 1u : 0u;
    }
    uint32_t any = 0;
    for (size_t j = 0; j < WEIGH_LANES; j++)
        any |= bad[j];
    for (; i < n; i++)
        any |= isfinite(l[i]) ? 0u : 1u;
    return any == 0;
}
