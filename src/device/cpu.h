/* The CPU device, as its own files see it. */
#ifndef OSMIA_DEVICE_CPU_H
#define OSMIA_DEVICE_CPU_H

#include "device/device.h"
#include "kernels/dispatch.h"
#include "kernels/pool.h"
#include "weights/weight.h"

struct cpu {
    struct device         base;      /* first: a struct device * is one of us */
    const struct isa_set *isa;
    struct pool          *pool;
    bool                  own_pool;
};

struct matrix {
    struct weight_view mul;          /* products */
    struct weight_view lookup;       /* single rows, as stored */
    bool               fine;         /* MATRIX_FINE, and it makes a difference */
    void              *owned;        /* packed or converted weights, or NULL */
    size_t             owned_size;
    float             *scale;        /* companion scales as f32, or NULL */
    size_t             mapped_size;  /* of rows that stay in the file */
};

struct vector {
    size_t n;
    float  value[];
};

/* Rows are padded with zeros to a multiple of 16 floats, and no operation ever
 * writes the padding: a row is its own prepared form for f32 products. */
struct buf {
    size_t n_max, width, stride;     /* stride in floats */
    float *at;
};

/* Scratch of one worker in attention. */
struct attn_scratch {
    struct attn_part *total, *part;  /* [tile rows * group] */
    float            *acc_total, *acc, *scratch;
};

struct stream {
    struct cpu          *cpu;
    struct stream_limits limits;
    unsigned             n_threads;
    size_t               act_stride[ACT_KINDS];   /* bytes of a prepared row */
    uint8_t             *act[ACT_KINDS];          /* [2 n_tokens]; f32: NULL */
    float               *tmp;                     /* [2 n_tokens][tmp_stride] */
    size_t               tmp_stride;
    uint8_t             *worker;                  /* [n_threads][worker_size] */
    size_t               worker_size;
    float               *split_acc;      /* parts of attention in split form */
    struct attn_part    *split_part;
    size_t               n_split;        /* rows that both hold */
    void                *memory;
    struct tally         tally;
};

/* Aligned to 64 bytes, big ones to huge pages; freed with free. */
void *cpu_alloc(size_t size);

static inline size_t cpu_align(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

/* Enter a product of a matrix with n tokens, or the attention of a step. */
void cpu_tally_product(struct tally *t, const struct matrix *m, size_t n);
void cpu_tally_attention(struct tally *t, const struct attn_op *op);
const struct tally *cpu_tally(const struct stream *s);

/* Run over n rows: on the calling thread when that is a small thing, else
 * shared out in pieces.  `cost` is the number of floats touched per row. */
void cpu_each_row(struct stream *s, pool_work *work, void *arg, size_t n,
                  size_t cost);

enum err cpu_matrix_open(struct device *d, struct matrix **out,
                         const struct tensor_source *src,
                         const struct matrix_options *o,
                         const struct progress *progress, struct err_info *why);
void     cpu_matrix_close(struct device *d, struct matrix *m);
size_t   cpu_matrix_bytes(const struct matrix *m);
enum err cpu_matrix_plan(const struct device *d, size_t *bytes,
                         const struct tensor_source *src,
                         const struct matrix_options *o, struct err_info *why);
/* The same two for a source that is transposed. */
enum err cpu_transposed_open(struct device *d, struct matrix **out,
                             const struct tensor_source *src,
                             const struct matrix_options *o,
                             struct err_info *why);
enum err cpu_transposed_plan(const struct device *d, size_t *bytes,
                             const struct tensor_source *src,
                             const struct matrix_options *o,
                             struct err_info *why);
enum err cpu_vector_open(struct device *d, struct vector **out,
                         const struct tensor_source *src, float add,
                         struct err_info *why);
void     cpu_vector_close(struct device *d, struct vector *v);
const float *cpu_vector_values(const struct vector *v);

enum err cpu_buf_open(struct device *d, struct buf **out, size_t n_max,
                      size_t width, struct err_info *why);
void     cpu_buf_close(struct device *d, struct buf *b);
const float *cpu_buf_read(struct stream *s, const struct buf *b, size_t n);
enum err cpu_stream_open(struct device *d, struct stream **out,
                         const struct stream_limits *limits,
                         struct err_info *why);
void     cpu_stream_close(struct stream *s);
size_t   cpu_stream_bytes(const struct device *d,
                          const struct stream_limits *limits);

void cpu_embed(struct stream *s, struct buf *out, const struct matrix *table,
               const int32_t *token, size_t n, float scale);
void cpu_norm(struct stream *s, struct buf *out, const struct buf *in, size_t n,
              const struct norm_set *set);
void cpu_add(struct stream *s, struct buf *out, const struct buf *in, size_t n);
void cpu_mul(struct stream *s, size_t n, const struct product_set *set);
void cpu_mul_heads(struct stream *s, size_t n, const struct heads_op *op);
/* Bytes of scratch that a worker needs for inputs of `width`. */
size_t cpu_heads_size(size_t width);
void cpu_gate(struct stream *s, size_t n, const struct gate_set *set);
void cpu_head(struct stream *s, const struct head_op *op);
void cpu_attend(struct stream *s, size_t n, const struct attn_op *op);

#endif
