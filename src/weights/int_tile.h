/* Packed tiles of block formats whose codes are small integers.
 *
 * A format says its shape and how one block of 32 values is read from the file;
 * everything else (expand, pack, the products) is here and in int_mul.h, once.
 *
 * A group holds 16 rows.  It is a row of stretches of `head` blocks of 32:
 *
 *   f16 scale[16]; f16 min[16] if `min`             once per stretch
 *   then `head` times:
 *     int8 sub_scale[32 / sub][16]                  if head > 1
 *     uint8 sub_min[32 / sub][16]                   if head > 1 and `min`
 *     low bits of the codes, 64 bytes per step
 *     high bits of the codes                        3, 5 and 6 bits
 *
 * Chunk c of a block is inner positions 4c .. 4c + 3 of the 16 rows: 64 bytes,
 * byte 4 * row + (position mod 4): one operand of a four-byte dot product and
 * one row of an AMX tile.
 *
 *   8 bits:   chunk c as it is                               8 x 64 bytes
 *   4 low:    chunk c in low, c + 4 in high nibbles          4 x 64
 *   2 low:    chunks 4i .. 4i + 3 in bit pairs of part i     2 x 64
 *   2 high:   likewise                                       2 x 64
 *   1 high:   chunk c in bit c                               1 x 64 */
#ifndef OSMIA_WEIGHTS_INT_TILE_H
#define OSMIA_WEIGHTS_INT_TILE_H

#include "weights/tile.h"

enum { INT_CHUNKS = 8, INT_CHUNK_SIZE = 64 };

struct int_shape {
    int  bits;          /* of a stored code: 2 .. 6, or 8 */
    int  zero;          /* narrow: what is added to a value to make its operand
                           unsigned; wide: 0 */
    int  sub;           /* values under one scale: 16 or 32 */
    int  head;          /* blocks of 32 under one f16 scale: 1 or 8 */
    bool min;           /* value = scale * code + min */
    bool wide;          /* values need all 8 bits */
    bool bf16_scale;    /* scales are powers of two that f16 cannot hold */
    const int8_t *values;       /* code to value, 16 of them; NULL: code - zero,
                                   wide: the code as a signed byte */
};

/* 32 values of a row. */
struct int_block {
    uint8_t  code[ACT_BLOCK];
    uint16_t scale, min;        /* f16 (bf16) bits */
    int8_t   sub_scale[2];      /* head > 1: times these */
    uint8_t  sub_min[2];        /* head > 1: min is -(min * sub_min) */
};

/* Block b of the row at `row`. */
typedef void int_read_fn(struct int_block *out, const void *row, size_t b);

struct int_format {
    struct int_shape shape;
    int_read_fn     *read;
};

static inline int int_low_bits(const struct int_shape *s)
{
    return s->bits == 8 ? 8 : s->bits >= 4 ? 4 : 2;
}

static inline size_t int_head_size(const struct int_shape *s)
{
    return s->min ? 64 : 32;
}

static inline size_t int_subs_size(const struct int_shape *s)
{
    if (s->head == 1)
        return 0;
    return (size_t)(WEIGHT_GROUP * (ACT_BLOCK / s->sub) * (s->min ? 2 : 1));
}

static inline size_t int_block_size(const struct int_shape *s)
{
    return int_subs_size(s) + (size_t)(INT_CHUNK_SIZE * s->bits);
}

/* Where block b of a group lies, its sub-scales first. */
static inline size_t int_block_at(const struct int_shape *s, size_t b)
{
    return (b / (size_t)s->head + 1) * int_head_size(s)
           + b * int_block_size(s);
}

static inline size_t int_group_size(const struct int_shape *s, size_t n_cols)
{
    size_t n_block = n_cols / ACT_BLOCK;

    return act_align64(n_block / (size_t)s->head * int_head_size(s)
                       + n_block * int_block_size(s));
}

static inline float int_scale_f32(const struct int_shape *s, uint16_t bits)
{
    return s->bf16_scale ? f32_from_bf16(bits) : f32_from_f16(bits);
}

static inline int int_value(const struct int_shape *s, uint8_t code)
{
    if (s->values)
        return s->values[code];
    return s->wide ? (int8_t)code : code - s->zero;
}

TILE_INLINE void int_expand(const struct int_format *f, float *y,
                            const void *x, size_t n)
{
    const struct int_shape *s = &f->shape;
    struct int_block blk;

    for (size_t b = 0; b < n / ACT_BLOCK; b++) {
        f->read(&blk, x, b);
        for (int h = 0; h < ACT_BLOCK / s->sub; h++) {
            float scale = int_scale_f32(s, blk.scale);
            float min = s->min ? f32_from_f16(blk.min) : 0.0f;

            if (s->head > 1) {
                scale *= (float)blk.sub_scale[h];
                min = -(min * (float)blk.sub_min[h]);
            }
            for (int i = h * s->sub; i < (h + 1) * s->sub; i++) {
                float v = scale * (float)int_value(s, blk.code[i]);
                *y++ = s->min ? v + min : v;
            }
        }
    }
}

/* One row of a block as it lies in the tile, 4 bytes for each 64-byte part. */
TILE_INLINE void int_planes(const struct int_shape *s, uint8_t *plane,
                            const uint8_t *code)
{
    int low = int_low_bits(s), high = low < 8 ? s->bits - low : 0;

    if (low == 8)
        memcpy(plane, code, ACT_BLOCK);
    for (int i = 0; i < 16 && low == 4; i++)
        plane[i] = (uint8_t)((code[i] & 15u) | (unsigned)code[i + 16] << 4);
    for (int i = 0; i < 8 && low == 2; i++) {
        const uint8_t *c = code + i / 4 * 16 + i % 4;
        plane[i] = (uint8_t)((c[0] & 3u) | (c[4] & 3u) << 2 | (c[8] & 3u) << 4
                             | (c[12] & 3u) << 6);
    }
    plane += 4 * low;
    for (int i = 0; i < 4 && high == 1; i++) {
        plane[i] = 0;
        for (int c = 0; c < INT_CHUNKS; c++)
            plane[i] |= (uint8_t)((unsigned)code[4 * c + i] >> low << c);
    }
    for (int i = 0; i < 8 && high == 2; i++) {
        const uint8_t *c = code + i / 4 * 16 + i % 4;
        plane[i] = (uint8_t)(c[0] >> low | c[4] >> low << 2
                             | c[8] >> low << 4 | c[12] >> low << 6);
    }
}

TILE_INLINE void int_pack_block(const struct int_shape *s, uint8_t *group,
                                int row, size_t b, const struct int_block *blk)
{
    uint8_t *at = group + int_block_at(s, b);
    uint8_t plane[4 * 8];
    int n_sub = ACT_BLOCK / s->sub;

    if (b % (size_t)s->head == 0) {
        uint8_t *head = at - int_head_size(s);
        memcpy(head + row * 2, &blk->scale, 2);
        if (s->min)
            memcpy(head + 32 + row * 2, &blk->min, 2);
    }
    for (int h = 0; h < n_sub && s->head > 1; h++) {
        at[h * WEIGHT_GROUP + row] = (uint8_t)blk->sub_scale[h];
        if (s->min)
            at[(n_sub + h) * WEIGHT_GROUP + row] = blk->sub_min[h];
    }
    int_planes(s, plane, blk->code);
    for (int i = 0; i < s->bits; i++)
        memcpy(at + int_subs_size(s) + i * INT_CHUNK_SIZE + row * 4,
               plane + 4 * i, 4);
}

TILE_INLINE void int_pack(const struct int_format *f, void *group,
                          const struct weight_rows *rows)
{
    struct int_block blk;

    /* Missing rows and the padding at the end stay zero. */
    memset(group, 0, int_group_size(&f->shape, rows->n_cols));
    for (size_t b = 0; b < rows->n_cols / ACT_BLOCK; b++)
        for (size_t r = 0; r < rows->n_rows; r++) {
            f->read(&blk, (const char *)rows->data + r * rows->row_stride, b);
            int_pack_block(&f->shape, group, (int)r, b, &blk);
        }
}

#endif
