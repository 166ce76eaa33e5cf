/* What a weight format is, and how a matrix of weights is multiplied.
 *
 * A matrix has n_rows outputs and n_cols inputs; the file stores its rows one
 * after the other along n_cols.  In memory it has one of two layouts:
 *
 *   ROWS   as in the file (usually mapped), read through `expand`.  Every
 *          format can; activations are f32 and the order of operations is that
 *          of the exact mode, so `--exact` is simply: pack nothing.
 *   TILES  packed at load: groups of 16 rows, so that one vector brings the
 *          same inner position of 16 outputs.  Formats with `pack` only.
 *
 * One output element is always the same sequence of f32 operations, whatever
 * the number of tokens, their place in the batch, the thread or the row:
 *
 *   TILES, ACT_INT8 (every block format with `pack`), b = 0, 1, ... ascending
 *     over sub-blocks of 32 (16 where the format scales every 16):
 *       acc = fma(w_scale[b] * a_scale[b / (32 / len)], (float)isum[b], acc)
 *       acc = fma(w_min[b], a_sum[b], acc)              formats with a minimum
 *     isum = the exact integer sum of (code * activation code);
 *     w_scale, w_min = one f32 each (scale * sub-scale rounded once);
 *     a_sum = a_scale * (float)(sum of the sub-block's activation codes).
 *     Integer formats give equal bits on every instruction set.
 *   TILES, ACT_F32 (f32, f16; bf16 without dot-product instructions),
 *     k ascending:  acc = fma(w[k], x[k], acc)
 *   TILES, ACT_BF16, pairs of k ascending: the CPU's bf16 dot product.
 *   ROWS: 16 partial sums, s[k % 16] = fma(w[k], x[k], s[k % 16]), k ascending;
 *     then s[i] + s[i + 8], of those i + 4, i + 2, i + 1.
 *
 * Tuning may choose only between variants that give these bits. */
#ifndef OSMIA_WEIGHTS_WEIGHT_H
#define OSMIA_WEIGHTS_WEIGHT_H

#include "tensor/dtype.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEIGHT_GROUP = 16 };         /* rows of a packed group */

/* What the activations of a product are converted to.  One prepared row per
 * distinct input row, shared by all matrices that want the same kind. */
enum act_kind {
    ACT_F32,        /* floats, padded with zeros to a multiple of 16 */
    ACT_BF16,       /* bf16 (nearest even), padded to a multiple of 32 */
    ACT_INT8,       /* per 32: 32 codes, scale amax / 127, sums (act.h) */
    ACT_KINDS
};

enum weight_layout { WEIGHT_ROWS, WEIGHT_TILES };

/* Scales that a file keeps beside the weights (fp8, nvfp4): element [r, c] is
 * its expanded value * at[(r / block_rows) * stride + c / block_cols].  One
 * scale for the tensor: block_rows = n_rows, block_cols = n_cols, stride 0.
 * at == NULL: none. */
struct weight_scale {
    const float *at;
    size_t       block_rows, block_cols, stride;
};

/* One matrix, in either layout.  Borrowed memory. */
struct weight_view {
    const struct weight_format *format;
    enum weight_layout layout;
    const void *data;       /* ROWS: row 0.  TILES: group 0, 64-byte aligned */
    size_t n_rows, n_cols;
    size_t row_stride;      /* ROWS: bytes from row to row */
    struct weight_scale scale;      /* ROWS only */
};

/* Rows of a mapped matrix, to be packed. */
struct weight_rows {
    const void *data;
    size_t n_rows;          /* 1 .. 16; fewer are padded with zero rows */
    size_t row_stride;      /* bytes */
    size_t n_cols;
};

/* One share of y = x * transpose(W): groups [group, group + n_groups) of 16
 * rows, for n_tokens prepared activation rows.
 *
 *   y[t * y_stride + r] = sum over k of W[r][k] * x[row t][k]
 *
 * for every row r < n_rows of those groups; nothing else is written.  Calls
 * for disjoint groups may run at the same time.  The inner dimension is never
 * split. */
struct mul_job {
    const void *x;              /* prepared rows of weight_act(view) */
    size_t x_stride;            /* bytes between them: act_size() or more,
                                   a multiple of 64 */
    const uint32_t *x_index;    /* token t uses row x_index[t]; NULL: row t */
    size_t n_tokens;            /* >= 1 */
    float *y;                   /* token 0, row 0 of the matrix */
    size_t y_stride;            /* floats */
    size_t group, n_groups;
    float *scratch;             /* ROWS: weight_scratch_size(view) bytes,
                                   64-byte aligned, one per caller;
                                   TILES: may be NULL */
};

/* One format on one instruction set.  `pack`, `group_size` and `mul` are NULL
 * together for formats that have ROWS only; `quantize` is NULL where it makes
 * no sense. */
struct weight_format {
    enum dtype_id dtype;
    const char   *name;             /* dtype_get(dtype)->name */
    uint32_t      block_len;        /* n below is a multiple of it */

    /* n values, exactly as the reference de-quantises them.  x is aligned to 2
     * bytes where the block has 16-bit fields, as files keep it; f32, f16 and
     * bf16 may lie anywhere.  Any bytes are accepted (scales may be infinite or
     * NaN). */
    void (*expand)(float *y, const void *x, size_t n);

    /* The reference's quantiser, bit for bit.  Values that do not fit (f16
     * overflow) become infinite scales: the caller checks with expand. */
    void (*quantize)(void *y, const float *x, size_t n);

    enum act_kind act;              /* what `mul` wants; ROWS: always ACT_F32 */
    size_t (*group_size)(size_t n_cols);        /* bytes, a multiple of 64 */
    void (*pack)(void *group, const struct weight_rows *rows);
    void (*mul)(const struct weight_view *w, const struct mul_job *job);
};

/* Everything `weights` offers on one instruction set. */
struct weight_table {
    const char *isa;
    const struct weight_format *const *formats;     /* ends with NULL */
    void (*act_prepare)(void *to, enum act_kind kind, const float *x, size_t n);
    void (*mul_rows)(const struct weight_view *w, const struct mul_job *job);
};

/* NULL: no such format (integer tensors, foreign types). */
static inline const struct weight_format *
weight_find(const struct weight_table *table, enum dtype_id dtype)
{
    const struct weight_format *const *f = table->formats;

    while (*f && (*f)->dtype != dtype)
        f++;
    return *f;
}

static inline size_t weight_n_groups(size_t n_rows)
{
    return (n_rows + WEIGHT_GROUP - 1) / WEIGHT_GROUP;
}

/* True when a matrix of this width can be packed. */
static inline bool weight_packs(const struct weight_format *f, size_t n_cols)
{
    return f->pack && n_cols % f->block_len == 0;
}

static inline enum act_kind weight_act(const struct weight_view *w)
{
    return w->layout == WEIGHT_TILES ? w->format->act : ACT_F32;
}

static inline void weight_mul(const struct weight_table *table,
                              const struct weight_view *w,
                              const struct mul_job *job)
{
    if (w->layout == WEIGHT_TILES)
        w->format->mul(w, job);
    else
        table->mul_rows(w, job);
}

/* Bytes of mul_job.scratch. */
size_t weight_scratch_size(const struct weight_view *w);

/* Bytes of one prepared activation row, a multiple of 64. */
size_t act_size(enum act_kind kind, size_t n_cols);

/* What ACT_INT8 lost of a row: rest = x - (what its codes and scales say). */
void act_int8_rest(float *rest, const void *prepared, const float *x,
                   size_t n_cols);

/* Row r of a ROWS view as n_cols floats, companion scales applied. */
void weight_expand_row(float *y, const struct weight_view *w, size_t r);

#endif
