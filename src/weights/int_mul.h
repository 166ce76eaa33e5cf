/* Products of the packed integer tiles (int_tile.h says how they lie).
 *
 * Up to SIMD_DIRECT_T tokens: the codes go from memory through registers into
 * the dot product, a register tile at a time.  More: a slab (two groups, up to
 * 512 inner positions) is unpacked to bytes once and multiplied with all
 * tokens; int_slab.c does that part, shared by all formats.  Both follow the
 * order of weight.h. */
#ifndef OSMIA_WEIGHTS_INT_MUL_H
#define OSMIA_WEIGHTS_INT_MUL_H

#include "weights/int_slab.h"
#include "weights/int_tile.h"

/* One or two tokens are bound by memory: several groups go in step, so that
 * there are as many streams.  From three on it is a register tile of
 * SIMD_TILE_V vectors and up to SIMD_TILE_T tokens.  `WIDE` vectors share each
 * broadcast; with 16 registers there is room for one vector's sums only. */
enum {
    INT_FEW = 2,
    INT_FEW_VECTORS = SIMD_PARTS > 4 ? SIMD_PARTS : 4,
    INT_FEW_GROUPS = INT_FEW_VECTORS / SIMD_PARTS,
    INT_FEW_WIDE = SIMD_N == 16 ? INT_FEW_VECTORS : 1,
    INT_TILE_GROUPS = (int)SIMD_TILE_V > (int)SIMD_PARTS
                      ? (int)SIMD_TILE_V / (int)SIMD_PARTS : 1,
    INT_TILE_VECTORS = INT_TILE_GROUPS * SIMD_PARTS,
    INT_TILE_WIDE = (int)SIMD_TILE_V < (int)INT_TILE_VECTORS
                    ? (int)SIMD_TILE_V : (int)INT_TILE_VECTORS,
    INT_TILE_TOKENS = SIMD_TILE_T,
    /* The larger of both. */
    INT_VECTORS = INT_FEW_VECTORS > INT_TILE_VECTORS ? INT_FEW_VECTORS
                                                     : INT_TILE_VECTORS,
    INT_GROUPS = INT_VECTORS / SIMD_PARTS,
    INT_WIDE = INT_FEW_WIDE > INT_TILE_WIDE ? INT_FEW_WIDE : INT_TILE_WIDE
};

/* Bit n of the high plane to bit `to` of each byte. */
static inline vi int_shift(vi plane, int from, int to)
{
    return from < to ? vi_shl(plane, to - from) : vi_shr(plane, from - to);
}

/* Chunk c of a block as operand of the dot product, from `codes` (already at
 * this vector's lanes).  c is a constant where this is inlined. */
TILE_INLINE vi int_chunk(const struct int_shape *s, const uint8_t *codes,
                         int c, const int8_t *table)
{
    int low = int_low_bits(s), high = s->bits - low;
    const uint8_t *plane = codes + INT_CHUNK_SIZE * low;
    vi u;

    if (low == 8) {
        u = vi_load(codes + c * INT_CHUNK_SIZE);
    } else if (low == 4) {
        u = vi_load(codes + c % 4 * INT_CHUNK_SIZE);
        u = vi_and(int_shift(u, c / 4 * 4, 0), vi_set1(0x0f0f0f0f));
    } else {
        u = vi_load(codes + c / 4 * INT_CHUNK_SIZE);
        u = vi_and(int_shift(u, c % 4 * 2, 0), vi_set1(0x03030303));
    }
    if (high == 1)
        u = vi_or(u, vi_and(int_shift(vi_load(plane), c, low),
                            vi_set1(0x01010101 << low)));
    else if (high == 2)
        u = vi_or(u, vi_and(int_shift(vi_load(plane + c / 4 * INT_CHUNK_SIZE),
                                      c % 4 * 2, low),
                            vi_set1(0x03030303 << low)));
    if (s->values)
        return vi_lookup(table, u);
    if (s->wide && SIMD_FLIP8 != 0)
        return vi_xor(u, vi_set1((int32_t)0x80808080));
    return u;
}

/* The operand of each code of a format with a value table. */
static inline void int_operands(const struct int_shape *s, int8_t table[16])
{
    for (int i = 0; i < 16 && s->values; i++) {
        int v = s->values[i];
        table[i] = (int8_t)(s->wide ? v ^ SIMD_FLIP8 : v + s->zero);
    }
}

/* Scales of one vector of rows. */
struct int_scales {
    vf scale, min;      /* of the stretch; min already negated if head > 1 */
};

TILE_INLINE struct int_scales int_load_head(const struct int_shape *s,
                                            const uint8_t *head, int lane)
{
    struct int_scales h;

    h.scale = s->bf16_scale ? vf_load_bf16(head + lane * 2)
                            : vf_load_f16(head + lane * 2);
    h.min = h.scale;
    if (s->min)
        h.min = vf_load_f16(head + 32 + lane * 2);
    if (s->min && s->head > 1)
        h.min = vf_sub(vf_set1(0.0f), h.min);
    return h;
}

/* Of sub-block h of the block at `at`. */
TILE_INLINE struct int_scales int_sub_scales(const struct int_shape *s,
                                             struct int_scales head,
                                             const uint8_t *at, int h)
{
    int n_sub = ACT_BLOCK / s->sub;

    if (s->head == 1)
        return head;
    head.scale = vf_mul(head.scale, vf_from(vi_load_i8(at + h * WEIGHT_GROUP)));
    if (s->min)
        head.min = vf_mul(head.min, vf_from(vi_load_u8(
                                        at + (n_sub + h) * WEIGHT_GROUP)));
    return head;
}

TILE_INLINE int int_bias_factor(const struct int_shape *s)
{
    return s->wide ? -SIMD_FLIP8 : -s->zero;
}

/* The tokens of a tile, n of them (a constant). */
struct int_tokens {
    struct act_int8 x[INT_TILE_TOKENS];
    float *y[INT_TILE_TOKENS];
    int    n;
    int8_t table[16];
};

/* Where a vector of rows stands. */
struct int_place {
    const uint8_t    *at;       /* its block */
    int               lane;
    struct int_scales head;
};

/* A rectangle of the tile: the vectors that share a broadcast times the
 * tokens. */
typedef vi int_sums[INT_WIDE][INT_TILE_TOKENS];
typedef vf int_accs[INT_TILE_TOKENS];

/* The exact sums of sub-block h of block b, for n_v (a constant) vectors. */
TILE_INLINE void int_dots(const struct int_shape *s, int_sums isum,
                          const struct int_place *p, int n_v,
                          const struct int_tokens *f, struct slab_place at)
{
    int n = s->sub / 4, steps = SIMD_STEPS(s->wide ? 8 : s->bits);
    int i = at.b * (ACT_BLOCK / s->sub) + at.h;
    int32_t bias[INT_TILE_TOKENS];

    for (int v = 0; v < n_v; v++)
        for (int t = 0; t < f->n; t++)
            isum[v][t] = vi_set1(0);
    for (int t = 0; t < f->n; t++)
        bias[t] = int_bias_factor(s)
                  * (s->sub == 16 ? f->x[t].sum16[i] : f->x[t].sum32[i]);
    for (int c0 = 0; c0 < n; c0 += steps) {
        vd d[INT_WIDE][INT_TILE_TOKENS];

        for (int v = 0; v < n_v; v++)
            for (int t = 0; t < f->n; t++)
                d[v][t] = vd_start(c0 ? 0 : bias[t]);
        for (int c = at.h * n + c0;
             c < at.h * n + n && c < at.h * n + c0 + steps; c++) {
            vi u[INT_WIDE];

            for (int v = 0; v < n_v; v++)
                u[v] = int_chunk(s, p[v].at + int_subs_size(s)
                                    + p[v].lane * 4, c, f->table);
            for (int t = 0; t < f->n; t++) {
                vi q = vi_load_quad(f->x[t].code + at.b * ACT_BLOCK + 4 * c);
                for (int v = 0; v < n_v; v++)
                    d[v][t] = s->wide ? vd_step8(d[v][t], u[v], q)
                                      : vd_step(d[v][t], u[v], q);
            }
        }
        for (int v = 0; v < n_v; v++)
            for (int t = 0; t < f->n; t++)
                isum[v][t] = vi_add(isum[v][t],
                                    vd_sum(d[v][t], c0 ? 0 : bias[t]));
    }
}

/* acc += block b of n_v vectors times each token. */
TILE_INLINE void int_block(const struct int_shape *s, int_accs *acc,
                           const struct int_place *p, int n_v,
                           const struct int_tokens *f, int b)
{
    for (int h = 0; h < ACT_BLOCK / s->sub; h++) {
        int      i = b * (ACT_BLOCK / s->sub) + h;
        int_sums isum;

        int_dots(s, isum, p, n_v, f, (struct slab_place){ 0, b, h });
        for (int v = 0; v < n_v; v++) {
            struct int_scales w = int_sub_scales(s, p[v].head,
                                                 p[v].at + p[v].lane, h);
            for (int t = 0; t < f->n; t++) {
                const struct act_int8 *x = &f->x[t];

                acc[v][t] = vf_fma(vf_mul(w.scale, vf_set1(x->scale[b])),
                                   vf_from(isum[v][t]), acc[v][t]);
                if (s->min)
                    acc[v][t] = vf_fma(w.min,
                                       vf_set1(s->sub == 16 ? x->fsum16[i]
                                                            : x->fsum32[i]),
                                       acc[v][t]);
            }
        }
    }
}

/* What a step covers; constants but for `group` and `left`. */
struct int_step {
    size_t group, left;         /* groups behind `left` repeat the first, and
                                   what they give is thrown away */
    int    n_groups, wide;
};

/* Groups in step, the whole row, all tokens of the tile. */
TILE_INLINE void int_mul_step(const struct int_shape *s,
                              const struct weight_view *w,
                              const struct int_tokens *f, struct int_step k)
{
    size_t group_size = int_group_size(s, w->n_cols);
    const uint8_t *base = (const uint8_t *)w->data + k.group * group_size;
    int_accs acc[INT_VECTORS];
    struct int_place p[INT_VECTORS];
    int n_vectors = k.n_groups * SIMD_PARTS;
    int n_block = (int)(w->n_cols / ACT_BLOCK);

    for (int v = 0; v < n_vectors; v++) {
        size_t g = (size_t)(v / SIMD_PARTS);
        p[v].lane = v % SIMD_PARTS * SIMD_N;
        p[v].at = base + (g < k.left ? g : 0) * group_size;
        for (int t = 0; t < f->n; t++)
            acc[v][t] = vf_set1(0.0f);
    }
    for (int b0 = 0; b0 < n_block; b0 += s->head) {
        for (int v = 0; v < n_vectors; v++) {
            p[v].head = int_load_head(s, p[v].at, p[v].lane);
            p[v].at += int_head_size(s);
        }
        for (int b = b0; b < b0 + s->head; b++)
            for (int v = 0; v < n_vectors; v += k.wide) {
                int_block(s, acc + v, p + v, k.wide, f, b);
                for (int i = v; i < v + k.wide; i++)
                    p[i].at += int_block_size(s);
            }
    }
    for (int v = 0; v < n_vectors && (size_t)(v / SIMD_PARTS) < k.left; v++) {
        size_t row = k.group * WEIGHT_GROUP + (size_t)(v * SIMD_N);
        for (int t = 0; t < f->n; t++)
            acc_store(f->y[t] + row, acc[v][t], (ptrdiff_t)(w->n_rows - row));
    }
}

/* Groups [g, end) of the job for the tile's tokens. */
TILE_INLINE void int_mul_groups(const struct int_shape *s,
                                const struct weight_view *w,
                                struct int_tokens *f, size_t g, size_t end,
                                int n)
{
    bool few = n <= INT_FEW;
    int  n_groups = few ? INT_FEW_GROUPS : INT_TILE_GROUPS;

    f->n = n;
    for (; g < end; g += (size_t)n_groups)
        int_mul_step(s, w, f, (struct int_step){
            .group = g, .left = end - g, .n_groups = n_groups,
            .wide = few ? INT_FEW_WIDE : INT_TILE_WIDE });
}

/* Fill block `to` of the slab with one group's block b. */
TILE_INLINE void int_unpack(const struct int_shape *s, struct int_slab *slab,
                            int to, int g, const uint8_t *group, size_t b)
{
    const uint8_t *at = group + int_block_at(s, b);
    const uint8_t *head = group + int_block_at(s, b - b % (size_t)s->head)
                          - int_head_size(s);
    int8_t table[16];

    int_operands(s, table);
    for (int lane = 0; lane < WEIGHT_GROUP; lane += SIMD_N) {
        struct int_scales hs = int_load_head(s, head, lane);
        const uint8_t *codes = at + int_subs_size(s) + lane * 4;

        for (int h = 0; h < ACT_BLOCK / s->sub; h++) {
            struct int_scales sc = int_sub_scales(s, hs, at + lane, h);
            vf_store(&slab->scale[to][h][g][lane], sc.scale);
            if (s->min)
                vf_store(&slab->min[to][h][g][lane], sc.min);
        }
        for (int c = 0; c < INT_CHUNKS; c++)
            vi_store(&slab->code[to][c][g][lane * 4],
                     int_chunk(s, codes, c, table));
    }
}

/* Several tokens, one or two groups. */
TILE_INLINE void int_mul_panel(const struct int_shape *s,
                               const struct weight_view *w,
                               const struct mul_job *job, size_t group,
                               size_t n_groups)
{
    size_t n_block = w->n_cols / ACT_BLOCK;
    size_t group_size = int_group_size(s, w->n_cols);
    const uint8_t *base = (const uint8_t *)w->data + group * group_size;
    struct int_slab slab;
    size_t row = group * WEIGHT_GROUP, end = row + n_groups * WEIGHT_GROUP;
    struct slab_span span = {
        .slab = &slab, .row = row, .n_cols = w->n_cols,
        .n_rows = (end < w->n_rows ? end : w->n_rows) - row,
        .bias_factor = int_bias_factor(s),
    };

    for (; span.block < n_block; span.block += SLAB_BLOCKS) {
        size_t left = n_block - span.block;

        span.n_block = (int)(left < SLAB_BLOCKS ? left : SLAB_BLOCKS);
        for (int b = 0; b < span.n_block; b++)
            for (size_t g = 0; g < SLAB_GROUPS; g++)
                int_unpack(s, &slab, b, (int)g,
                           base + (g < n_groups ? g * group_size : 0),
                           span.block + (size_t)b);
        WEIGHT(slab_mul)(&span, slab_kind(s->sub, s->min,
                                          s->wide ? 8 : s->bits), job);
    }
}

/* Up to INT_TILE_TOKENS tokens from `first` on, straight from the tiles. */
TILE_INLINE void int_mul_tile(const struct int_shape *s,
                              const struct weight_view *w,
                              const struct mul_job *job, size_t g, size_t end,
                              struct token_span tokens)
{
    struct int_tokens f;

    for (size_t t = 0; t < tokens.n; t++) {
        f.x[t] = act_int8_at(job_row(job, tokens.first + t), w->n_cols);
        f.y[t] = job->y + (tokens.first + t) * job->y_stride;
    }
    int_operands(s, f.table);
    /* A body for each number; those beyond INT_TILE_TOKENS vanish. */
    if (tokens.n == 1)
        int_mul_groups(s, w, &f, g, end, 1);
    else if (tokens.n == 2)
        int_mul_groups(s, w, &f, g, end, 2);
    else if (INT_TILE_TOKENS > 2 && tokens.n == 3)
        int_mul_groups(s, w, &f, g, end, 3);
    else if (INT_TILE_TOKENS > 3 && tokens.n == 4)
        int_mul_groups(s, w, &f, g, end, 4);
    else if (INT_TILE_TOKENS > 4 && tokens.n == 5)
        int_mul_groups(s, w, &f, g, end, 5);
    else if (INT_TILE_TOKENS > 5)
        int_mul_groups(s, w, &f, g, end, 6);
}

/* The tokens of the job over a few groups at a time, so that these stay in the
 * cache. */
TILE_INLINE void int_mul_direct(const struct int_shape *s,
                                const struct weight_view *w,
                                const struct mul_job *job)
{
    size_t end = job->group + job->n_groups, n;
    size_t step = job->n_tokens > INT_TILE_TOKENS ? INT_GROUPS
                                                  : job->n_groups;

    for (size_t g = job->group; g < end; g += step)
        for (size_t t = 0; t < job->n_tokens; t += n) {
            n = tile_tokens(job->n_tokens - t, INT_TILE_TOKENS);
            int_mul_tile(s, w, job, g, g + step < end ? g + step : end,
                         (struct token_span){ t, n });
        }
}

/* Tokens up to which int_mul_direct is the faster way.  A second plane of bits
 * or two scales in a block make unpacking dearer, so that doing it once pays
 * earlier (measured). */
static inline size_t int_direct_tokens(const struct int_shape *s)
{
    bool   dear = s->sub == 16 || int_low_bits(s) < s->bits;
    size_t most = dear ? SIMD_DIRECT_T / 8 : SIMD_DIRECT_T;

    return most > INT_FEW ? most : INT_FEW;
}

TILE_INLINE void int_mul(const struct int_shape *s, const struct weight_view *w,
                         const struct mul_job *job)
{
    size_t g = job->group, end = job->group + job->n_groups;

    if (job->n_tokens <= int_direct_tokens(s))
        int_mul_direct(s, w, job);
    else
        for (; g < end; g += SLAB_GROUPS)
            int_mul_panel(s, w, job, g,
                          end - g < SLAB_GROUPS ? end - g : SLAB_GROUPS);
}

#endif
