/* A stretch of packed weights unpacked to bytes, for many tokens. */
#ifndef OSMIA_WEIGHTS_INT_SLAB_H
#define OSMIA_WEIGHTS_INT_SLAB_H

#include "weights/tile.h"

enum { SLAB_GROUPS = 2, SLAB_BLOCKS = 16 };

/* 24 KB: stays in the first-level cache while the tokens pass by. */
struct int_slab {
    uint8_t code[SLAB_BLOCKS][8][SLAB_GROUPS][64];      /* chunks, int_tile.h */
    float   scale[SLAB_BLOCKS][2][SLAB_GROUPS][WEIGHT_GROUP];
    float   min[SLAB_BLOCKS][2][SLAB_GROUPS][WEIGHT_GROUP];
};

/* The vectors of rows from v0 on, in sub-block h of block b. */
struct slab_place {
    int v0, b, h;
};

/* Which rows and inner blocks the slab holds. */
struct slab_span {
    const struct int_slab *slab;
    size_t row, n_rows;         /* rows that exist, at most 32 */
    size_t block;               /* its first block of 32; 0: y starts from 0 */
    int    n_block;
    size_t n_cols;              /* of the whole row */
    int    bias_factor;         /* times activation sums: where dots start */
};

/* X(name, values under one scale, minimum, bits of the operand) */
#define SLAB_KINDS(X)                                                        \
    X(S32_4,  32, false, 4)                                                  \
    X(S32_5,  32, false, 5)                                                  \
    X(S32_8,  32, false, 8)                                                  \
    X(S32M_4, 32, true,  4)                                                  \
    X(S32M_5, 32, true,  5)                                                  \
    X(S16_6,  16, false, 6)                                                  \
    X(S16M_4, 16, true,  4)

enum slab_kind {
#define X(name, sub, min, bits) SLAB_##name,
    SLAB_KINDS(X)
#undef X
    SLAB_KIND_COUNT
};

/* The plainest kind that holds such operands. */
static inline enum slab_kind slab_kind(int sub, bool min, int bits)
{
#define X(name, s, m, b)                                                     \
    if (sub == s && min == m && bits <= b)                                   \
        return SLAB_##name;
    SLAB_KINDS(X)
#undef X
    return SLAB_KIND_COUNT;
}

/* y[t][row ..] += slab * token t, for all tokens of the job. */
void WEIGHT(slab_mul)(const struct slab_span *span, enum slab_kind kind,
                      const struct mul_job *job);

#endif
