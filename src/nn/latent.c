#include "nn/latent.h"

#include <stddef.h>

#define AT(field) offsetof(struct latent, field)

static const struct want wants[] = {
    { "attn_q", "self_attn.q_proj", AT(q), DIM_Q_DIRECT, DIM_HIDDEN,
      SPLIT_ROWS, 0, NULL },
    { "attn_q_a", "self_attn.q_a_proj", AT(q_a), DIM_Q_RANK, DIM_HIDDEN,
      SPLIT_NONE, WANT_BIAS_ATTN, NULL },
    { "attn_q_a_norm", "self_attn.q_a_layernorm", AT(q_a_norm), DIM_Q_RANK,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "attn_q_b", "self_attn.q_b_proj", AT(q_b), DIM_Q, DIM_Q_RANK,
      SPLIT_ROWS, 0, NULL },
    { "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa", AT(kv_a), DIM_LATENT,
      DIM_HIDDEN, SPLIT_NONE, WANT_BIAS_ATTN, NULL },
    { "attn_k_pe", "self_attn.kv_a_proj_with_mqa", AT(k_pe), DIM_LATENT_ROPE,
      DIM_HIDDEN, SPLIT_NONE, WANT_BIAS_ATTN, NULL },
    { "attn_kv_a_norm", "self_attn.kv_a_layernorm", AT(kv_a_norm), DIM_LATENT,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "attn_k_b", "self_attn.kv_b_proj", AT(k_b), DIM_LATENT, DIM_NOPE,
      SPLIT_ROWS, WANT_STACK | WANT_HEADS, NULL },
    { "attn_v_b", "self_attn.kv_b_proj", AT(v_b), DIM_VALUE, DIM_LATENT,
      SPLIT_ROWS, WANT_STACK | WANT_HEADS, NULL },
};

#undef AT

const struct want_table latent_wants = { wants, sizeof wants / sizeof wants[0] };

/* x = norm(x) with the epsilon of latents. */
static void norm_latent(struct step *s, struct buf *x, const struct affine *w)
{
    struct norm_set set = { .weight = w->weight,
                            .eps = s->config->latent.norm_eps };
    s->ops->norm(s->stream, x, x, s->n, &set);
}

static void queries(struct step *s, const struct buf *in,
                    const struct latent *l)
{
    if (l->q.weight != NULL) {
        project(s, s->q, in, &l->q);                /* q [n, head, nope+rope] */
        return;
    }
    project(s, s->c, in, &l->q_a);                  /* c [n, q_rank]          */
    norm_latent(s, s->c, &l->q_a_norm);
    project(s, s->q, s->c, &l->q_b);                /* q [n, head, nope+rope] */
}

/* Of one input, which is prepared once. */
static void latents(struct step *s, const struct buf *in,
                    const struct latent *l)
{
    struct product_set set = {
        .in = in, .n = 2, .end = PRODUCT_STORE,
        .at = { { s->k, l->kv_a.weight, l->kv_a.bias },
                { s->v, l->k_pe.weight, l->k_pe.bias } },
    };

    s->ops->mul(s->stream, s->n, &set);             /* v [n, rope]            */
    norm_latent(s, s->k, &l->kv_a_norm);            /* k [n, rank]            */
}

/* Queries are latent_q [n, head, rank + rope], the result latent_a [n, head,
 * rank]. */
static void gather(struct step *s)
{
    const struct config *c = s->config;
    struct attn_op op = {
        .out = s->latent_a, .q = s->latent_q, .k = s->k, .v = s->v,
        .shape = { .layer = s->kv_layer, .n_head = c->n_head,
                   .scale = c->attn_scale, .softcap = c->attn_softcap },
        .cos_sin = s->cos_sin[0], .n_pairs = c->latent.rope / 2,
        .pairing = c->pairing, .span = s->span[0], .n_spans = s->n_spans,
    };

    s->ops->attend(s->stream, s->n, &op);
}

void attend_latent(struct step *s, const struct buf *in,
                   const struct latent *l)
{
    struct heads_op into = { .out = s->latent_q, .in = s->q,
                             .weight = l->k_b.at, .n_heads = l->k_b.n };
    struct heads_op back = { .out = s->a, .in = s->latent_a,
                             .weight = l->v_b.at, .n_heads = l->v_b.n };

    queries(s, in, l);
    latents(s, in, l);
    s->ops->mul_heads(s->stream, s->n, &into);
    gather(s);
    s->ops->mul_heads(s->stream, s->n, &back);      /* a [n, head, value]     */
}
