/* Products with weights: one parallel region for several matrices that share an
 * input.  Work is cut along the rows of the matrices, never along the inner
 * dimension; what follows a product (bias, residual, gate) is done on the piece
 * while it is warm. */
#include "device/cpu.h"

#include <assert.h>
#include <string.h>

enum {
    CHUNKS_PER_THREAD = 8,
    CHUNK_WORK = 64 * 1024,       /* multiply-adds that a chunk has at least */
    TOKEN_BYTES = 1024 * 1024,    /* activations that stay in L2 */
    TOKENS_LEAST = 96             /* for fewer at a time, unpacking the weights
                                     again would cost more than L2 gives */
};

/* ---- preparing activations ---- */

static void prepare_row(void *arg, size_t i, unsigned worker)
{
    struct prepare_job *j = arg;
    const struct stream *s = j->stream;
    const struct weight_table *weights = s->cpu->isa->weights;
    const float *x = j->x + (j->row == NULL ? i : j->row[i]) * j->x_stride;
    uint8_t *to = j->to + i * j->stride * (j->fine ? 2 : 1);

    weights->act_prepare(to, j->kind, x, j->n_cols);
    if (j->fine) {
        float *rest = (float *)(void *)(s->worker + worker * s->worker_size);
        act_int8_rest(rest, to, x, j->n_cols);
        weights->act_prepare(to + j->stride, j->kind, rest, j->n_cols);
    }
}

void cpu_prepare(struct stream *s, struct prepare_job *j, size_t n)
{
    j->stream = s;
    j->stride = act_size(j->kind, j->n_cols);
    cpu_each_row(s, prepare_row, j, n, j->n_cols);
}

/* ---- one region ---- */

enum ending { END_STORE, END_ADD, END_GATE };

struct piece {
    const struct matrix *weight;
    const struct vector *bias;
    float  *y;
    size_t  stride;
    float  *add_to;               /* END_ADD */
    size_t  add_stride;
};

struct region {
    struct stream    *stream;
    const struct buf *in;
    const uint32_t   *row;        /* of `in`, for f32 products; NULL: row t */
    size_t            n;          /* tokens */
    size_t            fan;        /* prepared rows of a token: 1, fine: 2 */
    enum ending       ending;
    enum activation   activation;
    struct piece      piece[PRODUCTS_MAX];
    size_t            n_pieces;
    size_t            groups;     /* of a chunk */
    size_t            start[PRODUCTS_MAX + 1];   /* first chunk of a piece */
};

/* Prepare the rows of a region's input for every kind in `kinds` (bits) but
 * f32, for which the buffer itself will do. */
static void prepare(const struct region *r, unsigned kinds)
{
    struct stream    *s = r->stream;
    const struct buf *in = r->in;

    for (int k = 0; k < ACT_KINDS; k++) {
        if (k == ACT_F32 || !(kinds >> k & 1))
            continue;
        struct prepare_job j = {
            .x = in->at, .x_stride = in->stride, .n_cols = in->width,
            .row = r->row, .to = s->act[k], .kind = (enum act_kind)k,
            .fine = r->fan == 2,
        };
        cpu_prepare(s, &j, r->n);
    }
}

void cpu_multiply(struct stream *s, const struct weight_view *w,
                  struct mul_job job, unsigned worker)
{
    size_t n = job.n_tokens;
    size_t step = TOKEN_BYTES / job.x_stride;

    step = step < TOKENS_LEAST ? TOKENS_LEAST : step;
    step = n / ((n + step - 1) / step) + 1;        /* equal steps */
    job.scratch = (float *)(void *)(s->worker + worker * s->worker_size);
    for (size_t t = 0; t < n; t += step) {
        job.n_tokens = n - t < step ? n - t : step;
        weight_mul(s->cpu->isa->weights, w, &job);
        if (job.x_index != NULL)
            job.x_index += job.n_tokens;
        else
            job.x = (const uint8_t *)job.x + job.n_tokens * job.x_stride;
        job.y += job.n_tokens * job.y_stride;
    }
}

/* y = W x for groups [group, group + n_groups), all tokens. */
static void multiply(const struct region *r, const struct piece *p,
                     size_t group, size_t n_groups, unsigned worker)
{
    struct stream            *s = r->stream;
    const struct weight_view *w = &p->weight->mul;
    enum act_kind  kind = weight_act(w);
    struct mul_job job = {
        .x = s->act[kind], .x_stride = act_size(kind, r->in->width),
        .n_tokens = r->n * r->fan,
        .y = p->y, .y_stride = p->stride / r->fan,
        .group = group, .n_groups = n_groups,
    };

    if (kind == ACT_F32) {
        job.x = r->in->at;
        job.x_stride = r->in->stride * sizeof(float);
        job.x_index = r->row;
    }
    cpu_multiply(s, w, job, worker);
}

void cpu_join(const struct stream *s, float *y, size_t stride, size_t n_tokens,
              size_t n)
{
    for (size_t t = 0; t < n_tokens; t++, y += 2 * stride)
        s->cpu->isa->kernels->add(y, y + stride, n);
}

static void add_bias(const struct region *r, const struct piece *p, size_t from,
                     size_t n)
{
    for (size_t t = 0; p->bias != NULL && t < r->n; t++)
        r->stream->cpu->isa->kernels->add(p->y + t * p->stride + from,
                                          p->bias->value + from, n);
}

static void finish(const struct region *r, const struct piece *p, size_t from,
                   size_t n)
{
    const struct kernel_table *k = r->stream->cpu->isa->kernels;

    for (size_t t = 0; t < r->n; t++) {
        float *y = p->y + t * p->stride + from;
        if (r->ending == END_ADD)
            k->add(p->add_to + t * p->add_stride + from, y, n);
        else if (r->n_pieces == 1)
            k->gate(y, NULL, n, r->activation);
        else
            k->gate(y, p[1].y + t * p[1].stride + from, n, r->activation);
    }
}

/* A gate region's chunk computes the same rows of both matrices. */
static void chunk(void *arg, size_t i, unsigned worker)
{
    const struct region *r = arg;
    size_t at = 0, together = r->ending == END_GATE ? r->n_pieces : 1;

    while (r->ending != END_GATE && i >= r->start[at + 1])
        at++;
    const struct piece *p = &r->piece[at];
    size_t group = (i - r->start[at]) * r->groups;
    size_t left = weight_n_groups(p->weight->mul.n_rows) - group;
    size_t n_groups = left < r->groups ? left : r->groups;
    size_t from = group * WEIGHT_GROUP, n = n_groups * WEIGHT_GROUP;

    n = p->weight->mul.n_rows - from < n ? p->weight->mul.n_rows - from : n;
    for (size_t k = 0; k < together; k++) {
        multiply(r, &p[k], group, n_groups, worker);
        if (r->fan == 2)
            cpu_join(r->stream, p[k].y + from, p[k].stride / 2, r->n, n);
        add_bias(r, &p[k], from, n);
    }
    if (r->ending != END_STORE)
        finish(r, p, from, n);
}

size_t cpu_chunk_groups(const struct stream *s, size_t n_groups, size_t work)
{
    size_t groups = n_groups / (s->n_threads * CHUNKS_PER_THREAD);

    if (groups * work < CHUNK_WORK)
        groups = CHUNK_WORK / work + 1;
    /* Kernels walk 2 or 4 groups in step. */
    return (groups + 3) / 4 * 4;
}

/* Cut the pieces into chunks. */
static size_t cut(struct region *r)
{
    size_t groups = 0, n_cut = r->ending == END_GATE ? 1 : r->n_pieces;
    size_t work = WEIGHT_GROUP * r->in->width * r->n;

    for (size_t i = 0; i < n_cut; i++)
        groups += weight_n_groups(r->piece[i].weight->mul.n_rows);
    if (r->ending == END_GATE)
        work *= r->n_pieces;
    r->groups = cpu_chunk_groups(r->stream, groups, work);
    for (size_t i = 0; i < n_cut; i++) {
        size_t n = weight_n_groups(r->piece[i].weight->mul.n_rows);
        r->start[i + 1] = r->start[i] + (n + r->groups - 1) / r->groups;
    }
    return r->start[n_cut];
}

static void run(struct region *r)
{
    unsigned kinds = 0;

    for (size_t i = 0; i < r->n_pieces; i++) {
        assert(r->piece[i].weight->mul.n_cols == r->in->width);
        kinds |= 1u << weight_act(&r->piece[i].weight->mul);
        cpu_tally_product(&r->stream->tally, r->piece[i].weight, r->n);
    }
    prepare(r, kinds);
    r->start[0] = 0;
    pool_run(r->stream->cpu->pool, chunk, r, cut(r));
}

/* ---- operations ---- */

static struct piece piece_of(const struct product *p)
{
    return (struct piece){
        .weight = p->weight, .bias = p->bias,
        .y = p->out->at, .stride = p->out->stride,
    };
}

void cpu_mul(struct stream *s, size_t n, const struct product_set *set)
{
    struct region r = { .stream = s, .in = set->in, .n = n, .fan = 1,
                        .n_pieces = set->n };

    assert(set->n >= 1 && set->n <= PRODUCTS_MAX);
    for (size_t i = 0; i < set->n; i++)
        r.piece[i] = piece_of(&set->at[i]);
    if (set->end == PRODUCT_ADD) {
        assert(set->n == 1);
        r.ending = END_ADD;
        r.piece[0].add_to = r.piece[0].y;
        r.piece[0].add_stride = r.piece[0].stride;
        r.fan = set->at[0].weight->fine ? 2 : 1;
        r.piece[0].y = s->tmp;
        r.piece[0].stride = r.fan * s->tmp_stride;
    }
    run(&r);
}

void cpu_gate(struct stream *s, size_t n, const struct gate_set *set)
{
    struct region r = { .stream = s, .in = set->in, .n = n, .fan = 1,
                        .ending = END_GATE,
                        .activation = set->activation, .n_pieces = 1 };

    r.piece[0] = piece_of(&set->gate);
    if (set->up.weight != NULL) {
        r.piece[1] = piece_of(&set->up);
        r.n_pieces = 2;
    }
    run(&r);
}

void cpu_head(struct stream *s, const struct head_op *op)
{
    size_t vocab = op->weight->mul.n_rows;
    struct region r = {
        .stream = s, .in = op->in, .row = op->row, .n = op->n_rows, .fan = 1,
        .n_pieces = 1,
        .piece = { { .weight = op->weight, .bias = op->bias,
                     .y = op->logits, .stride = vocab } },
    };

    if (op->n_rows == 0)
        return;
    run(&r);
    for (size_t i = 0; i < op->n_rows; i++) {
        if (op->scale != 1.0f)
            s->cpu->isa->kernels->scale(op->logits + i * vocab, op->scale,
                                        vocab);
        if (op->softcap != 0.0f)
            s->cpu->isa->kernels->softcap(op->logits + i * vocab, op->softcap,
                                          vocab);
    }
}
