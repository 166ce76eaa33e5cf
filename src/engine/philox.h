/* Random numbers by counting: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011).  Block number c of
 * key k is a function of (c, k) alone, so that no state has to be kept, copied
 * on a fork or rebuilt after a pause. */
#ifndef OSMIA_ENGINE_PHILOX_H
#define OSMIA_ENGINE_PHILOX_H

#include <stdint.h>

struct philox {
    uint32_t word[4];
};

static inline struct philox philox_round(struct philox c, uint32_t k0,
                                         uint32_t k1)
{
    uint64_t a = (uint64_t)0xD2511F53 * c.word[0];
    uint64_t b = (uint64_t)0xCD9E8D57 * c.word[2];
    return (struct philox){ { (uint32_t)(b >> 32) ^ c.word[1] ^ k0, (uint32_t)b,
                              (uint32_t)(a >> 32) ^ c.word[3] ^ k1,
                              (uint32_t)a } };
}

/* Encrypt the counter `c` with the key (k0, k1). */
static inline struct philox philox4x32(struct philox c, uint32_t k0,
                                       uint32_t k1)
{
    for (int i = 0; i < 10; i++) {
        c = philox_round(c, k0, k1);
        k0 += 0x9E3779B9;       /* the golden ratio */
        k1 += 0xBB67AE85;       /* the square root of 3, minus 1 */
    }
    return c;
}

#endif
