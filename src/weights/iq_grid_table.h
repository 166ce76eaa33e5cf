/* The codebooks of the iq1, iq2 and iq3 formats, and how signs are stored. */
#ifndef OSMIA_WEIGHTS_IQ_GRID_TABLE_H
#define OSMIA_WEIGHTS_IQ_GRID_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Vectors of 8 digits of 2 bits ... */
extern const uint16_t iq_g2xxs[256];
extern const uint16_t iq_g2xs[512];
extern const uint16_t iq_g2s[1024];
extern const uint16_t iq_g1s[2048];
/* ... and of 4 digits of 3 bits. */
extern const uint16_t iq_g3xxs[256];
extern const uint16_t iq_g3s[512];

/* Seven stored signs; the eighth makes their number even. */
static inline unsigned iq_signs7(unsigned s)
{
    unsigned parity = s ^ s >> 4;

    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return s | (parity & 1u) << 7;
}

/* y = d * magnitude with sign, for the 8 digits of one iq2 vector.  Digits 0, 1
 * and 2 stand for 8, 25 and 43. */
static inline void iq2_expand8(float *y, float d, uint16_t code, unsigned signs)
{
    static const float magnitude[4] = { 8, 25, 43, 0 };

    for (int e = 0; e < 8; e++) {
        float v = d * magnitude[code >> 2 * e & 3];
        y[e] = signs >> e & 1u ? -v : v;
    }
}

/* The same for two vectors of 4 digits of an iq3 format. */
static inline void iq3_expand8(float *y, float d, const float magnitude[8],
                               const uint16_t code[2], unsigned signs)
{
    for (int e = 0; e < 8; e++) {
        float v = d * magnitude[code[e / 4] >> 3 * (e % 4) & 7];
        y[e] = signs >> e & 1u ? -v : v;
    }
}

/* y = d * (digit - 1 + delta), for one vector of an iq1 format. */
static inline void iq1_expand8(float *y, float d, uint16_t code, float delta)
{
    for (int e = 0; e < 8; e++)
        y[e] = d * ((float)((code >> 2 * e & 3) - 1) + delta);
}

#endif
