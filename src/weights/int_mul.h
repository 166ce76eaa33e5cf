/* Products of the packed integer tiles (int_tile.h says how they lie).
 *
 * One or two tokens: the codes go from memory through registers into the dot
 * product, several groups in step so that memory has as many streams.  More: a
 * slab (two groups, up to 512 inner positions) is unpacked to bytes once and
 * multiplied with all tokens, a register tile at a time; int_slab.c does that
 * part, shared by all formats.  Both follow the order of weight.h. */
#ifndef OSMIA_WEIGHTS_INT_MUL_H
#define OSMIA_WEIGHTS_INT_MUL_H

#include "weights/int_slab.h"
#include "weights/int_tile.h"

/* Vectors that products of few tokens walk in step, the groups they cover, and
 * how many tokens are few: with more, unpacking once per token tile pays. */
enum {
    INT_STEP_VECTORS = SIMD_PARTS > 4 ? SIMD_PARTS : 4,
    INT_STEP_GROUPS = INT_STEP_VECTORS / SIMD_PARTS,
    INT_FEW = 2
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

/* Up to INT_FEW tokens, n_tokens (a constant) of them. */
struct int_few {
    struct act_int8 x[INT_FEW];
    float *y[INT_FEW];
    int    n_tokens;
    int8_t table[16];
};

/* A block of one vector of rows. */
struct int_place {
    const uint8_t    *at;
    int               lane;
    size_t            b;
    struct int_scales head;
};

/* The exact sums of sub-block h, which is number i of the row. */
TILE_INLINE void int_dots(const struct int_shape *s, vi isum[INT_FEW],
                          const struct int_place *p, const struct int_few *f,
                          int h, size_t i)
{
    const uint8_t *codes = p->at + int_subs_size(s) + p->lane * 4;
    int n = s->sub / 4, steps = SIMD_STEPS(s->wide ? 8 : s->bits);
    int32_t bias[INT_FEW];

    for (int t = 0; t < f->n_tokens; t++)
        bias[t] = int_bias_factor(s)
                  * (s->sub == 16 ? f->x[t].sum16[i] : f->x[t].sum32[i]);
    for (int c0 = 0; c0 < n; c0 += steps) {
        vd d[INT_FEW];

        for (int t = 0; t < f->n_tokens; t++)
            d[t] = vd_start(c0 ? 0 : bias[t]);
        for (int c = h * n + c0; c < h * n + n && c < h * n + c0 + steps; c++) {
            vi u = int_chunk(s, codes, c, f->table);
            for (int t = 0; t < f->n_tokens; t++) {
                vi q = vi_load_quad(f->x[t].code + p->b * ACT_BLOCK + 4 * c);
                d[t] = s->wide ? vd_step8(d[t], u, q) : vd_step(d[t], u, q);
            }
        }
        for (int t = 0; t < f->n_tokens; t++)
            isum[t] = c0 ? vi_add(isum[t], vd_sum(d[t], 0))
                         : vd_sum(d[t], bias[t]);
    }
}

/* acc += the block times each token. */
TILE_INLINE void int_block(const struct int_shape *s, vf acc[INT_FEW],
                           const struct int_place *p, const struct int_few *f)
{
    for (int h = 0; h < ACT_BLOCK / s->sub; h++) {
        size_t i = p->b * (size_t)(ACT_BLOCK / s->sub) + (size_t)h;
        struct int_scales w = int_sub_scales(s, p->head, p->at + p->lane, h);
        vi isum[INT_FEW];

        int_dots(s, isum, p, f, h, i);
        for (int t = 0; t < f->n_tokens; t++) {
            const struct act_int8 *x = &f->x[t];

            acc[t] = vf_fma(vf_mul(w.scale, vf_set1(x->scale[p->b])),
                            vf_from(isum[t]), acc[t]);
            if (s->min)
                acc[t] = vf_fma(w.min, vf_set1(s->sub == 16 ? x->fsum16[i]
                                                            : x->fsum32[i]),
                                acc[t]);
        }
    }
}

/* n_groups (a constant) groups in step, from `group` on. */
TILE_INLINE void int_mul_step(const struct int_shape *s,
                              const struct weight_view *w,
                              const struct int_few *f, size_t group,
                              int n_groups)
{
    size_t group_size = int_group_size(s, w->n_cols);
    const uint8_t *base = (const uint8_t *)w->data + group * group_size;
    vf acc[INT_STEP_VECTORS][INT_FEW];
    struct int_place p[INT_STEP_VECTORS];
    int n_vectors = n_groups * SIMD_PARTS;

    for (int v = 0; v < n_vectors; v++) {
        p[v].lane = v % SIMD_PARTS * SIMD_N;
        for (int t = 0; t < f->n_tokens; t++)
            acc[v][t] = vf_set1(0.0f);
    }
    for (size_t b0 = 0; b0 < w->n_cols / ACT_BLOCK; b0 += (size_t)s->head) {
        for (int v = 0; v < n_vectors; v++) {
            p[v].at = base + (size_t)(v / SIMD_PARTS) * group_size
                      + int_block_at(s, b0);
            p[v].head = int_load_head(s, p[v].at - int_head_size(s), p[v].lane);
        }
        for (size_t b = b0; b < b0 + (size_t)s->head; b++)
            for (int v = 0; v < n_vectors; v++) {
                p[v].b = b;
                int_block(s, acc[v], &p[v], f);
                p[v].at += int_block_size(s);
            }
    }
    for (int v = 0; v < n_vectors; v++) {
        size_t row = group * WEIGHT_GROUP + (size_t)(v * SIMD_N);
        for (int t = 0; t < f->n_tokens; t++)
            acc_store(f->y[t] + row, acc[v][t], (ptrdiff_t)(w->n_rows - row));
    }
}

/* All groups of the job for n (a constant) tokens. */
TILE_INLINE void int_mul_few(const struct int_shape *s,
                             const struct weight_view *w,
                             const struct mul_job *job, int n)
{
    size_t g = job->group, end = job->group + job->n_groups;
    struct int_few f = { .n_tokens = n };

    for (int t = 0; t < n; t++) {
        f.x[t] = act_int8_at(job_row(job, (size_t)t), w->n_cols);
        f.y[t] = job->y + (size_t)t * job->y_stride;
    }
    int_operands(s, f.table);
    for (; g + INT_STEP_GROUPS <= end; g += INT_STEP_GROUPS)
        int_mul_step(s, w, &f, g, INT_STEP_GROUPS);
    for (; g < end; g++)
        int_mul_step(s, w, &f, g, 1);
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

TILE_INLINE void int_mul(const struct int_shape *s, const struct weight_view *w,
                         const struct mul_job *job)
{
    size_t g = job->group, end = job->group + job->n_groups;

    if (job->n_tokens == 1)
        int_mul_few(s, w, job, 1);
    else if (job->n_tokens == 2)
        int_mul_few(s, w, job, 2);
    else
        for (; g < end; g += SLAB_GROUPS)
            int_mul_panel(s, w, job, g,
                          end - g < SLAB_GROUPS ? end - g : SLAB_GROUPS);
}

#endif
