/* The CPU device, as its own files see it. */
#ifndef OSMIA_DEVICE_CPU_H
#define OSMIA_DEVICE_CPU_H

#include "device/device.h"
#include "kernels/dispatch.h"
#include "kernels/pool.h"
#include "weights/weight.h"

struct cpu_store;
struct cpu_chunk;

struct cpu {
    struct device         base;      /* first: a struct device * is one of us */
    const struct isa_set *isa;
    struct pool          *pool;
    bool                  own_pool;
    struct cpu_store     *store;     /* NULL: no cache on disk */
    struct cpu_chunk     *chunks;    /* memory of packed weights */
};

struct matrix {
    struct weight_view mul;          /* products */
    struct weight_view lookup;       /* single rows, as stored */
    bool               fine;         /* MATRIX_FINE, and it makes a difference */
    void              *owned;        /* packed or converted weights in chunks,
                                        or NULL */
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

/* Where an experts_op keeps what it knows of a step: in slots, one for every
 * token and expert that were brought together, sorted by expert, then by
 * token. */
struct expert_scratch {
    float    *score;         /* [n_threads][3 * n_expert] */
    uint32_t *chosen;        /* [n_tokens][n_used] experts */
    float    *weight;        /* [n_tokens][n_used] */
    uint32_t *first;         /* [n_expert + 1] slots */
    uint32_t *active;        /* [n_expert] that have slots, ascending */
    size_t   *start;         /* [n_expert + 1] first chunk of active ones */
    uint32_t *token;         /* [slots] */
    float    *share;         /* [slots] weight of the slot */
    float    *gate, *up;     /* [slots][stride] inside the MLPs */
    size_t    stride;
    uint8_t  *act[ACT_KINDS];     /* [2 slots] gate, prepared */
    float    *sum;           /* [n_tokens][tmp_stride] of the experts' results */
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
    struct expert_scratch expert;
    void                *memory;
    struct tally         tally;
};

/* Aligned to 64 bytes, big ones to huge pages; freed with free. */
void *cpu_alloc(size_t size);
/* The same, of zeros.  What is never touched of a big one takes no memory: work
 * space is for steps of many tokens, and most are of few. */
void *cpu_alloc_zeros(size_t size);

/* Memory for weights: carved from chunks that grow with what is taken, so that
 * many matrices share huge pages and none wastes the rest of one.  NULL: there
 * is none.  By the thread that opens and closes matrices only. */
void *cpu_take(struct cpu *c, size_t size);
void  cpu_give(struct cpu *c, void *at);         /* NULL: nothing */

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

/* Rows of floats, `row[i]` or i, prepared for products: 1 or (fine) 2 each. */
struct prepare_job {
    const float      *x;
    size_t            x_stride, n_cols;
    const uint32_t   *row;        /* NULL: row i */
    uint8_t          *to;
    size_t            stride;
    enum act_kind     kind;
    bool              fine;       /* two rows each: the input, what that lost */
    const struct stream *stream;
};
void cpu_prepare(struct stream *s, struct prepare_job *j, size_t n);

/* One share of a product's rows for all tokens of the job, in steps whose
 * activations stay in the cache. */
void cpu_multiply(struct stream *s, const struct weight_view *w,
                  struct mul_job job, unsigned worker);
/* Fine rows: 2 t and 2 t + 1, `stride` floats apart, become their sum in 2 t. */
void cpu_join(const struct stream *s, float *y, size_t stride, size_t n_tokens,
              size_t n);
/* Groups of a chunk: enough chunks of n_groups to even out what threads get,
 * none so small that taking it costs more than doing it.  `work`:
 * multiply-adds of a group. */
size_t cpu_chunk_groups(const struct stream *s, size_t n_groups, size_t work);

/* Bytes of an expert_scratch; with `at`, takes them from there on. */
size_t cpu_experts_place(struct expert_scratch *x, uint8_t *at,
                         const struct stream_limits *l, unsigned n_threads);

enum err cpu_matrix_open(struct device *d, struct matrix **out,
                         const struct tensor_source *src,
                         const struct matrix_options *o,
                         const struct progress *progress, struct err_info *why);
void     cpu_matrix_close(struct device *d, struct matrix *m);
size_t   cpu_matrix_bytes(const struct matrix *m);
enum err cpu_matrix_plan(const struct device *d, size_t *bytes,
                         const struct tensor_source *src,
                         const struct matrix_options *o, struct err_info *why);
/* Of a transposed source: what it is once turned (f32, no data yet) and what is
 * to be made of that; and the turned values, [n_rows][n_cols]. */
void     cpu_turned(struct tensor_source *flat, struct matrix_options *made);
enum err cpu_turn(struct cpu *c, float *to, const struct tensor_source *src,
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
void cpu_experts(struct stream *s, size_t n, const struct experts_op *op);
void cpu_weigh(struct stream *s, struct buf *x, const struct buf *by, size_t n);

#endif
