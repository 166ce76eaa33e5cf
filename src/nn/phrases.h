/* The phrases that architectures are written in.  Each runs on all tokens of
 * the step; buffers are rows of f32, [n, width]. */
#ifndef OSMIA_NN_PHRASES_H
#define OSMIA_NN_PHRASES_H

#include "device/device.h"
#include "nn/bind.h"
#include "nn/config.h"
#include "nn/layer_parts.h"

/* One pass over the tokens of a batch, as a layer sees it. */
struct step {
    const struct config *config;
    struct stream       *stream;
    const struct device_ops *ops;
    size_t               n;          /* tokens */
    uint32_t             layer;

    struct buf *x;                   /* the residual stream [n, hidden] */
    struct buf *h;                   /* what a branch reads [n, hidden] */
    struct buf *q, *k, *v;           /* [n, head * d], [n, kv * d] twice */
    struct buf *a;                   /* attention's result [n, head * d] */
    struct buf *c;                   /* latent of the queries [n, q_rank] */
    struct buf *latent_q, *latent_a; /* attention over latents: queries
                                        [n, head * (rank + rope)], result
                                        [n, head * rank] */
    struct buf *g, *u;               /* inside the MLP [n, ffn] */
    struct buf *router;              /* logits of experts [n, n_expert] */
    struct buf *shared_g, *shared_u; /* inside the shared expert [n, shared] */
    struct buf *shared_r;            /* its weight's logit [n, 1] */

    /* private to model.c and phrases.c, one for each kind of layer */
    const struct seq_span *span[LAYER_KINDS_MAX];
    size_t                 n_spans;
    const float           *cos_sin[LAYER_KINDS_MAX];
    struct kv_layer        kv_layer;
};

/* out = norm(in) with the configuration's kind of norm and epsilon. */
void norm(struct step *s, struct buf *out, const struct buf *in,
          const struct affine *w);
/* The same for each head of `x` by itself, in place; w is of one head, for all,
 * or of all heads, each with its own. */
void norm_heads(struct step *s, struct buf *x, const struct affine *w);

/* out = W in + bias */
void project(struct step *s, struct buf *out, const struct buf *in,
             const struct linear *w);
/* out += W in + bias */
void project_add(struct step *s, struct buf *out, const struct buf *in,
                 const struct linear *w);
/* s->q, s->k, s->v of one input, which is prepared once. */
void project_qkv(struct step *s, const struct buf *in,
                 const struct attention *w);

/* Rotate q and k, append k and v to the cache, s->a = attention of q over it.
 * Which rotation, which window and which cache follow from the layer. */
void attend(struct step *s);

/* s->g = act(gate in) * (up in) */
void gated(struct step *s, const struct buf *in, const struct mlp *w);
/* s->g = act(up in): the MLP without a gate */
void activated(struct step *s, const struct buf *in, const struct linear *up);
/* out += in */
void add(struct step *s, struct buf *out, const struct buf *in);

#endif
