#include "nn/phrases.h"

static struct norm_set norm_set(const struct step *s, const struct affine *w,
                                size_t width)
{
    return (struct norm_set){
        .weight = w->weight, .bias = w->bias, .eps = s->config->norm_eps,
        .centre = s->config->norm_centre, .width = width,
    };
}

void norm(struct step *s, struct buf *out, const struct buf *in,
          const struct affine *w)
{
    struct norm_set set = norm_set(s, w, 0);
    s->ops->norm(s->stream, out, in, s->n, &set);
}

void norm_heads(struct step *s, struct buf *x, const struct affine *w)
{
    struct norm_set set = norm_set(s, w, s->config->head_dim);
    s->ops->norm(s->stream, x, x, s->n, &set);
}

static struct product product(struct buf *out, const struct linear *w)
{
    return (struct product){ .out = out, .weight = w->weight, .bias = w->bias };
}

void project(struct step *s, struct buf *out, const struct buf *in,
             const struct linear *w)
{
    struct product_set set = { .in = in, .n = 1, .end = PRODUCT_STORE,
                               .at = { product(out, w) } };
    s->ops->mul(s->stream, s->n, &set);
}

void project_add(struct step *s, struct buf *out, const struct buf *in,
                 const struct linear *w)
{
    struct product_set set = { .in = in, .n = 1, .end = PRODUCT_ADD,
                               .at = { product(out, w) } };
    s->ops->mul(s->stream, s->n, &set);
}

void project_qkv(struct step *s, const struct buf *in,
                 const struct attention *w)
{
    struct product_set set = {
        .in = in, .n = 3, .end = PRODUCT_STORE,
        .at = { product(s->q, &w->q), product(s->k, &w->k),
                product(s->v, &w->v) },
    };
    s->ops->mul(s->stream, s->n, &set);
}

void attend(struct step *s)
{
    const struct config     *c = s->config;
    const struct layer_kind *kind = config_kind(c, s->layer);
    size_t                   at = (size_t)(kind - c->kind);
    struct attn_op op = {
        .out = s->a, .q = s->q, .k = s->k, .v = s->v,
        .shape = { .layer = s->kv_layer, .n_head = c->n_head,
                   .window = kind->window, .scale = c->attn_scale,
                   .softcap = c->attn_softcap },
        .cos_sin = kind->no_rope ? NULL : s->cos_sin[at],
        .n_pairs = kind->rope.width / 2, .pairing = c->pairing,
        .span = s->span[at], .n_spans = s->n_spans,
    };
    s->ops->attend(s->stream, s->n, &op);
}

void gated(struct step *s, const struct buf *in, const struct mlp *w)
{
    struct gate_set set = {
        .in = in, .gate = product(s->g, &w->gate), .up = product(s->u, &w->up),
        .activation = s->config->activation,
    };
    s->ops->gate(s->stream, s->n, &set);
}

void activated(struct step *s, const struct buf *in, const struct linear *up)
{
    struct mlp w = { .gate = *up };

    gated(s, in, &w);
}

void add(struct step *s, struct buf *out, const struct buf *in)
{
    s->ops->add(s->stream, out, in, s->n);
}
