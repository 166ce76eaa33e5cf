/* Packed tiles of f32, f16 and bf16 weights.
 *
 * A group holds 16 rows: for each inner position (bf16: for each pair of them)
 * the elements of the 16 rows side by side.  Widths are padded with zeros to a
 * whole pair and to 64 bytes.  Order of operations: weight.h. */
#ifndef OSMIA_WEIGHTS_FLOAT_TILE_H
#define OSMIA_WEIGHTS_FLOAT_TILE_H

#include "weights/tile.h"

enum float_kind { FLOAT_F32, FLOAT_F16, FLOAT_BF16 };

/* Groups and tokens of a register tile; a stretch of the inner dimension that
 * stays in the cache while the tokens pass by. */
enum {
    FLOAT_GROUPS = (int)SIMD_FTILE_V > (int)SIMD_PARTS
                   ? (int)SIMD_FTILE_V / (int)SIMD_PARTS : 1,
    FLOAT_VECTORS = FLOAT_GROUPS * (int)SIMD_PARTS,
    FLOAT_TOKENS = (int)SIMD_FTILE_T,
    FLOAT_STRETCH = 256
};

/* Inner positions that one step consumes, and bytes of a group's step. */
static inline size_t float_step(enum float_kind kind)
{
    return kind == FLOAT_BF16 ? 2 : 1;
}

static inline size_t float_step_size(enum float_kind kind)
{
    return kind == FLOAT_F16 ? 32 : 64;
}

static inline size_t float_n_steps(enum float_kind kind, size_t n_cols)
{
    return (n_cols + float_step(kind) - 1) / float_step(kind);
}

static inline size_t float_group_size(enum float_kind kind, size_t n_cols)
{
    return act_align64(float_n_steps(kind, n_cols) * float_step_size(kind));
}

TILE_INLINE void float_pack(enum float_kind kind, void *group,
                            const struct weight_rows *rows)
{
    size_t step = float_step(kind);
    size_t size = float_step_size(kind) / WEIGHT_GROUP / step;

    memset(group, 0, float_group_size(kind, rows->n_cols));
    for (size_t r = 0; r < rows->n_rows; r++) {
        const char *row = (const char *)rows->data + r * rows->row_stride;
        char *to = (char *)group + r * size * step;

        for (size_t k = 0; k < rows->n_cols; k++)
            memcpy(to + k / step * float_step_size(kind) + k % step * size,
                   row + k * size, size);
    }
}

/* A register tile: FLOAT_VECTORS (or one group's) vectors of rows times up to
 * FLOAT_TOKENS tokens, over steps [step, end). */
struct float_span {
    const char *group[FLOAT_GROUPS];
    const char *x[FLOAT_TOKENS];
    float      *y[FLOAT_TOKENS];
    ptrdiff_t   n_rows;         /* that exist, from y on */
    size_t      step, end;
};

/* acc += step * tokens, for n_vectors x n_tokens. */
TILE_INLINE void float_step_mul(enum float_kind kind,
                                vf acc[FLOAT_VECTORS][FLOAT_TOKENS],
                                const struct float_span *s, size_t k,
                                int n_vectors, int n_tokens)
{
    size_t at = k * float_step_size(kind);

    for (int v = 0; v < n_vectors; v++) {
        const char *p = s->group[v / SIMD_PARTS] + at;
        int lane = v % SIMD_PARTS * SIMD_N;

        if (kind == FLOAT_F32 || kind == FLOAT_F16) {
            vf w = kind == FLOAT_F32 ? vf_load(p + lane * 4)
                                     : vf_load_f16(p + lane * 2);
            for (int i = 0; i < n_tokens; i++)
                acc[v][i] = vf_fma(w, vi_bits(vi_load_quad(s->x[i] + 4 * k)),
                                   acc[v][i]);
        } else if (SIMD_BF16) {
            vi w = vi_load(p + lane * 4);
            for (int i = 0; i < n_tokens; i++)
                acc[v][i] = vf_dot_bf16(acc[v][i], w,
                                        vi_load_quad(s->x[i] + 4 * k));
        } else {
            vi w = vi_load(p + lane * 4);
            vf lo = vi_bits(vi_shl(w, 16));
            vf hi = vi_bits(vi_and(w, vi_set1((int32_t)0xffff0000)));
            for (int i = 0; i < n_tokens; i++) {
                const char *x = s->x[i] + 8 * k;
                acc[v][i] = vf_fma(lo, vi_bits(vi_load_quad(x)), acc[v][i]);
                acc[v][i] = vf_fma(hi, vi_bits(vi_load_quad(x + 4)), acc[v][i]);
            }
        }
    }
}

TILE_INLINE void float_tile(enum float_kind kind, const struct float_span *s,
                            int n_vectors, int n_tokens)
{
    vf acc[FLOAT_VECTORS][FLOAT_TOKENS];

    n_tokens = n_tokens < FLOAT_TOKENS ? n_tokens : FLOAT_TOKENS;
    for (int i = 0; i < n_tokens; i++)
        for (int v = 0; v < n_vectors; v++)
            acc[v][i] = s->step == 0 ? vf_set1(0.0f)
                                     : acc_load(s->y[i] + v * SIMD_N,
                                                s->n_rows - v * SIMD_N);
    for (size_t k = s->step; k < s->end; k++)
        float_step_mul(kind, acc, s, k, n_vectors, n_tokens);
    for (int i = 0; i < n_tokens; i++)
        for (int v = 0; v < n_vectors; v++)
            acc_store(s->y[i] + v * SIMD_N, acc[v][i], s->n_rows - v * SIMD_N);
}

TILE_INLINE void float_tile_any(enum float_kind kind,
                                const struct float_span *s, int n_vectors,
                                size_t n_tokens)
{
    /* A body for each number; those beyond FLOAT_TOKENS vanish. */
    if (n_tokens == FLOAT_TOKENS)
        float_tile(kind, s, n_vectors, FLOAT_TOKENS);
    else if (n_tokens == 1)
        float_tile(kind, s, n_vectors, 1);
    else if (n_tokens == 2)
        float_tile(kind, s, n_vectors, 2);
    else if (FLOAT_TOKENS > 4 && n_tokens == 4)
        float_tile(kind, s, n_vectors, 4);
    else if (FLOAT_TOKENS > 5 && n_tokens == 5)
        float_tile(kind, s, n_vectors, 5);
    else if (FLOAT_TOKENS > 3)
        float_tile(kind, s, n_vectors, 3);
}

/* n_groups (a constant) groups from `group` on, all tokens. */
TILE_INLINE void float_panel(enum float_kind kind, const struct weight_view *w,
                             const struct mul_job *job, size_t group,
                             int n_groups)
{
    size_t n_steps = float_n_steps(kind, w->n_cols);
    size_t size = float_group_size(kind, w->n_cols), n;
    size_t row = group * WEIGHT_GROUP;
    struct float_span s = { .n_rows = (ptrdiff_t)(w->n_rows - row) };

    for (int g = 0; g < n_groups; g++)
        s.group[g] = (const char *)w->data + (group + (size_t)g) * size;
    for (; s.step < n_steps; s.step = s.end) {
        s.end = job->n_tokens > 1 && s.step + FLOAT_STRETCH < n_steps
                ? s.step + FLOAT_STRETCH : n_steps;
        for (size_t t = 0; t < job->n_tokens; t += n) {
            n = tile_tokens(job->n_tokens - t, FLOAT_TOKENS);
            for (size_t i = 0; i < n; i++) {
                s.x[i] = job_row(job, t + i);
                s.y[i] = job->y + (t + i) * job->y_stride + row;
            }
            float_tile_any(kind, &s, n_groups * SIMD_PARTS, n);
        }
    }
}

TILE_INLINE void float_mul(enum float_kind kind, const struct weight_view *w,
                           const struct mul_job *job)
{
    size_t g = job->group, end = job->group + job->n_groups;

    for (; g + FLOAT_GROUPS <= end; g += FLOAT_GROUPS)
        float_panel(kind, w, job, g, FLOAT_GROUPS);
    for (; FLOAT_GROUPS > 1 && g < end; g++)
        float_panel(kind, w, job, g, 1);
}

#endif
