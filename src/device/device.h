/* Who computes.  The phrases of `nn` call one table of operations; what a
 * matrix or a buffer is, only the device knows.
 *
 * A buffer holds rows of f32, one for each token of a step.  A stream runs the
 * operations of a step in the order they are called and owns the scratch memory
 * they need.  Everything that can fail or allocates happens in the *_open
 * calls; the operations of a step cannot fail.
 *
 * A stream and its buffers belong to one thread at a time; matrices and vectors
 * are immutable and shared by any number of streams. */
#ifndef OSMIA_DEVICE_DEVICE_H
#define OSMIA_DEVICE_DEVICE_H

#include "base/err.h"
#include "base/file.h"
#include "base/notice.h"
#include "base/progress.h"
#include "kernels/kernel_table.h"
#include "tensor/dtype.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;
struct matrix;       /* weights [n_rows outputs, n_cols inputs] */
struct vector;       /* f32 [n] */
struct buf;          /* activations [n_max, width] */
struct stream;       /* runs operations in order; owns scratch memory */

/* A part of a file that becomes a matrix or a vector.  `data` (mapped) must
 * outlive a matrix opened with MATRIX_LOOKUP or `exact`, or in a format without
 * packed form. */
struct tensor_source {
    const char         *name;          /* for errors */
    const struct dtype *dtype;
    const uint8_t      *data;
    uint64_t            n_rows, n_cols;
    /* Scales beside the weights: element [r][c] is multiplied by scale
     * [r / block_rows][c / block_cols] of a grid with n_cols columns. */
    const struct dtype *scale_dtype;   /* NULL: there are none */
    const uint8_t      *scale_data;
    uint64_t            scale_block_rows, scale_block_cols;
    uint64_t            scale_n_rows, scale_n_cols;
    uint64_t            place;         /* of `data` in its file; with the name,
                                          what the matrix is known by */
    bool                transposed;    /* data lies as [n_cols][n_rows], scales
                                          too; MATRIX_MUL only */
    /* Called for pieces of `data` as they have been packed, on the opening
     * thread: their pages may go.  NULL: nobody wants to know. */
    void              (*packed)(const void *arg, const uint8_t *from,
                                size_t size);
    const void         *packed_arg;
};

/* A cache of packed weights on disk, for the matrices that are opened between
 * store_begin and store_end. */
struct pack_options {
    const char *folder;
    uint64_t    source;      /* hash of all that the matrices are made of: the
                                files, and what is to be made of them */
    uint64_t    expected;    /* bytes they will take, about */
    uint64_t    max_size;    /* bytes the folder may hold */
    const struct notices *notices;
};

enum matrix_use {
    MATRIX_MUL    = 1,      /* products */
    MATRIX_LOOKUP = 2,      /* single rows (embedding) */
    MATRIX_FINE   = 4       /* products that take their input twice as finely:
                               where activations are rounded to 8 bits, what
                               the rounding lost is rounded and multiplied,
                               too */
};

struct matrix_options {
    unsigned            use;          /* enum matrix_use, or-ed */
    bool                exact;        /* f32 activations, expanded weights */
    const struct dtype *convert_to;   /* NULL: as stored */
};

/* out = W in (+ bias); what happens to it then: */
enum product_end {
    PRODUCT_STORE,          /* out = .. */
    PRODUCT_ADD             /* out += .. (the residual stream) */
};

struct product {
    struct buf          *out;
    const struct matrix *weight;
    const struct vector *bias;       /* NULL: none */
};

/* Several products of one input, in one parallel region. */
enum { PRODUCTS_MAX = 4 };
struct product_set {
    const struct buf *in;
    enum product_end  end;
    size_t            n;             /* 1 .. PRODUCTS_MAX */
    struct product    at[PRODUCTS_MAX];
};

/* gate.out = activation(gate in) * (up in), both biased first; up.weight ==
 * NULL: without the factor.  up.out is scratch. */
struct gate_set {
    const struct buf *in;
    struct product    gate, up;
    enum activation   activation;
};

struct norm_set {
    const struct vector *weight, *bias;    /* NULL: none; longer than `width`:
                                              each piece has its own */
    float                eps;
    bool                 centre;           /* LayerNorm */
    size_t               width;            /* 0: the whole row; else every
                                              `width` elements by themselves */
};

/* A product for each head: `weight[h]` times the beginning of the h-th of
 * n_heads equal pieces of a row of `in` gives the beginning of the h-th piece
 * of `out`; what is behind it in `in` follows behind it in `out`. */
struct heads_op {
    struct buf           *out;
    const struct buf     *in;
    struct matrix *const *weight;
    size_t                n_heads;
};

/* A mixture of experts, each an MLP with a gate: every token goes through the
 * n_used experts that the router's logits choose, and
 *     out += sum over them, by ascending number, of weight * expert(in).
 * The weights of an expert that no token chose are not touched; those of the
 * others are read once, however many tokens chose them. */
struct experts_op {
    struct buf          *out;
    const struct buf    *in;
    const struct buf    *logits;     /* [.., n_expert] */
    const struct vector *correction; /* [n_expert], or NULL */
    struct router        router;
    struct matrix *const *gate, *const *up;    /* [n_expert] */
    struct matrix *const *down;                /* [n_expert] */
    enum activation      activation;
};

/* A run of rows of the step that belong to one sequence. */
struct seq_span {
    uint32_t       row, n;           /* rows row .. row + n - 1 of the buffers */
    uint32_t       pos;              /* of the first; the rest follow */
    struct kv_view view;             /* of the layer's cache group */
};

/* Rotate q and k, append k and v to the cache, then out = attention.  On a
 * LATENT layer q holds, for each head, the query in the space of the latents
 * and its rotated part; k is the latent, v the part of the key that is rotated;
 * out is what the heads gather of the latents. */
struct attn_op {
    struct buf            *out;      /* [.., n_head * attn_value_width] */
    struct buf            *q, *k, *v;
    struct attn_shape      shape;
    const float           *cos_sin;  /* [n][2 * n_pairs], host memory; NULL: no
                                        rotation */
    uint32_t               n_pairs;
    enum rope_pairing      pairing;
    const struct seq_span *span;     /* cover rows 0 .. n - 1, ascending */
    size_t                 n_spans;
};

/* Rows of the output head that somebody wants. */
struct head_op {
    const struct buf    *in;
    const uint32_t      *row;        /* [n_rows] of `in` */
    size_t               n_rows;
    const struct matrix *weight;
    const struct vector *bias;       /* NULL: none */
    float                scale;      /* 1: none */
    float                softcap;    /* 0: none */
    float               *logits;     /* host memory [n_rows][vocab] */
};

/* The largest step a stream must run. */
struct stream_limits {
    size_t   n_tokens;
    size_t   width;                  /* of the widest input of a product */
    uint32_t n_head;
    struct kv_layer layer;           /* of attention; offset and type aside */
    uint32_t n_positions;            /* the longest sequence */
    size_t   head_width;             /* of the widest input of mul_heads; 0 */
    uint32_t n_expert, n_expert_used;     /* 0: experts never run */
    size_t   expert_width;           /* inside one */
};

/* What a stream has computed since it was opened: for benchmarks, and for tests
 * that ask which kernel ran. */
enum tally_unit { TALLY_INT8, TALLY_BF16, TALLY_F32, TALLY_UNITS };
enum { TALLY_ROWS = 8 };
struct tally_row {
    const char *format;              /* of weights; "other": beyond the table */
    bool        packed;
    uint64_t    n_calls, n_ops;
};
struct tally {
    uint64_t n_bytes;                /* of weights and cache, once per step */
    uint64_t n_ops[TALLY_UNITS];     /* multiplications and additions */
    struct tally_row row[TALLY_ROWS];
    size_t   n_rows;
};

struct device_ops {
    const char *name;
    void (*close)(struct device *d);
    /* What is computed with, for people: "cpu/avx2, 2 threads". */
    void (*describe)(const struct device *d, char *text, size_t size);
    unsigned (*n_threads)(const struct device *d);

    /* Packed weights are taken from a cache on disk where it has them, and else
     * kept there.  Nothing that fails in it fails the loading: it is said in
     * a notice.  `folder` and `notices` must last until store_end; complete:
     * all matrices were opened.  store_file: what is mapped of it until the
     * device is closed, or NULL. */
    void (*store_begin)(struct device *d, const struct pack_options *o);
    void (*store_end)(struct device *d, bool complete);
    const struct file *(*store_file)(const struct device *d);

    /* ERR_UNKNOWN: a dtype that is no weight format; ERR_FORMAT: a width that
     * does not divide into blocks, a value that does not fit; ERR_CANCELLED. */
    enum err (*matrix_open)(struct device *d, struct matrix **out,
                            const struct tensor_source *src,
                            const struct matrix_options *o,
                            const struct progress *progress,
                            struct err_info *why);
    void     (*matrix_close)(struct device *d, struct matrix *m);
    /* Bytes that the matrix takes beyond the mapped file, and in all. */
    size_t   (*matrix_bytes)(const struct matrix *m);
    /* The bytes it would take: for memory plans, nothing is read. */
    enum err (*matrix_plan)(const struct device *d, size_t *bytes,
                            const struct tensor_source *src,
                            const struct matrix_options *o,
                            struct err_info *why);

    /* n elements of any float dtype, `add` added to each. */
    enum err (*vector_open)(struct device *d, struct vector **out,
                            const struct tensor_source *src, float add,
                            struct err_info *why);
    void     (*vector_close)(struct device *d, struct vector *v);
    /* Host copy of a vector's values. */
    const float *(*vector_values)(const struct vector *v);

    enum err (*buf_open)(struct device *d, struct buf **out, size_t n_max,
                         size_t width, struct err_info *why);
    void     (*buf_close)(struct device *d, struct buf *b);
    /* Rows [0, n) of a buffer as the host sees them: [n][width], valid until
     * the next operation. */
    const float *(*buf_read)(struct stream *s, const struct buf *b, size_t n);

    enum err (*stream_open)(struct device *d, struct stream **out,
                            const struct stream_limits *limits,
                            struct err_info *why);
    void     (*stream_close)(struct stream *s);
    size_t   (*stream_bytes)(const struct device *d,
                             const struct stream_limits *limits);

    const struct tally *(*tally)(const struct stream *s);

    /* The operations of a step, on rows 0 .. n - 1. */
    void (*embed)(struct stream *s, struct buf *out, const struct matrix *table,
                  const int32_t *token, size_t n, float scale);
    void (*norm)(struct stream *s, struct buf *out, const struct buf *in,
                 size_t n, const struct norm_set *set);
    void (*mul)(struct stream *s, size_t n, const struct product_set *set);
    void (*mul_heads)(struct stream *s, size_t n, const struct heads_op *op);
    void (*gate)(struct stream *s, size_t n, const struct gate_set *set);
    void (*attend)(struct stream *s, size_t n, const struct attn_op *op);
    void (*experts)(struct stream *s, size_t n, const struct experts_op *op);
    /* Each row of x times the sigmoid of `by`'s element in that row. */
    void (*weigh)(struct stream *s, struct buf *x, const struct buf *by,
                  size_t n);
    void (*add)(struct stream *s, struct buf *out, const struct buf *in,
                size_t n);
    void (*head)(struct stream *s, const struct head_op *op);
};

/* What every device begins with. */
struct device {
    const struct device_ops *ops;
};

/* The processor.  The pool is borrowed; NULL: the device makes one of
 * n_threads (0: pool_default_threads).  `isa` NULL: the best one. */
struct pool;
struct cpu_options {
    struct pool *pool;
    unsigned     n_threads;
    const char  *isa;
};
enum err device_cpu_open(struct device **out, const struct cpu_options *o,
                         struct err_info *why);

#endif
