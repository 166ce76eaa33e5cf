/* Buffers, scratch memory and the operations on single rows. */
#include "device/cpu.h"

#include "base/checked.h"
#include <assert.h>
#include <stdlib.h>

enum {
    INLINE_FLOATS = 16 * 1024,     /* less work than this is done at once */
    MAX_SPLIT_SIZE = 64 << 20      /* bytes of attention parts */
};

/* ---- buffers ---- */

enum err cpu_buf_open(struct device *d, struct buf **out, size_t n_max,
                      size_t width, struct err_info *why)
{
    struct buf *b = calloc(1, sizeof *b);
    size_t      size;

    (void)d;
    *out = NULL;
    if (b == NULL)
        return fail_nomem(why);
    b->n_max = n_max;
    b->width = width;
    b->stride = cpu_align(width, 16);
    if (!checked_size(&size, n_max, b->stride)
        || !checked_size(&size, size, sizeof(float))
        || (b->at = cpu_alloc_zeros(size)) == NULL) {
        free(b);
        return fail_nomem(why);
    }
    *out = b;
    return ERR_OK;
}

void cpu_buf_close(struct device *d, struct buf *b)
{
    (void)d;
    if (b == NULL)
        return;
    free(b->at);
    free(b);
}

const float *cpu_buf_read(struct stream *s, const struct buf *b, size_t n)
{
    (void)s;
    /* Rows are read one after the other; padding would be seen. */
    assert(n <= b->n_max && (b->stride == b->width || n <= 1));
    (void)n;
    return b->at;
}

/* ---- streams ---- */

/* What a stream's memory is cut into: sizes in bytes, in this order. */
struct layout {
    size_t act[ACT_KINDS];
    size_t tmp, worker, split_acc, split_part, experts, total;
    size_t act_stride[ACT_KINDS], tmp_stride, worker_size, n_split;
};

static size_t segments(uint32_t n_positions)
{
    return ((size_t)n_positions + ATTN_SEGMENT - 1) / ATTN_SEGMENT;
}

/* Bytes of a worker's scratch: rows being expanded, attention, or heads. */
static size_t worker_size(const struct stream_limits *l)
{
    struct weight_view widest = { .n_cols = l->width };
    uint32_t group = attn_group(&l->layer, l->n_head);
    size_t rows = (size_t)attn_tile_rows(group) * group;
    size_t width = attn_value_width(&l->layer);
    size_t attn = 2 * cpu_align(rows * sizeof(struct attn_part), 64)
                + 2 * cpu_align(rows * width * sizeof(float), 64)
                + attn_scratch_size(&l->layer, l->n_head) * sizeof(float);
    size_t expand = weight_scratch_size(&widest);
    size_t heads = cpu_heads_size(l->head_width), most = attn;

    most = expand > most ? expand : most;
    most = heads > most ? heads : most;
    return cpu_align(most, 256) + 256;
}

static void lay_out(struct layout *y, const struct stream_limits *l,
                    unsigned n_threads)
{
    y->total = 0;
    for (int k = 0; k < ACT_KINDS; k++) {
        /* Twice: an input may be taken finely (MATRIX_FINE). */
        y->act_stride[k] = act_size((enum act_kind)k, l->width);
        y->act[k] = k == ACT_F32 ? 0 : 2 * l->n_tokens * y->act_stride[k];
        y->total += cpu_align(y->act[k], 64);
    }
    y->tmp_stride = cpu_align(l->width, 16);
    y->tmp = 2 * l->n_tokens * y->tmp_stride * sizeof(float);
    y->worker_size = worker_size(l);
    y->worker = y->worker_size * n_threads;

    size_t width = attn_value_width(&l->layer);
    size_t row = width * sizeof(float) + sizeof(struct attn_part);
    y->n_split = segments(l->n_positions) * l->n_head;
    if (y->n_split > MAX_SPLIT_SIZE / row)
        y->n_split = MAX_SPLIT_SIZE / row;
    y->split_acc = cpu_align(y->n_split * width * sizeof(float), 64);
    y->split_part = cpu_align(y->n_split * sizeof(struct attn_part), 64);
    y->experts = cpu_experts_place(NULL, NULL, l, n_threads);
    y->total += y->tmp + y->worker + y->split_acc + y->split_part + y->experts;
}

size_t cpu_stream_bytes(const struct device *d,
                        const struct stream_limits *limits)
{
    struct layout y;
    lay_out(&y, limits, d->ops->n_threads(d));
    return y.total;
}

enum err cpu_stream_open(struct device *d, struct stream **out,
                         const struct stream_limits *limits,
                         struct err_info *why)
{
    struct stream *s = calloc(1, sizeof *s);
    struct layout  y;

    *out = NULL;
    if (s == NULL)
        return fail_nomem(why);
    s->cpu = (struct cpu *)d;
    s->limits = *limits;
    s->n_threads = pool_threads(s->cpu->pool);
    lay_out(&y, limits, s->n_threads);
    uint8_t *at = s->memory = cpu_alloc_zeros(y.total);
    if (at == NULL) {
        free(s);
        return fail_nomem(why);
    }
    for (int k = 0; k < ACT_KINDS; k++) {
        s->act[k] = at;
        s->act_stride[k] = y.act_stride[k];
        at += cpu_align(y.act[k], 64);
    }
    s->tmp = (float *)(void *)at;
    s->tmp_stride = y.tmp_stride;
    s->worker = at + y.tmp;
    s->worker_size = y.worker_size;
    s->split_acc = (float *)(void *)(s->worker + y.worker);
    s->split_part = (struct attn_part *)(void *)(s->worker + y.worker
                                                 + y.split_acc);
    s->n_split = y.n_split;
    at = (uint8_t *)s->split_part + y.split_part;
    cpu_experts_place(&s->expert, at, limits, s->n_threads);
    *out = s;
    return ERR_OK;
}

void cpu_stream_close(struct stream *s)
{
    if (s == NULL)
        return;
    free(s->memory);
    free(s);
}

/* ---- operations on rows ---- */

void cpu_each_row(struct stream *s, pool_work *work, void *arg, size_t n,
                  size_t cost)
{
    if (n * cost >= INLINE_FLOATS) {
        pool_run(s->cpu->pool, work, arg, n);
        return;
    }
    pool_run_alone(work, arg, n);
}

struct embed_job {
    struct buf          *out;
    const struct matrix *table;
    const int32_t       *token;
    float                scale;
    const struct kernel_table *kernels;
};

static void embed_row(void *arg, size_t i, unsigned worker)
{
    struct embed_job *j = arg;
    float            *to = j->out->at + i * j->out->stride;

    (void)worker;
    weight_expand_row(to, &j->table->lookup, (size_t)j->token[i]);
    if (j->scale != 1.0f)
        j->kernels->scale(to, j->scale, j->out->width);
}

void cpu_embed(struct stream *s, struct buf *out, const struct matrix *table,
               const int32_t *token, size_t n, float scale)
{
    struct embed_job j = { out, table, token, scale, s->cpu->isa->kernels };
    cpu_each_row(s, embed_row, &j, n, out->width);
}

struct norm_job {
    struct buf       *out;
    const struct buf *in;
    size_t            width;
    const struct norm_set *set;
    const struct kernel_table *kernels;
};

/* Of a vector that may serve every piece of a row, or hold each one's part. */
static const float *piece_of(const struct vector *v, size_t at, size_t width)
{
    return v == NULL ? NULL : v->value + (v->n > width ? at : 0);
}

static void norm_row(void *arg, size_t i, unsigned worker)
{
    struct norm_job       *j = arg;
    const struct norm_set *set = j->set;
    const float           *in = j->in->at + i * j->in->stride;
    float                 *out = j->out->at + i * j->out->stride;

    (void)worker;
    for (size_t at = 0; at < j->in->width; at += j->width) {
        struct norm_args args = {
            .weight = piece_of(set->weight, at, j->width),
            .bias = piece_of(set->bias, at, j->width),
            .eps = set->eps, .centre = set->centre,
        };
        j->kernels->norm(out + at, in + at, j->width, &args);
    }
}

void cpu_norm(struct stream *s, struct buf *out, const struct buf *in, size_t n,
              const struct norm_set *set)
{
    struct norm_job j = {
        .out = out, .in = in, .set = set, .kernels = s->cpu->isa->kernels,
        .width = set->width == 0 ? in->width : set->width,
    };
    cpu_each_row(s, norm_row, &j, n, in->width);
}

struct add_job {
    struct buf       *out;
    const struct buf *in;
    const struct kernel_table *kernels;
};

static void add_row(void *arg, size_t i, unsigned worker)
{
    struct add_job *j = arg;

    (void)worker;
    j->kernels->add(j->out->at + i * j->out->stride,
                    j->in->at + i * j->in->stride, j->out->width);
}

void cpu_add(struct stream *s, struct buf *out, const struct buf *in, size_t n)
{
    struct add_job j = { out, in, s->cpu->isa->kernels };
    cpu_each_row(s, add_row, &j, n, out->width);
}
