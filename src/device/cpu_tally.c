/* Counting what a step computes: a few additions for each product, so it is
 * always on. */
#include "device/cpu.h"

static struct tally_row *row_of(struct tally *t, const char *format,
                                bool packed)
{
    for (size_t i = 0; i < t->n_rows; i++)
        if (t->row[i].format == format && t->row[i].packed == packed)
            return &t->row[i];
    if (t->n_rows == TALLY_ROWS) {
        t->row[TALLY_ROWS - 1].format = "other";
        return &t->row[TALLY_ROWS - 1];
    }
    t->row[t->n_rows] = (struct tally_row){ format, packed, 0, 0 };
    return &t->row[t->n_rows++];
}

static uint64_t view_size(const struct weight_view *w)
{
    if (w->layout == WEIGHT_TILES)
        return weight_n_groups(w->n_rows) * w->format->group_size(w->n_cols);
    return (uint64_t)w->n_rows * w->row_stride;
}

void cpu_tally_product(struct tally *t, const struct matrix *m, size_t n)
{
    static const enum tally_unit unit[ACT_KINDS] = {
        [ACT_F32] = TALLY_F32, [ACT_BF16] = TALLY_BF16, [ACT_INT8] = TALLY_INT8,
    };
    const struct weight_view *w = &m->mul;
    uint64_t n_ops = 2 * (uint64_t)n * w->n_rows * w->n_cols;
    struct tally_row *row = row_of(t, w->format->name,
                                   w->layout == WEIGHT_TILES);

    row->n_calls++;
    row->n_ops += n_ops;
    t->n_ops[unit[weight_act(w)]] += n_ops;
    t->n_bytes += view_size(w);
}

/* Keys that the n queries from `pos` on see, all together. */
static uint64_t n_keys(uint32_t window, uint64_t pos, uint64_t n)
{
    uint64_t whole = n * pos + n * (n + 1) / 2;

    return window > 0 && whole > n * window ? n * window : whole;
}

void cpu_tally_attention(struct tally *t, const struct attn_op *op)
{
    const struct kv_layer *l = &op->shape.layer;
    uint64_t per_key = kv_row_size(l->type, l->k_width)
                     + kv_row_size(l->type, l->v_width);

    for (size_t i = 0; i < op->n_spans; i++) {
        const struct seq_span *s = &op->span[i];
        uint64_t seen = n_keys(op->shape.window, s->pos, s->n);
        uint64_t last = n_keys(op->shape.window, s->pos + s->n - 1, 1);

        t->n_bytes += last * per_key * l->n_head_kv;
        t->n_ops[TALLY_F32] += 2 * seen * op->shape.n_head
                             * (l->k_width + l->v_width);
    }
}

const struct tally *cpu_tally(const struct stream *s)
{
    return &s->tally;
}
