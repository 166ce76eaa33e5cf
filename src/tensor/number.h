/* Number formats smaller than f32, to and from it.
 *
 * Widening is exact.  Narrowing rounds to the nearest, ties to even.  The
 * functions work on bit patterns, so results do not depend on the rounding mode
 * or on flush-to-zero. */
#ifndef OSMIA_TENSOR_NUMBER_H
#define OSMIA_TENSOR_NUMBER_H

#include <stdint.h>
#include <string.h>

static inline float f32_from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t f32_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* m * 2^e as f32 bits, for 0 <= m < 2^11 and results that are normal f32 or
 * zero: how the subnormals of the small formats are widened. */
static inline uint32_t f32_bits_scaled(uint32_t m, int e)
{
    if (m == 0)
        return 0;
    while (m < 0x800000u) {
        m <<= 1;
        e--;
    }
    return (uint32_t)(e + 23 + 127) << 23 | (m & 0x7fffffu);
}

static inline float f32_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t e = (h >> 10) & 31u, m = h & 0x3ffu;

    if (e == 0)
        return f32_from_bits(sign | f32_bits_scaled(m, -24));
    if (e == 31) {
        /* A NaN comes out quiet, as the conversion instructions do it. */
        uint32_t quiet = m ? 0x400000u : 0u;
        return f32_from_bits(sign | 0x7f800000u | quiet | m << 13);
    }
    return f32_from_bits(sign | (e + 112) << 23 | m << 13);
}

/* `m` has `drop` bits too many: shift them out, nearest even. */
static inline uint32_t round_off(uint32_t m, unsigned drop)
{
    uint32_t half = 1u << (drop - 1), odd = (m >> drop) & 1u;

    return (m + half - 1 + odd) >> drop;
}

static inline uint16_t f16_from_f32(float x)
{
    uint32_t bits = f32_bits(x), sign = bits >> 16 & 0x8000u;
    uint32_t e = bits >> 23 & 255u, m = bits & 0x7fffffu;

    if (e == 255)
        return (uint16_t)(sign | 0x7c00u | (m ? 0x200u | m >> 13 : 0u));
    if (e > 142)
        return (uint16_t)(sign | 0x7c00u);
    if (e > 112)    /* rounding may carry into the exponent, up to infinity */
        return (uint16_t)(sign | round_off((e - 112) << 23 | m, 13));
    if (e < 102)
        return (uint16_t)sign;
    return (uint16_t)(sign | round_off(m | 0x800000u, 126 - e));
}

static inline float f32_from_bf16(uint16_t h)
{
    return f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t bf16_from_f32(float x)
{
    uint32_t bits = f32_bits(x);

    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* E4M3 without infinities ("fn"): 0x7f and 0xff are NaN, the largest is 448. */
static inline float f32_from_e4m3(uint8_t b)
{
    uint32_t sign = (uint32_t)(b & 0x80u) << 24, e = (b >> 3) & 15u, m = b & 7u;

    if ((b & 0x7fu) == 0x7fu)
        return f32_from_bits(sign | 0x7fc00000u);
    if (e == 0)
        return f32_from_bits(sign | f32_bits_scaled(m, -9));
    return f32_from_bits(sign | (e + 120) << 23 | m << 20);
}

/* E5M2: the upper byte of an f16. */
static inline float f32_from_e5m2(uint8_t b)
{
    return f32_from_f16((uint16_t)(b << 8));
}

/* Half of 2^(b - 127): the scale of mxfp4, whose codes are doubled.  255 is
 * not treated as NaN, as in ggml. */
static inline float f32_from_e8m0_half(uint8_t b)
{
    return f32_from_bits(b < 2 ? 0x00200000u << b : (uint32_t)(b - 1) << 23);
}

/* Half of the unsigned E4M3 of nvfp4.  Bit 7 is ignored, but for one place:
 * 0x7f is zero and 0xff is 480 / 2, as in ggml. */
static inline float f32_from_ue4m3_half(uint8_t b)
{
    uint32_t e = (b >> 3) & 15u, m = b & 7u;

    if (b == 0x7f)
        return 0.0f;
    if (e == 0)
        return f32_from_bits(f32_bits_scaled(m, -10));
    return f32_from_bits((e + 119) << 23 | m << 20);
}

#endif
