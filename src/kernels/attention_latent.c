/* Attention over latents (MLA, DeepSeek-V2, arXiv 2405.04434) in the absorbed
 * form: queries were carried over into the space of the latents, so every head
 * sees the same keys, and the latent part of a key is the value, too.
 *
 * With that many rows for one key the lanes are query heads: a panel of
 * ATTN_PANEL of them.  The keys of a block are widened to f32 once for all
 * panels of the tile and serve the scores and the values.
 *
 * Scores: one fused multiply-add for each element of the key, ascending.  Sums
 * and values: one for each key, ascending.  Which panels are computed together
 * changes no operation; attention.h says what else fixes the order. */
#include "kernels/kernel.h"

#include "kernels/kv_load.h"
#include "tensor/math.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    PARTS = SIMD_PARTS,                      /* vectors of a panel */
    TILE = SIMD_N == 16 ? 16 : 4             /* keys or elements at a time */
};

static_assert((int)ATTN_PANEL == 16 && (int)KV_KEYS % TILE == 0,
              "a panel is one row of 16 lanes");

/* One call.  Panel i belongs to query i / of_query. */
struct pass {
    const struct attn_shape *shape;
    const struct attn_rows  *rows;
    uint32_t head, group, of_query;
    size_t   n_panels;
    size_t   rank, width;          /* of a latent; of a whole key */
    float   *key;                  /* [4][width][KV_KEYS] */
    float   *weight;               /* [ATTN_BLOCK][PANEL]: scores, then weights */
    float   *q;                    /* [panel][width][PANEL], times the scale */
    float   *acc;                  /* [panel][rank][PANEL] */
    float   *max, *sum, *keep;     /* [panel][PANEL]; keep: of old values */
};

/* ---- keys ---- */

/* Rows of the K layout: `width` elements of KV_KEYS positions. */
static void widen(float *to, const uint8_t *from, enum kv_type type,
                  size_t width)
{
    size_t size = kv_row_size(type, 1);

    for (size_t i = 0; i < width * KV_KEYS; i += SIMD_N)
        vf_store(to + i, kv_load(type, from + i * size));
}

/* Four elements of SIMD_N keys, one byte each. */
static void widen_quads(float *to, vi quads, vf scale)
{
    vi byte[4] = { vi_shl(quads, 24), vi_shl(quads, 16), vi_shl(quads, 8),
                   quads };

    for (size_t i = 0; i < 4; i++)
        vf_store(to + i * KV_KEYS,
                 vf_mul(scale, vf_from(vi_sra(byte[i], 24))));
}

static void widen_q8(float *to, const uint8_t *from, size_t width)
{
    for (size_t d = 0; d < width; d += KV_QUANTS, from += KV_KEYS * 34)
        for (size_t i = 0; i < KV_KEYS; i += SIMD_N) {
            vf             scale = vf_load_f16(from + 2 * i);
            const uint8_t *quad = from + 2 * KV_KEYS + 4 * i;
            for (size_t e = d; e < d + KV_QUANTS && e < width; e += 4) {
                float rest[4 * KV_KEYS];
                bool  fits = e + 4 <= width;
                widen_quads(fits ? to + e * KV_KEYS + i : rest, vi_load(quad),
                            scale);
                for (size_t k = e; !fits && k < width; k++)
                    memcpy(to + k * KV_KEYS + i, rest + (k - e) * KV_KEYS,
                           SIMD_N * sizeof *rest);
                quad += 4 * KV_KEYS;
            }
        }
}

/* Keys [start, start + n) of a block, in whole runs of KV_KEYS.  What lies
 * behind the last key of the sequence is widened with it and not used. */
static void take_keys(struct pass *p, uint32_t start, uint32_t n)
{
    const struct kv_layer *l = &p->shape->layer;
    size_t row = kv_row_size(l->type, l->k_width);
    size_t v_row = kv_row_size(kv_v_type(l), l->v_width);
    float *to = p->key;

    for (uint32_t pos = start; pos < start + n; pos += KV_KEYS) {
        uint8_t *head = kv_head_at(&p->rows->view, l, 0, pos);
        size_t   at = pos % KV_BLOCK;
        if (l->type == KV_Q8_0)
            widen_q8(to, head + at * row, p->rank);
        else
            widen(to, head + at * row, l->type, p->rank);
        widen(to + p->rank * KV_KEYS, kv_v_at(l, head) + at * v_row,
              kv_v_type(l), l->v_width);
        to += p->width * KV_KEYS;
    }
}

/* ---- scores ---- */

/* A panel of queries against TILE of the KV_KEYS keys at `key`. */
static void score_tile(float *out, const float *key, const float *q,
                       size_t width)
{
    vf sum[TILE][PARTS];

    for (int k = 0; k < TILE; k++)
        for (int i = 0; i < PARTS; i++)
            sum[k][i] = vf_set1(0.0f);
    for (size_t d = 0; d < width; d++, key += KV_KEYS, q += ATTN_PANEL)
        for (int i = 0; i < PARTS; i++) {
            vf a = vf_load(q + i * SIMD_N);
            for (int k = 0; k < TILE; k++)
                sum[k][i] = vf_fma(vf_set1(key[k]), a, sum[k][i]);
        }
    for (int k = 0; k < TILE; k++)
        for (int i = 0; i < PARTS; i++)
            vf_store(out + k * ATTN_PANEL + i * SIMD_N, sum[k][i]);
}

static void scores(struct pass *p, size_t panel, size_t n_keys)
{
    const float *q = p->q + panel * p->width * ATTN_PANEL;

    for (size_t k = 0; k < n_keys; k += TILE)
        score_tile(p->weight + k * ATTN_PANEL,
                   p->key + k / KV_KEYS * KV_KEYS * p->width + k % KV_KEYS, q,
                   p->width);
    if (p->shape->softcap > 0.0f)
        KERNEL(softcap)(p->weight, p->shape->softcap, n_keys * ATTN_PANEL);
}

/* One online step, as in attention.c, for SIMD_N query heads. */
static void softmax_part(struct pass *p, size_t at, size_t lane, size_t n_keys,
                         bool first)
{
    float *w = p->weight + lane;
    vf     most = vf_load(w), sum = vf_set1(0.0f);

    for (size_t k = 1; k < n_keys; k++)
        most = vf_max(vf_load(w + k * ATTN_PANEL), most);
    if (!first)
        most = vf_max(vf_load(p->max + at), most);
    for (size_t k = 0; k < n_keys; k++) {
        vf e = vf_exp(vf_sub(vf_load(w + k * ATTN_PANEL), most));
        vf_store(w + k * ATTN_PANEL, e);
        sum = vf_add(sum, e);
    }
    if (!first) {
        vf keep = vf_exp(vf_sub(vf_load(p->max + at), most));
        vf_store(p->keep + at, keep);
        sum = vf_fma(vf_load(p->sum + at), keep, sum);
    }
    vf_store(p->max + at, most);
    vf_store(p->sum + at, sum);
}

/* ---- values ---- */

/* n (a constant) elements of the latent, from d on: acc = acc * keep + w * V. */
static inline void value_tile(const struct pass *p, size_t panel, size_t d,
                              size_t n_keys, bool first, int n)
{
    float       *acc = p->acc + (panel * p->rank + d) * ATTN_PANEL;
    const float *w = p->weight;
    vf           sum[TILE][PARTS];

    for (int e = 0; e < n; e++)
        for (int i = 0; i < PARTS; i++)
            sum[e][i] = first ? vf_set1(0.0f)
                      : vf_mul(vf_load(acc + e * ATTN_PANEL + i * SIMD_N),
                               vf_load(p->keep + panel * ATTN_PANEL
                                       + i * SIMD_N));
    for (size_t k = 0; k < n_keys; k++, w += ATTN_PANEL) {
        const float *key = p->key + (k / KV_KEYS * p->width + d) * KV_KEYS
                         + k % KV_KEYS;
        for (int i = 0; i < PARTS; i++) {
            vf a = vf_load(w + i * SIMD_N);
            for (int e = 0; e < n; e++)
                sum[e][i] = vf_fma(vf_set1(key[e * KV_KEYS]), a, sum[e][i]);
        }
    }
    for (int e = 0; e < n; e++)
        for (int i = 0; i < PARTS; i++)
            vf_store(acc + e * ATTN_PANEL + i * SIMD_N, sum[e][i]);
}

static void values(struct pass *p, size_t panel, size_t n_keys, bool first)
{
    size_t d = 0;

    for (; d + TILE <= p->rank; d += TILE)
        value_tile(p, panel, d, n_keys, first, TILE);
    for (; d < p->rank; d++)
        value_tile(p, panel, d, n_keys, first, 1);
}

/* ---- one block, one segment ---- */

/* How many keys of the block at `start` the query sees. */
static uint32_t visible(const struct pass *p, uint32_t query, uint32_t start)
{
    uint32_t pos = p->rows->pos + query;

    if (pos < start)
        return 0;
    return pos - start < ATTN_BLOCK ? pos - start + 1 : ATTN_BLOCK;
}

static void block(struct pass *p, uint32_t start, bool first)
{
    take_keys(p, start, visible(p, p->rows->n - 1, start));
    for (size_t panel = 0; panel < p->n_panels; panel++) {
        uint32_t n = visible(p, (uint32_t)panel / p->of_query, start);
        if (n == 0)
            continue;
        scores(p, panel, n);
        for (size_t lane = 0; lane < ATTN_PANEL; lane += SIMD_N)
            softmax_part(p, panel * ATTN_PANEL + lane, lane, n, first);
        values(p, panel, n, first);
    }
}

/* Where head h of the run lies: lane of a panel. */
static size_t panel_of(const struct pass *p, size_t query, size_t h)
{
    return query * p->of_query + h / ATTN_PANEL;
}

/* Queries with heads innermost; lanes without a head are zeros. */
static void take_queries(struct pass *p)
{
    memset(p->q, 0, p->n_panels * p->width * ATTN_PANEL * sizeof *p->q);
    for (size_t i = 0; i < p->rows->n; i++)
        for (size_t h = 0; h < p->group; h++) {
            const float *from = p->rows->q + i * p->rows->q_stride
                              + (p->head * p->group + h) * p->width;
            float *to = p->q + panel_of(p, i, h) * p->width * ATTN_PANEL
                      + h % ATTN_PANEL;
            for (size_t d = 0; d < p->width; d++)
                to[d * ATTN_PANEL] = from[d] * p->shape->scale;
        }
}

static void give_parts(const struct pass *p, struct attn_part *part,
                       float *acc, uint32_t start)
{
    for (size_t i = 0; i < p->rows->n; i++)
        for (size_t h = 0; h < p->group; h++, part++, acc += p->rank) {
            size_t       panel = panel_of(p, i, h), lane = h % ATTN_PANEL;
            size_t       at = panel * ATTN_PANEL + lane;
            const float *from = p->acc + panel * p->rank * ATTN_PANEL + lane;
            bool seen = visible(p, (uint32_t)i, start) > 0;
            *part = (struct attn_part){ .max = seen ? p->max[at] : 0.0f,
                                        .sum = seen ? p->sum[at] : 0.0f };
            for (size_t d = 0; d < p->rank; d++)
                acc[d] = seen ? from[d * ATTN_PANEL] : 0.0f;
        }
}

void KERNEL(attend_latent)(const struct attn_shape *shape,
                           const struct attn_rows *rows, uint32_t head,
                           uint32_t segment, struct attn_part *part, float *acc,
                           float *scratch)
{
    struct pass p = { .shape = shape, .rows = rows, .head = head };
    uint32_t    start = segment * ATTN_SEGMENT, last = rows->pos + rows->n - 1;

    assert(shape->window == 0);
    p.group = attn_group(&shape->layer, shape->n_head);
    p.of_query = (p.group + ATTN_PANEL - 1) / ATTN_PANEL;
    p.n_panels = (size_t)rows->n * p.of_query;
    p.rank = shape->layer.k_width;
    p.width = attn_query_width(&shape->layer);
    p.key = scratch;
    p.weight = p.key + ATTN_BLOCK * p.width;
    p.q = p.weight + ATTN_BLOCK * ATTN_PANEL;
    p.acc = p.q + p.n_panels * p.width * ATTN_PANEL;
    p.max = p.acc + p.n_panels * p.rank * ATTN_PANEL;
    p.sum = p.max + p.n_panels * ATTN_PANEL;
    p.keep = p.sum + p.n_panels * ATTN_PANEL;

    take_queries(&p);
    for (uint32_t i = 0; i < ATTN_SEGMENT && start + i <= last; i += ATTN_BLOCK)
        block(&p, start + i, i == 0);
    give_parts(&p, part, acc, start);
}
