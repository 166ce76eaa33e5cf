/* Attention of a few queries over one segment of the cache: see attention.h for
 * what fixes the order of operations.
 *
 * Scores: lanes are keys, one fused multiply-add for each element of the head,
 * ascending.  Values: lanes are elements of the head, one fused multiply-add
 * for each key, ascending.  How many rows a tile takes changes which loads are
 * shared, never an operation. */
#include "kernels/kernel.h"

#include "kernels/kv_load.h"
#include "tensor/math.h"
#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    BLOCK_PARTS = 2 * SIMD_PARTS,            /* vectors that hold 32 keys */
    TILE_MAX = SIMD_N == 16 ? 8 : 2,         /* rows of a tile of scores */
    Q8_ROWS = SIMD_N == 16 ? 4 : 2,          /*   of a q8_0 cache */
    VALUE_VECTORS = 4,                       /* of a tile of values, and its */
    VALUE_ROWS = SIMD_N == 16 ? 4 : 2        /*   rows: 32 registers or 16 */
};

/* One call's rows: row = query * group + head in group. */
struct pass {
    const struct attn_shape *shape;
    const struct attn_rows  *rows;
    uint32_t          head, group;
    size_t            width;       /* of a row of q, padded */
    float            *q;           /* [rows][width], times the scale */
    int8_t           *code;        /* q8_0: q as codes [rows][width], */
    float            *q_scale;     /*   their scales [rows][width / 32] */
    int32_t          *q_sum;       /*   and sums */
    float            *score;       /* [rows][ATTN_BLOCK]; then weights */
    struct attn_part *part;
    float            *acc;         /* [rows][v_width] */
};

/* The largest tile that fits into what is left. */
static int tile_rows(size_t left)
{
    int t = TILE_MAX;
    while ((size_t)t > left)
        t /= 2;
    return t;
}

/* ---- scores ---- */

/* t rows against the 32 keys of a cache block at k. */
static inline void score_tile(float *out, const uint8_t *k, enum kv_type type,
                              const float *q, const struct pass *p, int t)
{
    size_t         n = p->shape->layer.k_width, size = kv_row_size(type, 1);
    const uint8_t *k2 = k + KV_KEYS * kv_row_size(type, (uint32_t)n);
    vf             sum[TILE_MAX][BLOCK_PARTS];

    for (int r = 0; r < t; r++)
        for (int i = 0; i < BLOCK_PARTS; i++)
            sum[r][i] = vf_set1(0.0f);
    for (size_t d = 0; d < n; d++, k += KV_KEYS * size, k2 += KV_KEYS * size) {
        vf key[BLOCK_PARTS];
        for (int i = 0; i < SIMD_PARTS; i++) {
            key[i] = kv_load(type, k + (size_t)i * SIMD_N * size);
            key[i + SIMD_PARTS] = kv_load(type, k2 + (size_t)i * SIMD_N * size);
        }
        for (int r = 0; r < t; r++) {
            vf a = vf_set1(q[(size_t)r * p->width + d]);
            for (int i = 0; i < BLOCK_PARTS; i++)
                sum[r][i] = vf_fma(a, key[i], sum[r][i]);
        }
    }
    for (int r = 0; r < t; r++)
        for (int i = 0; i < BLOCK_PARTS; i++)
            vf_store(out + r * ATTN_BLOCK + i * SIMD_N, sum[r][i]);
}

/* Exact sums of 32 products of codes (block b of the head), for SIMD_N keys and
 * t rows. */
static inline void dots32(vi total[Q8_ROWS], const uint8_t *key,
                          const struct pass *p, size_t row, size_t b, int t)
{
    size_t         n_blocks = p->width / KV_QUANTS;
    const int8_t  *code = p->code + row * p->width + b * KV_QUANTS;
    const int32_t *sum = p->q_sum + row * n_blocks + b;
    vi  flip = vi_set1((int32_t)(SIMD_FLIP8 * 0x01010101u));
    int steps = SIMD_STEPS(8);

    for (int r = 0; r < t; r++)
        total[r] = vi_set1(0);
    for (int i = 0; i < KV_QUANTS / 4; i += steps) {
        vd      d[Q8_ROWS];
        int32_t bias[Q8_ROWS];

        for (int r = 0; r < t; r++) {
            bias[r] = i == 0 ? -SIMD_FLIP8 * sum[(size_t)r * n_blocks] : 0;
            d[r] = vd_start(bias[r]);
        }
        for (int k = i; k < i + steps; k++) {
            vi w = vi_xor(vi_load(key + k * KV_KEYS * 4), flip);
            for (int r = 0; r < t; r++)
                d[r] = vd_step8(d[r], w, vi_load_quad(
                                    code + (size_t)r * p->width + 4 * k));
        }
        for (int r = 0; r < t; r++)
            total[r] = vi_add(total[r], vd_sum(d[r], bias[r]));
    }
}

/* The same as score_tile for a q8_0 cache: t rows from `row` on. */
static inline void score_tile_q8(float *out, const uint8_t *k, size_t row,
                                 const struct pass *p, int t)
{
    size_t n_blocks = p->width / KV_QUANTS;
    size_t group_size = n_blocks * 34 * KV_KEYS;
    vf     sum[Q8_ROWS][BLOCK_PARTS];

    for (int r = 0; r < t; r++)
        for (int i = 0; i < BLOCK_PARTS; i++)
            sum[r][i] = vf_set1(0.0f);
    for (size_t b = 0; b < n_blocks; b++, k += 34 * KV_KEYS)
        for (int i = 0; i < BLOCK_PARTS; i++) {
            int            lane = i % SIMD_PARTS * SIMD_N;
            const uint8_t *g = k + (i < SIMD_PARTS ? 0 : group_size);
            vf             scale = vf_load_f16(g + 2 * lane);
            vi             isum[Q8_ROWS];
            dots32(isum, g + 2 * KV_KEYS + 4 * lane, p, row, b, t);
            for (int r = 0; r < t; r++) {
                size_t at = (row + (size_t)r) * n_blocks + b;
                sum[r][i] = vf_fma(vf_mul(scale, vf_set1(p->q_scale[at])),
                                   vf_from(isum[r]), sum[r][i]);
            }
        }
    for (int r = 0; r < t; r++)
        for (int i = 0; i < BLOCK_PARTS; i++)
            vf_store(out + r * ATTN_BLOCK + i * SIMD_N, sum[r][i]);
}

/* Returns how many rows it did. */
static int score_Q8_0(float *out, const uint8_t *k, size_t row, size_t left,
                      const struct pass *p)
{
    if (left < Q8_ROWS) {
        score_tile_q8(out, k, row, p, 1);
        return 1;
    }
    score_tile_q8(out, k, row, p, Q8_ROWS);
    return Q8_ROWS;
}

/* The bodies above with the type and the tile as constants. */
#define SCORE_TILES(T)                                                       \
    static void score_##T(float *out, const uint8_t *k, const float *q,      \
                          const struct pass *p, int t)                       \
    {                                                                        \
        if (t == TILE_MAX)                                                   \
            score_tile(out, k, KV_##T, q, p, TILE_MAX);                      \
        else if (t == TILE_MAX / 2)                                          \
            score_tile(out, k, KV_##T, q, p, TILE_MAX / 2);                  \
        else if (t == 2)                                                     \
            score_tile(out, k, KV_##T, q, p, 2);                             \
        else                                                                 \
            score_tile(out, k, KV_##T, q, p, 1);                             \
    }
SCORE_TILES(F16)
SCORE_TILES(F32)
SCORE_TILES(BF16)
#undef SCORE_TILES

/* Scores of rows [row, row + n) with the 32 keys at `k`. */
static void scores(struct pass *p, size_t row, size_t n, const uint8_t *k,
                   size_t column)
{
    enum kv_type type = p->shape->layer.type;

    for (size_t end = row + n; row < end;) {
        float       *out = p->score + row * ATTN_BLOCK + column;
        const float *q = p->q + row * p->width;
        int          t = tile_rows(end - row);
        switch (type) {
        case KV_F16:  score_F16(out, k, q, p, t);                      break;
        case KV_F32:  score_F32(out, k, q, p, t);                      break;
        case KV_BF16: score_BF16(out, k, q, p, t);                     break;
        default:      t = score_Q8_0(out, k, row, end - row, p);       break;
        }
        row += (size_t)t;
    }
}

/* ---- softmax ---- */

static float exp_of(float x)
{
    float a[SIMD_N];
    vf_store(a, vf_exp(vf_set1(x)));
    return a[0];
}

static float largest(const float *s)
{
    vf    most = vf_load(s);
    float a[SIMD_N];

    for (size_t i = SIMD_N; i < ATTN_BLOCK; i += SIMD_N)
        most = vf_max(vf_load(s + i), most);
    vf_store(a, most);
    for (int i = 1; i < SIMD_N; i++)
        a[0] = a[i] > a[0] ? a[i] : a[0];
    return a[0];
}

static float block_sum(const float *s)
{
    vf sum[SIMD_PARTS];

    for (int i = 0; i < SIMD_PARTS; i++) {
        sum[i] = vf_load(s + i * SIMD_N);
        for (size_t k = 16; k < ATTN_BLOCK; k += 16)
            sum[i] = vf_add(sum[i], vf_load(s + k + (size_t)i * SIMD_N));
    }
    return simd_sum16(sum);
}

static void fill(float *s, size_t from, size_t to, float x)
{
    for (size_t i = from; i < to; i++)
        s[i] = x;
}

/* One online step: scores of keys [lo, hi) of the block become weights, what
 * was gathered before is scaled to the new maximum. */
static void softmax_step(struct pass *p, size_t row, size_t lo, size_t hi)
{
    float            *s = p->score + row * ATTN_BLOCK, *acc;
    struct attn_part *part = &p->part[row];
    size_t            n = p->shape->layer.v_width;

    /* The rest of the block is whatever the memory held. */
    fill(s, 0, lo, -INFINITY);
    fill(s, hi, ATTN_BLOCK, -INFINITY);
    if (p->shape->softcap > 0.0f)
        KERNEL(softcap)(s + lo, p->shape->softcap, hi - lo);

    float most = largest(s);
    most = part->sum != 0.0f && part->max > most ? part->max : most;
    for (size_t i = 0; i < ATTN_BLOCK; i += SIMD_N)
        vf_store(s + i, vf_exp(vf_sub(vf_load(s + i), vf_set1(most))));
    fill(s, 0, lo, 0.0f);
    fill(s, hi, ATTN_BLOCK, 0.0f);

    float keep = part->sum != 0.0f ? exp_of(part->max - most) : 0.0f;
    acc = p->acc + row * n;
    if (keep != 1.0f && part->sum != 0.0f)
        KERNEL(scale)(acc, keep, n);
    part->sum = fmaf(part->sum, keep, block_sum(s));
    part->max = most;
}

/* ---- values ---- */

/* SIMD_N elements of a row of V from element d on. */
static vf load_value(enum kv_type type, const uint8_t *row, size_t d)
{
    if (type != KV_Q8_0)
        return kv_load(type, row + d * kv_row_size(type, 1));
    const uint8_t *block = row + d / KV_QUANTS * 34;
    uint16_t       half;
    memcpy(&half, block, sizeof half);
    return vf_mul(vf_set1(f32_from_f16(half)),
                  vf_from(vi_load_i8(block + 2 + d % KV_QUANTS)));
}

/* Rows that get the values of n_keys keys: acc += weight * V. */
struct gather {
    float         *acc;              /* [t][width] */
    const float   *weight;           /* [t][ATTN_BLOCK] */
    const uint8_t *v;                /* [n_keys] rows */
    size_t         n_keys, width, step;
};

/* c vectors of t rows, from element d of the head on. */
static inline void value_tile(const struct gather *g, enum kv_type type,
                              size_t d, int t, int c)
{
    size_t         width = g->width;
    float         *acc = g->acc;
    const uint8_t *v = g->v;
    vf             sum[VALUE_ROWS][VALUE_VECTORS];

    for (int r = 0; r < t; r++)
        for (int i = 0; i < c; i++)
            sum[r][i] = vf_load(acc + (size_t)r * width + d
                                + (size_t)(i * SIMD_N));
    for (size_t k = 0; k < g->n_keys; k++, v += g->step)
        for (int i = 0; i < c; i++) {
            vf value = load_value(type, v, d + (size_t)(i * SIMD_N));
            for (int r = 0; r < t; r++)
                sum[r][i] = vf_fma(vf_set1(g->weight[r * ATTN_BLOCK + (int)k]),
                                   value, sum[r][i]);
        }
    for (int r = 0; r < t; r++)
        for (int i = 0; i < c; i++)
            vf_store(acc + (size_t)r * width + d + (size_t)(i * SIMD_N),
                     sum[r][i]);
}

/* The last elements of a head whose width is no multiple of SIMD_N. */
static void value_tail(const struct gather *g, enum kv_type type, size_t d,
                       int row)
{
    size_t         size = kv_row_size(type, 1);
    float         *acc = g->acc + (size_t)row * g->width, value[SIMD_N];
    const float   *weight = g->weight + row * ATTN_BLOCK;
    const uint8_t *v = g->v;

    for (size_t k = 0; k < g->n_keys; k++, v += g->step) {
        uint8_t padded[4 * SIMD_N] = { 0 };
        if (type == KV_Q8_0) {
            vf_store(value, load_value(type, v, d));   /* rows are padded */
        } else {
            memcpy(padded, v + d * size, (g->width - d) * size);
            vf_store(value, kv_load(type, padded));
        }
        for (size_t i = d; i < g->width; i++)
            acc[i] = fmaf(weight[k], value[i - d], acc[i]);
    }
}

/* t rows: all elements of the head. */
static inline void value_rows(const struct gather *g, enum kv_type type, int t)
{
    size_t width = g->width, d = 0;

    for (; d + VALUE_VECTORS * SIMD_N <= width; d += VALUE_VECTORS * SIMD_N)
        value_tile(g, type, d, t, VALUE_VECTORS);
    for (; d + SIMD_N <= width; d += SIMD_N)
        value_tile(g, type, d, t, 1);
    for (int r = 0; d < width && r < t; r++)
        value_tail(g, type, d, r);
}

#define VALUE_ROWS(T, name)                                                  \
    static void values_##T(const struct gather *g, int t)                    \
    {                                                                        \
        if (t == VALUE_ROWS)                                                 \
            value_rows(g, KV_##T, VALUE_ROWS);                               \
        else if (t == 2)                                                     \
            value_rows(g, KV_##T, 2);                                        \
        else                                                                 \
            value_rows(g, KV_##T, 1);                                        \
    }
KV_TYPE_LIST(VALUE_ROWS)
#undef VALUE_ROWS

/* Add the values of n_keys keys at v to rows [row, row + n). */
static void values(struct pass *p, size_t row, size_t n, const uint8_t *v,
                   size_t column, size_t n_keys)
{
    const struct kv_layer *l = &p->shape->layer;
    struct gather g = { .v = v, .n_keys = n_keys, .width = l->v_width,
                        .step = kv_row_size(l->type, l->v_width) };

    for (size_t end = row + n; row < end;) {
        int t = end - row >= VALUE_ROWS ? VALUE_ROWS : end - row >= 2 ? 2 : 1;
        g.acc = p->acc + row * g.width;
        g.weight = p->score + row * ATTN_BLOCK + column;
        switch (l->type) {
        case KV_F16:  values_F16(&g, t);    break;
        case KV_F32:  values_F32(&g, t);    break;
        case KV_BF16: values_BF16(&g, t);   break;
        default:      values_Q8_0(&g, t);   break;
        }
        row += (size_t)t;
    }
}

/* ---- one block, one segment ---- */

/* Rows [row, row + n), which all see exactly the keys [lo, hi) of a block. */
static void block(struct pass *p, size_t row, size_t n, uint32_t lo,
                  uint32_t hi)
{
    const struct kv_layer *l = &p->shape->layer;
    uint32_t start = lo / ATTN_BLOCK * ATTN_BLOCK;
    size_t   v_row = kv_row_size(l->type, l->v_width);

    for (uint32_t at = lo / KV_BLOCK * KV_BLOCK; at < hi; at += KV_BLOCK)
        scores(p, row, n, kv_head_at(&p->rows->view, l, p->head, at),
               at - start);
    for (size_t r = row; r < row + n; r++)
        softmax_step(p, r, lo - start, hi - start);
    for (uint32_t at = lo / KV_BLOCK * KV_BLOCK; at < hi; at += KV_BLOCK) {
        uint32_t from = at < lo ? lo : at;
        uint32_t to = hi - at > KV_BLOCK ? at + KV_BLOCK : hi;
        uint8_t *v = kv_v_at(l, kv_head_at(&p->rows->view, l, p->head, at));
        values(p, row, n, v + (from - at) * v_row, from - start, to - from);
    }
}

/* The keys of the block at `start` that query i sees: [*lo, *hi). */
static bool visible(const struct pass *p, uint32_t i, uint32_t start,
                    uint32_t *lo, uint32_t *hi)
{
    uint32_t pos = p->rows->pos + i;
    uint32_t first = attn_first_key(p->shape->window, pos);

    *lo = first > start ? first : start;
    *hi = pos - start < ATTN_BLOCK ? pos + 1 : start + ATTN_BLOCK;
    return pos >= start && *lo < *hi;
}

static void whole_or_single(struct pass *p, uint32_t start)
{
    uint32_t n = p->rows->n, lo, hi, last_lo, last_hi;

    /* The first query ends earliest, the last begins latest. */
    if (visible(p, 0, start, &lo, &hi) && hi == start + ATTN_BLOCK
        && visible(p, n - 1, start, &last_lo, &last_hi) && last_lo == start) {
        block(p, 0, (size_t)n * p->group, start, hi);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        if (visible(p, i, start, &lo, &hi))
            block(p, (size_t)i * p->group, p->group, lo, hi);
}

/* q times the scale; for a q8_0 cache as codes per 32, too. */
static void quantise(struct pass *p, size_t row)
{
    const float *q = p->q + row * p->width;
    size_t       n_blocks = p->width / KV_QUANTS;

    for (size_t b = 0; b < n_blocks; b++, q += KV_QUANTS) {
        int8_t *code = p->code + row * p->width + b * KV_QUANTS;
        float   amax = 0.0f;
        int32_t sum = 0;
        for (size_t i = 0; i < KV_QUANTS; i++)
            amax = fabsf(q[i]) > amax || q[i] != q[i] ? fabsf(q[i]) : amax;
        float inverse = amax > 1e-30f ? 127.0f / amax : 0.0f;
        for (size_t i = 0; i < KV_QUANTS; i++) {
            float c = q[i] * inverse;
            code[i] = (int8_t)lrintf(c > 127.0f ? 127.0f
                                     : c > -127.0f ? c : -127.0f);
            sum += code[i];
        }
        p->q_scale[row * n_blocks + b] = amax / 127.0f;
        p->q_sum[row * n_blocks + b] = sum;
    }
}

static void take_queries(struct pass *p)
{
    const struct attn_shape *s = p->shape;
    size_t                   n = s->layer.k_width;

    for (size_t r = 0; r < (size_t)p->rows->n * p->group; r++) {
        const float *from = p->rows->q + r / p->group * p->rows->q_stride
                          + (p->head * p->group + r % p->group) * n;
        float *to = p->q + r * p->width;
        for (size_t i = 0; i < n; i++)
            to[i] = from[i] * s->scale;
        fill(to, n, p->width, 0.0f);
        if (s->layer.type == KV_Q8_0)
            quantise(p, r);
    }
}

void KERNEL(attend)(const struct attn_shape *shape,
                    const struct attn_rows *rows, uint32_t head,
                    uint32_t segment, struct attn_part *part, float *acc,
                    float *scratch)
{
    struct pass p = { .shape = shape, .rows = rows, .head = head,
                      .part = part, .acc = acc };
    p.group = shape->n_head / shape->layer.n_head_kv;
    p.width = (shape->layer.k_width + KV_QUANTS - 1) / KV_QUANTS * KV_QUANTS;
    size_t n_rows = (size_t)rows->n * p.group;
    p.score = scratch;
    p.q = p.score + n_rows * ATTN_BLOCK;
    p.q_scale = p.q + n_rows * p.width;
    p.q_sum = (int32_t *)(void *)(p.q_scale + n_rows * p.width / KV_QUANTS);
    p.code = (int8_t *)(p.q_sum + n_rows * p.width / KV_QUANTS);

    assert(rows->n > 0 && rows->n <= attn_tile_rows(p.group));
    take_queries(&p);
    memset(acc, 0, n_rows * shape->layer.v_width * sizeof *acc);
    for (size_t r = 0; r < n_rows; r++)
        part[r] = (struct attn_part){ .max = 0.0f, .sum = 0.0f };
    uint32_t start = segment * ATTN_SEGMENT, last = rows->pos + rows->n - 1;
    for (int i = 0; i < ATTN_SEGMENT / ATTN_BLOCK && start <= last; i++) {
        whole_or_single(&p, start);
        start += ATTN_BLOCK;
    }
}

void KERNEL(attn_merge)(struct attn_part *into, float *acc_into,
                        const struct attn_part *part, const float *acc,
                        size_t n)
{
    if (part->sum == 0.0f)
        return;
    if (into->sum == 0.0f) {
        *into = *part;
        memcpy(acc_into, acc, n * sizeof *acc);
        return;
    }
    float most = into->max > part->max ? into->max : part->max;
    float keep = exp_of(into->max - most), take = exp_of(part->max - most);
    into->sum = fmaf(into->sum, keep, part->sum * take);
    into->max = most;
    for (size_t i = 0; i < n; i++)
        acc_into[i] = fmaf(acc_into[i], keep, acc[i] * take);
}
