/* Attention of a step: rotate and append, then queries in tiles against the
 * cache, segment after segment.
 *
 * With enough tiles for all threads a tile goes over its segments by itself;
 * with few (decoding, long contexts) every segment is a piece of work, and the
 * parts are merged afterwards.  Both ways merge the same parts in the same
 * order, so they give the same bits. */
#include "device/cpu.h"

#include <assert.h>

enum { TILES_PER_THREAD = 4 };

struct attend_job {
    struct stream        *stream;
    const struct attn_op *op;
    size_t                n;
    uint32_t              group, n_runs, tile_rows;   /* runs of group heads */
    size_t                width;   /* of a head's result */
};

static const struct kernel_table *kernels_of(const struct attend_job *j)
{
    return j->stream->cpu->isa->kernels;
}

/* ---- rotate and append ---- */

static const struct seq_span *span_of_row(const struct attn_op *op, size_t row)
{
    size_t lo = 0, hi = op->n_spans;

    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (op->span[mid].row <= row)
            lo = mid;
        else
            hi = mid;
    }
    return &op->span[lo];
}

static void append_row(void *arg, size_t row, unsigned worker)
{
    const struct attend_job *j = arg;
    const struct attn_op    *op = j->op;
    const struct kv_layer   *l = &op->shape.layer;
    const struct seq_span   *span = span_of_row(op, row);
    const struct kernel_table *kernels = kernels_of(j);
    float *q = op->q->at + row * op->q->stride;
    float *k = op->k->at + row * op->k->stride;
    float *v = op->v->at + row * op->v->stride;

    (void)worker;
    if (op->cos_sin != NULL) {
        struct rope_args a = {
            .cos_sin = op->cos_sin + row * 2 * op->n_pairs,
            .n_pairs = op->n_pairs, .pairing = op->pairing,
        };
        if (l->form == KV_LATENT) {
            kernels->rope(q + l->k_width, op->shape.n_head,
                          attn_query_width(l), &a);
            kernels->rope(v, 1, l->v_width, &a);
        } else {
            kernels->rope(q, op->shape.n_head, l->k_width, &a);
            kernels->rope(k, l->n_head_kv, l->k_width, &a);
        }
    }
    kernels->kv_store(&span->view, l, span->pos + (uint32_t)row - span->row,
                      k, v);
}

/* ---- tiles ---- */

/* One tile of queries of one run of heads: those of one kv head, or some of
 * those that share the latents. */
struct tile {
    struct attn_rows rows;
    size_t           row;          /* of the step */
    uint32_t         head;
    uint32_t         first_segment, n_segments;
};

static size_t span_tiles(const struct attend_job *j, const struct seq_span *s)
{
    return ((size_t)s->n + j->tile_rows - 1) / j->tile_rows;
}

static size_t count_tiles(const struct attend_job *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->op->n_spans; i++)
        n += span_tiles(j, &j->op->span[i]);
    return n * j->n_runs;
}

static void make_tile(struct tile *t, const struct attend_job *j,
                      const struct seq_span *s, size_t tile)
{
    const struct attn_op *op = j->op;
    uint32_t first = (uint32_t)(tile / j->n_runs) * j->tile_rows, last;

    t->head = (uint32_t)(tile % j->n_runs);
    t->row = s->row + first;
    t->rows = (struct attn_rows){
        .q = op->q->at + t->row * op->q->stride, .q_stride = op->q->stride,
        .n = s->n - first < j->tile_rows ? s->n - first : j->tile_rows,
        .pos = s->pos + first, .view = s->view,
    };
    last = t->rows.pos + t->rows.n - 1;
    t->first_segment = attn_first_key(op->shape.window, t->rows.pos)
                     / ATTN_SEGMENT;
    t->n_segments = last / ATTN_SEGMENT - t->first_segment + 1;
}

/* The i-th tile of the step.  Spans of many tiles come apart in reverse: the
 * last queries see most and should not be what everybody waits for. */
static void find_tile(struct tile *t, const struct attend_job *j, size_t i)
{
    const struct seq_span *s = j->op->span;
    size_t                 n;

    while (i >= (n = span_tiles(j, s) * j->n_runs)) {
        i -= n;
        s++;
    }
    make_tile(t, j, s, n - 1 - i);
}

static float *carve(uint8_t **at, size_t n_bytes)
{
    float *piece = (float *)(void *)*at;
    *at += cpu_align(n_bytes, 64);
    return piece;
}

static struct attn_scratch scratch_of(const struct attend_job *j,
                                      unsigned worker)
{
    const struct stream *s = j->stream;
    size_t   rows = (size_t)j->tile_rows * j->group;
    uint8_t *at = s->worker + worker * s->worker_size;
    struct attn_scratch a;

    a.total = (struct attn_part *)(void *)carve(&at, rows * sizeof *a.total);
    a.part = (struct attn_part *)(void *)carve(&at, rows * sizeof *a.part);
    a.acc_total = carve(&at, rows * j->width * sizeof(float));
    a.acc = carve(&at, rows * j->width * sizeof(float));
    a.scratch = (float *)(void *)at;
    return a;
}

/* Divide by the sums and write the rows of a tile. */
static void write_tile(const struct attend_job *j, const struct tile *t,
                       const struct attn_part *part, float *acc)
{
    const struct attn_op *op = j->op;
    size_t                width = j->width;

    for (uint32_t r = 0; r < t->rows.n * j->group; r++, acc += width) {
        float  over = 1.0f / part[r].sum;
        float *to = op->out->at + (t->row + r / j->group) * op->out->stride
                  + (t->head * j->group + r % j->group) * width;
        for (size_t i = 0; i < width; i++)
            to[i] = acc[i] * over;
    }
}

/* One segment's part of a tile. */
static void attend_part(const struct attend_job *j, const struct tile *t,
                        uint32_t segment, const struct attn_scratch *a)
{
    const struct kernel_table *k = kernels_of(j);

    (j->op->shape.layer.form == KV_LATENT ? k->attend_latent : k->attend)(
        &j->op->shape, &t->rows, t->head, t->first_segment + segment, a->part,
        a->acc, a->scratch);
}

static void whole_tile(void *arg, size_t i, unsigned worker)
{
    const struct attend_job *j = arg;
    struct attn_scratch      a = scratch_of(j, worker), first = a;
    size_t                   width = j->width;
    struct tile              t;

    find_tile(&t, j, i);
    first.part = a.total;
    first.acc = a.acc_total;
    attend_part(j, &t, 0, &first);
    for (uint32_t s = 1; s < t.n_segments; s++) {
        attend_part(j, &t, s, &a);
        for (uint32_t r = 0; r < t.rows.n * j->group; r++)
            kernels_of(j)->attn_merge(&a.total[r], a.acc_total + r * width,
                                      &a.part[r], a.acc + r * width, width);
    }
    write_tile(j, &t, a.total, a.acc_total);
}

/* ---- split by segments ---- */

/* Rows of parts that tiles before `tile` use, and its own number of units. */
static size_t split_rows(const struct attend_job *j, size_t n_tiles)
{
    struct tile t;
    size_t      n = 0;

    for (size_t i = 0; i < n_tiles; i++) {
        find_tile(&t, j, i);
        n += (size_t)t.n_segments * t.rows.n * j->group;
    }
    return n;
}

static size_t count_units(const struct attend_job *j, size_t n_tiles)
{
    struct tile t;
    size_t      n = 0;

    for (size_t i = 0; i < n_tiles; i++) {
        find_tile(&t, j, i);
        n += t.n_segments;
    }
    return n;
}

static void one_segment(void *arg, size_t unit, unsigned worker)
{
    const struct attend_job *j = arg;
    struct stream           *s = j->stream;
    struct tile              t;
    size_t                   row = 0, tile = 0;
    struct attn_scratch      a = scratch_of(j, worker);

    for (find_tile(&t, j, 0); unit >= t.n_segments; find_tile(&t, j, ++tile)) {
        unit -= t.n_segments;
        row += (size_t)t.n_segments * t.rows.n * j->group;
    }
    row += unit * t.rows.n * j->group;
    a.part = s->split_part + row;
    a.acc = s->split_acc + row * j->width;
    attend_part(j, &t, (uint32_t)unit, &a);
}

static void merge_tiles(void *arg, size_t chunk, unsigned worker)
{
    const struct attend_job *j = arg;
    struct attn_part        *part = j->stream->split_part;
    float                   *acc = j->stream->split_acc;
    size_t                   width = j->width;
    struct tile              t;

    (void)chunk;
    (void)worker;
    for (size_t i = 0, n = count_tiles(j); i < n; i++) {
        find_tile(&t, j, i);
        size_t rows = (size_t)t.rows.n * j->group;
        for (size_t r = rows; r < rows * t.n_segments; r++)
            kernels_of(j)->attn_merge(&part[r % rows],
                                      acc + r % rows * width, &part[r],
                                      acc + r * width, width);
        write_tile(j, &t, part, acc);
        part += rows * t.n_segments;
        acc += rows * t.n_segments * width;
    }
}

static bool worth_splitting(const struct attend_job *j, size_t n_tiles)
{
    return j->stream->n_threads > 1
        && n_tiles < TILES_PER_THREAD * j->stream->n_threads
        && count_units(j, n_tiles) > n_tiles
        && split_rows(j, n_tiles) <= j->stream->n_split;
}

void cpu_attend(struct stream *s, size_t n, const struct attn_op *op)
{
    struct attend_job j = {
        .stream = s, .op = op, .n = n,
        .group = attn_group(&op->shape.layer, op->shape.n_head),
        .width = attn_value_width(&op->shape.layer),
    };
    size_t n_tiles;

    j.n_runs = op->shape.n_head / j.group;
    assert(op->shape.n_head == j.group * j.n_runs);
    j.tile_rows = attn_tile_rows(j.group);
    cpu_tally_attention(&s->tally, op);
    cpu_each_row(s, append_row, &j, n, op->q->width + 4 * op->k->width);
    n_tiles = count_tiles(&j);
    if (!worth_splitting(&j, n_tiles)) {
        pool_run(s->cpu->pool, whole_tile, &j, n_tiles);
        return;
    }
    pool_run(s->cpu->pool, one_segment, &j, count_units(&j, n_tiles));
    pool_run_alone(merge_tiles, &j, 1);
}
