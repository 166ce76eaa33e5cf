/* Attention over a paged cache, one pass, online softmax.
 *
 * Every query goes over the keys in blocks of ATTN_BLOCK absolute positions with
 * one softmax step for each; a part covers ATTN_SEGMENT positions; parts are
 * merged in ascending order.  Where blocks and segments begin depends on the
 * absolute position alone, and a key that a query must not see is never
 * touched: the bits of a result depend neither on which queries are computed
 * together nor on how parts are shared out over threads.
 *
 * Reference: online softmax, Milakov and Gimelshein 2018 (arXiv 1805.02867). */
#ifndef OSMIA_KERNELS_ATTENTION_H
#define OSMIA_KERNELS_ATTENTION_H

#include "kernels/kv_view.h"

enum { ATTN_BLOCK = 64, ATTN_SEGMENT = 512, ATTN_TILE = 32, ATTN_PANEL = 16 };

struct attn_shape {
    struct kv_layer layer;
    uint32_t        n_head;       /* query heads; PAIR: a multiple of n_head_kv */
    uint32_t        window;       /* keys a query sees, itself included; 0: all */
    float           scale;        /* scores = scale * (q . k) */
    float           softcap;      /* 0: none; else c * tanh(score / c) */
};

/* Consecutive queries of one sequence: positions pos .. pos + n - 1. */
struct attn_rows {
    const float   *q;             /* [n][n_head][attn_query_width] */
    size_t         q_stride;      /* floats from one query to the next */
    uint32_t       n, pos;
    struct kv_view view;
};

/* The first key that the query at `pos` sees. */
static inline uint32_t attn_first_key(uint32_t window, uint32_t pos)
{
    return window == 0 || pos < window ? 0 : pos - window + 1;
}

/* What a query head holds and what attention gives for it.  With latents the
 * query was carried over into their space: latent part, then rotated part. */
static inline uint32_t attn_query_width(const struct kv_layer *l)
{
    return l->form == KV_LATENT ? l->k_width + l->v_width : l->k_width;
}

static inline uint32_t attn_value_width(const struct kv_layer *l)
{
    return l->form == KV_LATENT ? l->k_width : l->v_width;
}

/* Query heads that are computed together.  PAIR: those of one kv head.  LATENT:
 * all heads see the same latents, so it is as many as a tile takes. */
static inline uint32_t attn_group(const struct kv_layer *l, uint32_t n_head)
{
    uint32_t group = ATTN_TILE;

    if (l->form == KV_PAIR)
        return n_head / l->n_head_kv;
    while (n_head % group != 0)
        group--;
    return group;
}

/* Queries that are computed together, so that they share the loads of K and V;
 * with `group` query heads each. */
static inline uint32_t attn_tile_rows(uint32_t group)
{
    return group >= ATTN_TILE ? 1 : ATTN_TILE / group;
}

/* A part of a result: of one query and head over one segment, or over the
 * segments merged so far.  sum == 0: nothing seen yet. */
struct attn_part {
    float max, sum;
};

/* Query heads in rows of ATTN_PANEL lanes: how many such panels a tile has. */
static inline size_t attn_panels(uint32_t group)
{
    return (size_t)attn_tile_rows(group) * ((group + ATTN_PANEL - 1)
                                            / ATTN_PANEL);
}

static inline size_t attn_latent_scratch(const struct kv_layer *l,
                                         uint32_t group)
{
    size_t width = (size_t)l->k_width + l->v_width;

    return ATTN_BLOCK * (width + ATTN_PANEL)
         + attn_panels(group) * ATTN_PANEL * (width + l->k_width + 3);
}

/* Floats of scratch that one call needs. */
static inline size_t attn_scratch_size(const struct kv_layer *l,
                                       uint32_t n_head)
{
    uint32_t group = attn_group(l, n_head);
    size_t   rows = (size_t)attn_tile_rows(group) * group;
    size_t   width = ((size_t)l->k_width + KV_QUANTS - 1) / KV_QUANTS
                   * KV_QUANTS;

    if (l->form == KV_LATENT)
        return attn_latent_scratch(l, group);
    return rows * (ATTN_BLOCK + 2 * width + ATTN_BLOCK) + 64;
}

#endif
