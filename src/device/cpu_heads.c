/* One small product for each head, every head with its own weights and its own
 * piece of a row.  A piece of work is one head and some tokens: it prepares
 * what it needs by itself, so that a step is one parallel region. */
#include "device/cpu.h"

#include <assert.h>
#include <string.h>

enum { TOKENS = 64 };                /* of a piece of work */

struct heads_job {
    struct stream         *stream;
    const struct heads_op *op;
    size_t n, in_step, out_step;     /* floats from head to head */
};

/* Rows of the worker's scratch, then the scratch of the product. */
size_t cpu_heads_size(size_t width)
{
    struct weight_view widest = { .n_cols = width };
    size_t             row = 0;

    for (int k = 0; k < ACT_KINDS; k++)
        row = act_size((enum act_kind)k, width) > row
            ? act_size((enum act_kind)k, width) : row;
    return width == 0 ? 0 : TOKENS * row + weight_scratch_size(&widest);
}

/* What the matrix does not take of a piece stands behind its result. */
static void pass_rest(const struct heads_job *j, const struct weight_view *w,
                      size_t t, size_t head)
{
    const float *from = j->op->in->at + t * j->op->in->stride
                      + head * j->in_step + w->n_cols;
    float *to = j->op->out->at + t * j->op->out->stride
              + head * j->out_step + w->n_rows;

    memcpy(to, from, (j->in_step - w->n_cols) * sizeof *to);
}

static void one_head(void *arg, size_t piece, unsigned worker)
{
    const struct heads_job   *j = arg;
    struct stream            *s = j->stream;
    const struct heads_op    *op = j->op;
    size_t                    head = piece % op->n_heads;
    size_t                    first = piece / op->n_heads * TOKENS;
    const struct weight_view *w = &op->weight[head]->mul;
    const struct weight_table *weights = s->cpu->isa->weights;
    enum act_kind  kind = weight_act(w);
    uint8_t       *x = s->worker + worker * s->worker_size;
    struct mul_job job = {
        .x = x, .x_stride = act_size(kind, w->n_cols),
        .n_tokens = j->n - first < TOKENS ? j->n - first : TOKENS,
        .y = op->out->at + first * op->out->stride + head * j->out_step,
        .y_stride = op->out->stride, .n_groups = weight_n_groups(w->n_rows),
    };

    assert(j->in_step - w->n_cols == j->out_step - w->n_rows);
    for (size_t t = 0; t < job.n_tokens; t++)
        weights->act_prepare(x + t * job.x_stride, kind,
                             op->in->at + (first + t) * op->in->stride
                             + head * j->in_step, w->n_cols);
    job.scratch = (float *)(void *)(x + TOKENS * job.x_stride);
    weight_mul(weights, w, &job);
    for (size_t t = 0; t < job.n_tokens; t++)
        pass_rest(j, w, first + t, head);
}

void cpu_mul_heads(struct stream *s, size_t n, const struct heads_op *op)
{
    struct heads_job j = {
        .stream = s, .op = op, .n = n,
        .in_step = op->in->width / op->n_heads,
        .out_step = op->out->width / op->n_heads,
    };

    pool_run(s->cpu->pool, one_head, &j,
             op->n_heads * ((n + TOKENS - 1) / TOKENS));
}
