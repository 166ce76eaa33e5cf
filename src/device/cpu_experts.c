/* A mixture of experts.  The tokens of a step are sorted by the experts they
 * chose, into slots; then there are two parallel regions:
 *
 *   1. for every expert that was chosen, pieces of the rows of gate and up:
 *      the slots' inner values;
 *   2. for pieces of the output's rows: all chosen experts in ascending order,
 *      summed up for each token, then added to the output.
 *
 * So the order of the sum is that of the experts' numbers whatever the batch and
 * the threads are, and no two workers write to the same place.  Why not an expert
 * per worker: a step of one token has few experts, and they would have to wait
 * for each other in the sum. */
#include "device/cpu.h"

#include <assert.h>
#include <string.h>

struct mixture_run {
    struct stream           *s;
    const struct experts_op *op;
    size_t                   n;          /* tokens */
    size_t                   n_active;
    size_t                   groups;     /* of a chunk in the second region */
};

/* ---- memory ---- */

static size_t take(size_t *at, size_t n, size_t size)
{
    size_t here = *at;

    *at += cpu_align(n * size, 64);
    return here;
}

size_t cpu_experts_place(struct expert_scratch *x, uint8_t *at,
                         const struct stream_limits *l, unsigned n_threads)
{
    size_t e = l->n_expert, n = l->n_tokens, slots = n * l->n_expert_used;
    size_t stride = cpu_align(l->expert_width, 16), size = 0, act[ACT_KINDS];
    size_t score = take(&size, (size_t)n_threads * 3 * e, sizeof *x->score);
    size_t chosen = take(&size, slots, sizeof *x->chosen);
    size_t weight = take(&size, slots, sizeof *x->weight);
    size_t first = take(&size, e + 1, sizeof *x->first);
    size_t active = take(&size, e, sizeof *x->active);
    size_t start = take(&size, e + 1, sizeof *x->start);
    size_t token = take(&size, slots, sizeof *x->token);
    size_t share = take(&size, slots, sizeof *x->share);
    size_t gate = take(&size, slots * stride, sizeof *x->gate);
    size_t up = take(&size, slots * stride, sizeof *x->up);
    size_t sum = take(&size, n * cpu_align(l->width, 16), sizeof *x->sum);

    for (int k = 0; k < ACT_KINDS; k++)
        act[k] = take(&size, k == ACT_F32 ? 0 : 2 * slots,
                      act_size((enum act_kind)k, l->expert_width));
    if (e == 0 || at == NULL)
        return e == 0 ? 0 : size;
    *x = (struct expert_scratch){
        .score = (void *)(at + score), .chosen = (void *)(at + chosen),
        .weight = (void *)(at + weight), .first = (void *)(at + first),
        .active = (void *)(at + active), .start = (void *)(at + start),
        .token = (void *)(at + token), .share = (void *)(at + share),
        .gate = (void *)(at + gate), .up = (void *)(at + up),
        .sum = (void *)(at + sum), .stride = stride,
    };
    for (int k = 0; k < ACT_KINDS; k++)
        x->act[k] = at + act[k];
    return size;
}

/* ---- tokens to experts ---- */

static void route_row(void *arg, size_t i, unsigned worker)
{
    const struct mixture_run *m = arg;
    const struct experts_op  *op = m->op;
    struct expert_scratch    *x = &m->s->expert;
    size_t n = op->router.n_expert, used = op->router.n_used;
    float *score = x->score + worker * 3 * n;

    memcpy(score, op->logits->at + i * op->logits->stride, n * sizeof *score);
    m->s->cpu->isa->kernels->route(
        x->chosen + i * used, x->weight + i * used, score,
        op->correction == NULL ? NULL : op->correction->value, &op->router);
}

/* Counting sort: by expert, and each expert's slots by token. */
static void sort_slots(struct mixture_run *m)
{
    struct expert_scratch *x = &m->s->expert;
    size_t n_expert = m->op->router.n_expert, used = m->op->router.n_used;

    memset(x->first, 0, (n_expert + 1) * sizeof *x->first);
    for (size_t i = 0; i < m->n * used; i++)
        x->first[x->chosen[i] + 1]++;
    m->n_active = 0;
    for (size_t e = 0; e < n_expert; e++) {
        if (x->first[e + 1] > 0)
            x->active[m->n_active++] = (uint32_t)e;
        x->first[e + 1] += x->first[e];
    }
    for (size_t i = 0; i < m->n * used; i++) {
        uint32_t at = x->first[x->chosen[i]]++;
        x->token[at] = (uint32_t)(i / used);
        x->share[at] = x->weight[i];
    }
    /* Every first has become the next one's. */
    memmove(x->first + 1, x->first, n_expert * sizeof *x->first);
    x->first[0] = 0;
}

static size_t n_slots(const struct mixture_run *m, size_t expert)
{
    const struct expert_scratch *x = &m->s->expert;
    return x->first[expert + 1] - x->first[expert];
}

/* ---- gate and up ---- */

static size_t inner_groups(const struct mixture_run *m, size_t expert)
{
    const struct weight_view *w = &m->op->gate[expert]->mul;

    return cpu_chunk_groups(m->s, weight_n_groups(w->n_rows),
                            2 * WEIGHT_GROUP * w->n_cols
                            * n_slots(m, expert));
}

static size_t cut_inner(const struct mixture_run *m)
{
    struct expert_scratch *x = &m->s->expert;

    x->start[0] = 0;
    for (size_t a = 0; a < m->n_active; a++) {
        size_t e = x->active[a], groups = inner_groups(m, e);
        size_t all = weight_n_groups(m->op->gate[e]->mul.n_rows);
        x->start[a + 1] = x->start[a] + (all + groups - 1) / groups;
    }
    return x->start[m->n_active];
}

/* The active expert that chunk i belongs to. */
static size_t active_at(const struct mixture_run *m, size_t i)
{
    const size_t *start = m->s->expert.start;
    size_t low = 0, high = m->n_active;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(start[middle] <= i ? &low : &high) = middle;
    }
    return low;
}

/* y = W x of the expert's tokens, rows of `in`. */
static void multiply_in(const struct mixture_run *m, const struct matrix *w,
                        float *y, size_t expert, struct mul_job job,
                        unsigned worker)
{
    struct stream                *s = m->s;
    const struct expert_scratch  *x = &s->expert;
    const struct buf             *in = m->op->in;
    enum act_kind                 kind = weight_act(&w->mul);

    job.x = kind == ACT_F32 ? (const void *)in->at : s->act[kind];
    job.x_stride = kind == ACT_F32 ? in->stride * sizeof(float)
                                   : act_size(kind, in->width);
    job.x_index = x->token + x->first[expert];
    job.n_tokens = n_slots(m, expert);
    job.y = y + x->first[expert] * x->stride;
    job.y_stride = x->stride;
    cpu_multiply(s, &w->mul, job, worker);
}

static void inner_chunk(void *arg, size_t i, unsigned worker)
{
    const struct mixture_run    *m = arg;
    const struct expert_scratch *x = &m->s->expert;
    size_t a = active_at(m, i), e = x->active[a];
    size_t rows = m->op->gate[e]->mul.n_rows, groups = inner_groups(m, e);
    size_t group = (i - x->start[a]) * groups;
    size_t left = weight_n_groups(rows) - group, from = group * WEIGHT_GROUP;
    struct mul_job job = { .group = group,
                           .n_groups = left < groups ? left : groups };
    size_t n = job.n_groups * WEIGHT_GROUP;

    n = rows - from < n ? rows - from : n;
    multiply_in(m, m->op->gate[e], x->gate, e, job, worker);
    multiply_in(m, m->op->up[e], x->up, e, job, worker);
    for (size_t t = x->first[e]; t < x->first[e + 1]; t++)
        m->s->cpu->isa->kernels->gate(x->gate + t * x->stride + from,
                                      x->up + t * x->stride + from, n,
                                      m->op->activation);
}

/* ---- down, and the sum ---- */

/* y [slots of the expert][fan] = W x */
static void multiply_down(const struct mixture_run *m, size_t expert,
                          struct mul_job job, unsigned worker)
{
    struct stream               *s = m->s;
    const struct expert_scratch *x = &s->expert;
    const struct matrix         *w = m->op->down[expert];
    enum act_kind kind = weight_act(&w->mul);
    size_t        fan = w->fine ? 2 : 1, slot = x->first[expert] * fan;

    job.x_stride = kind == ACT_F32 ? x->stride * sizeof(float)
                                   : act_size(kind, w->mul.n_cols);
    job.x = (kind == ACT_F32 ? (const uint8_t *)x->gate : x->act[kind])
          + slot * job.x_stride;
    job.n_tokens = n_slots(m, expert) * fan;
    job.y = s->tmp;
    job.y_stride = s->tmp_stride;
    cpu_multiply(s, &w->mul, job, worker);
}

static void add_expert(const struct mixture_run *m, size_t expert, size_t from,
                       size_t n)
{
    struct stream               *s = m->s;
    const struct expert_scratch *x = &s->expert;
    size_t fan = m->op->down[expert]->fine ? 2 : 1;

    if (fan == 2)
        cpu_join(s, s->tmp + from, s->tmp_stride, n_slots(m, expert), n);
    for (size_t i = 0; i < n_slots(m, expert); i++) {
        size_t slot = x->first[expert] + i;
        s->cpu->isa->kernels->add_scaled(
            x->sum + x->token[slot] * s->tmp_stride + from,
            s->tmp + i * fan * s->tmp_stride + from, x->share[slot], n);
    }
}

static void outer_chunk(void *arg, size_t i, unsigned worker)
{
    const struct mixture_run    *m = arg;
    const struct expert_scratch *x = &m->s->expert;
    struct buf *out = m->op->out;
    size_t group = i * m->groups, from = group * WEIGHT_GROUP;
    size_t left = weight_n_groups(out->width) - group;
    struct mul_job job = { .group = group,
                           .n_groups = left < m->groups ? left : m->groups };
    size_t n = job.n_groups * WEIGHT_GROUP;

    n = out->width - from < n ? out->width - from : n;
    for (size_t t = 0; t < m->n; t++)
        memset(x->sum + t * m->s->tmp_stride + from, 0, n * sizeof *x->sum);
    for (size_t a = 0; a < m->n_active; a++) {
        multiply_down(m, x->active[a], job, worker);
        add_expert(m, x->active[a], from, n);
    }
    for (size_t t = 0; t < m->n; t++)
        m->s->cpu->isa->kernels->add(out->at + t * out->stride + from,
                                     x->sum + t * m->s->tmp_stride + from, n);
}

/* ---- the operation ---- */

/* What the matrices want their input as (bits), and whether finely. */
static unsigned kinds_of(const struct mixture_run *m,
                         struct matrix *const *list, bool *fine)
{
    unsigned kinds = 0;

    for (size_t a = 0; a < m->n_active; a++) {
        const struct matrix *w = list[m->s->expert.active[a]];
        kinds |= 1u << weight_act(&w->mul);
        *fine = *fine || w->fine;
    }
    return kinds & ~(1u << ACT_F32);     /* floats are taken as they are */
}

static void prepare_in(const struct mixture_run *m)
{
    const struct buf *in = m->op->in;
    bool     fine = false;
    unsigned kinds = kinds_of(m, m->op->gate, &fine)
                   | kinds_of(m, m->op->up, &fine);

    assert(!fine);
    for (int k = 0; k < ACT_KINDS; k++) {
        struct prepare_job j = {
            .x = in->at, .x_stride = in->stride, .n_cols = in->width,
            .to = m->s->act[k], .kind = (enum act_kind)k,
        };
        if (kinds >> k & 1)
            cpu_prepare(m->s, &j, m->n);
    }
}

static void prepare_inner(const struct mixture_run *m)
{
    struct expert_scratch *x = &m->s->expert;
    bool     fine = false;
    unsigned kinds = kinds_of(m, m->op->down, &fine);

    for (int k = 0; k < ACT_KINDS; k++) {
        struct prepare_job j = {
            .x = x->gate, .x_stride = x->stride,
            .n_cols = m->op->down[0]->mul.n_cols,
            .to = x->act[k], .kind = (enum act_kind)k,
            .fine = fine && k == ACT_INT8,
        };
        if (kinds >> k & 1)
            cpu_prepare(m->s, &j, m->n * m->op->router.n_used);
    }
}

static void count(struct mixture_run *m)
{
    struct tally *t = &m->s->tally;

    for (size_t a = 0; a < m->n_active; a++) {
        size_t e = m->s->expert.active[a], n = n_slots(m, e);
        cpu_tally_product(t, m->op->gate[e], n);
        cpu_tally_product(t, m->op->up[e], n);
        cpu_tally_product(t, m->op->down[e], n);
    }
}

void cpu_experts(struct stream *s, size_t n, const struct experts_op *op)
{
    struct mixture_run m = { .s = s, .op = op, .n = n };
    struct pool       *pool = s->cpu->pool;
    size_t             n_groups = weight_n_groups(op->out->width);

    assert(op->router.n_expert == s->limits.n_expert);
    assert(op->router.n_used == s->limits.n_expert_used);
    cpu_each_row(s, route_row, &m, n,
                 (size_t)op->router.n_expert * op->router.n_used);
    sort_slots(&m);
    count(&m);
    prepare_in(&m);
    pool_run(pool, inner_chunk, &m, cut_inner(&m));
    prepare_inner(&m);
    m.groups = cpu_chunk_groups(s, n_groups,
                                WEIGHT_GROUP * op->down[0]->mul.n_cols * n
                                * op->router.n_used);
    pool_run(pool, outer_chunk, &m, (n_groups + m.groups - 1) / m.groups);
}

/* ---- a weight for each token ---- */

struct weigh_job {
    struct buf       *x;
    const struct buf *by;
    const struct kernel_table *kernels;
};

static void weigh_row(void *arg, size_t i, unsigned worker)
{
    struct weigh_job *j = arg;
    float             by = j->by->at[i * j->by->stride];

    (void)worker;
    j->kernels->sigmoid(&by, 1);
    j->kernels->scale(j->x->at + i * j->x->stride, by, j->x->width);
}

void cpu_weigh(struct stream *s, struct buf *x, const struct buf *by, size_t n)
{
    struct weigh_job j = { x, by, s->cpu->isa->kernels };
    cpu_each_row(s, weigh_row, &j, n, x->width);
}
