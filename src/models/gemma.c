/* Gemma 1: the block of Llama with a scaled embedding, norms of 1 + w and a gate
 * of tanh-GELU.
 *
 * Reference: transformers, models/gemma. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <math.h>
#include <stddef.h>

struct layer {
    struct affine    attn_norm, ffn_norm;
    struct attention attn;
    struct mlp       mlp;
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
                                                    /* k, v [n, kv head, d]  */
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->attn.o);         /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    gated(s, s->h, &l->mlp);                        /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->mlp.down);       /* x [n, hidden]         */
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 16, .head_dim = 256, .context_length = 8192,
        .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct key_name
        ahead = { "use_bidirectional_attention", NULL };
    enum err e;

    c->vocab_size = 256000;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "gelu_pytorch_tanh", why))
        || (e = config_refuse_true(src, ahead, why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    /* Many files say "gelu" and mean the form it was trained with. */
    if (c->activation == ACTIVATION_GELU)
        c->activation = ACTIVATION_GELU_TANH;
    c->pairing = ROPE_HALVES;
    c->embed_scale = sqrtf((float)c->hidden_size);
    c->norm_plus_one = src->keys->naming == NAMING_HF;
    return ERR_OK;
}

const struct arch arch_gemma = {
    .name = "Gemma",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
