/* The 12 bytes in which q4_k and q5_k keep eight 6-bit scales and minima. */
#ifndef OSMIA_WEIGHTS_K_SCALES_H
#define OSMIA_WEIGHTS_K_SCALES_H

#include <stddef.h>
#include <stdint.h>

static inline unsigned k_scale(const uint8_t s[12], size_t j)
{
    return j < 4 ? s[j] & 63u
                 : (s[j + 4] & 15u) | (unsigned)(s[j - 4] >> 6) << 4;
}

static inline unsigned k_min(const uint8_t s[12], size_t j)
{
    return j < 4 ? s[j + 4] & 63u
                 : (unsigned)(s[j + 4] >> 4) | (unsigned)(s[j] >> 6) << 4;
}

/* The bytes of which the two above read sc and m (each below 64). */
static inline void k_scales_put(uint8_t s[12], const uint8_t sc[8],
                                const uint8_t m[8])
{
    for (size_t j = 0; j < 4; j++) {
        s[j] = (uint8_t)(sc[j] | sc[j + 4] >> 4 << 6);
        s[j + 4] = (uint8_t)(m[j] | m[j + 4] >> 4 << 6);
        s[j + 8] = (uint8_t)((sc[j + 4] & 15u) | (m[j + 4] & 15u) << 4);
    }
}

#endif
