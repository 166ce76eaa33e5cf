/* Phi-1, Phi-1.5 and Phi-2: attention and an MLP without a gate read the same
 * LayerNorm and are added side by side; everything has a bias, the head too.
 * Heads of q and k may be normed, all by the same weights.
 *
 * Reference: transformers, models/phi. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <stddef.h>

struct layer {
    struct affine    norm, q_norm, k_norm;
    struct attention attn;
    struct linear    up, down;
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM | WANT_BIAS, NULL },
    { "attn_q", "self_attn.q_proj", AT(attn.q), DIM_Q, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS, NULL },
    { "attn_k", "self_attn.k_proj", AT(attn.k), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS, NULL },
    { "attn_v", "self_attn.v_proj", AT(attn.v), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS, NULL },
    { NULL, "self_attn.q_layernorm", AT(q_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM | WANT_BIAS | WANT_QK_NORM, NULL },
    { NULL, "self_attn.k_layernorm", AT(k_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM | WANT_BIAS | WANT_QK_NORM, NULL },
    { "attn_output", "self_attn.dense", AT(attn.o), DIM_HIDDEN, DIM_Q,
      SPLIT_COLS, WANT_BIAS | WANT_FINE, NULL },
    { "ffn_up", "mlp.fc1", AT(up), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS, NULL },
    { "ffn_down", "mlp.fc2", AT(down), DIM_HIDDEN, DIM_FFN,
      SPLIT_COLS, WANT_BIAS | WANT_FINE, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->norm);                  /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
    if (s->config->qk_norm) {                       /* k, v [n, kv head, d]  */
        norm_heads(s, s->q, &l->q_norm);
        norm_heads(s, s->k, &l->k_norm);
    }
    attend(s);                                      /* a [n, head, d]        */
    activated(s, s->h, &l->up);                     /* g [n, ffn]            */
    project_add(s, s->x, s->a, &l->attn.o);         /* x [n, hidden]         */
    project_add(s, s->x, s->g, &l->down);           /* x [n, hidden]         */
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .context_length = 2048, .norm_eps = 1e-5, .rope_theta = 1e4,
        .rotary_part = 0.5, .layer_norm = true,
    };
    static const struct key_name head_norms = { "qk_layernorm", NULL };
    enum err e;

    c->vocab_size = 51200;
    c->pairing = ROPE_HALVES;
    c->head_bias = true;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "gelu_new", why)) != ERR_OK)
        return e;
    return keys_bool(&c->qk_norm, src->keys, head_norms, why);
}

const struct arch arch_phi2 = {
    .name = "Phi-2",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .block = block,
};
