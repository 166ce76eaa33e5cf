/* How the cache of keys and values lies in memory: shared by the cache (nn/kv),
 * which hands out blocks, and by the kernels, which read and write them.
 *
 * A block holds KV_BLOCK absolute positions of every layer of a cache group.
 * Of one layer it holds, one kv head after the other:
 *
 *   K   two groups of KV_KEYS positions, each with the positions innermost,
 *       [k_width][KV_KEYS]: one vector load brings the same element of 16 keys,
 *       so a score is a chain of multiply-adds along the head without any sum
 *       across lanes, and has the same bits on every instruction set.
 *       q8_0: for every 32 elements KV_KEYS f16 scales, then the quants
 *       [8][KV_KEYS][4], four elements of one key side by side.
 *   V   [KV_BLOCK][v_width], rows as they are; q8_0: for every 32 elements an
 *       f16 scale and 32 quants.
 *
 * A LATENT layer (multi-head latent attention) has one kv head; its K is the
 * latent, k_width wide, and its V the rotated part of the key, v_width wide,
 * both in the layout of K.  The latent is key and value at once.  With q8_0 only
 * the latent is quantised: the rotated part is small and stays f16.
 *
 * Widths of q8_0 rows are padded with zeros to a multiple of 32. */
#ifndef OSMIA_KERNELS_KV_VIEW_H
#define OSMIA_KERNELS_KV_VIEW_H

#include <stddef.h>
#include <stdint.h>

enum { KV_BLOCK = 32, KV_KEYS = 16, KV_QUANTS = 32 };

#define KV_TYPE_LIST(X)                                                      \
    X(F16, "f16") X(F32, "f32") X(BF16, "bf16") X(Q8_0, "q8_0")

enum kv_type {
#define X(id, name) KV_##id,
    KV_TYPE_LIST(X)
#undef X
    KV_N_TYPES
};

enum kv_form { KV_PAIR, KV_LATENT };

/* One layer's part of a cache group. */
struct kv_layer {
    enum kv_form form;
    enum kv_type type;
    uint32_t     n_head_kv, k_width, v_width;
    size_t       offset;          /* of the layer inside a block */
};

/* One sequence's blocks.  Position p lies in block[p / KV_BLOCK - first]. */
struct kv_view {
    uint8_t        *base;         /* block number 0 */
    size_t          block_size;   /* bytes from one block to the next */
    const uint32_t *block;
    uint32_t        first;        /* blocks before this one were given back */
};

/* Bytes of one row of `width` elements. */
static inline size_t kv_row_size(enum kv_type type, uint32_t width)
{
    switch (type) {
    case KV_F32:  return (size_t)width * 4;
    case KV_Q8_0: return ((size_t)width + KV_QUANTS - 1) / KV_QUANTS * 34;
    default:      return (size_t)width * 2;
    }
}

static inline enum kv_type kv_v_type(const struct kv_layer *l)
{
    return l->form == KV_LATENT && l->type == KV_Q8_0 ? KV_F16 : l->type;
}

/* Bytes of one kv head and of one layer inside a block. */
static inline size_t kv_head_size(const struct kv_layer *l)
{
    return KV_BLOCK * (kv_row_size(l->type, l->k_width)
                       + kv_row_size(kv_v_type(l), l->v_width));
}

static inline size_t kv_layer_size(const struct kv_layer *l)
{
    return (l->n_head_kv * kv_head_size(l) + 63) / 64 * 64;
}

/* Where the K and V of one kv head of the block that holds `pos` begin. */
static inline uint8_t *kv_head_at(const struct kv_view *v,
                                  const struct kv_layer *l, uint32_t head,
                                  uint32_t pos)
{
    return v->base + v->block[pos / KV_BLOCK - v->first] * v->block_size
         + l->offset + head * kv_head_size(l);
}

static inline uint8_t *kv_v_at(const struct kv_layer *l, uint8_t *head_at)
{
    return head_at + KV_BLOCK * kv_row_size(l->type, l->k_width);
}

#endif
