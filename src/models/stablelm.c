/* StableLM: Llama with LayerNorm (with biases) and a rotated quarter of each head.
 * StableLM 2 12B adds a norm of its own for each head of q and k, and attention
 * and MLP side by side, behind one norm.
 *
 * Reference: transformers, models/stablelm. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <stddef.h>

struct layer {
    struct affine    attn_norm, ffn_norm, q_norm, k_norm;
    struct attention attn;
    struct mlp       mlp;
};

#define AT(field) offsetof(struct layer, field)

/* The first two are what GGUF files tell the variants by. */
enum { FFN_NORM, Q_NORM };
static const struct want wants[] = {
    [FFN_NORM] = { "ffn_norm", "post_attention_layernorm", AT(ffn_norm),
      DIM_HIDDEN, DIM_NONE, SPLIT_NONE,
      WANT_NORM | WANT_BIAS | WANT_SERIAL, NULL },
    [Q_NORM] = { "attn_q_norm", "self_attn.q_layernorm.norms.*", AT(q_norm),
      DIM_Q, DIM_NONE, SPLIT_ROWS, WANT_NORM | WANT_QK_NORM, NULL },
    { "attn_k_norm", "self_attn.k_layernorm.norms.*", AT(k_norm),
      DIM_KV, DIM_NONE, SPLIT_ROWS, WANT_NORM | WANT_QK_NORM, NULL },
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM | WANT_BIAS, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer  *l = layer;
    const struct config *c = s->config;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
    if (c->qk_norm) {                               /* k, v [n, kv head, d]  */
        norm_heads(s, s->q, &l->q_norm);
        norm_heads(s, s->k, &l->k_norm);
    }
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->attn.o);         /* x [n, hidden]         */

    if (!c->parallel)                               /* else h is as above    */
        norm(s, s->h, s->x, &l->ffn_norm);          /* h [n, hidden]         */
    gated(s, s->h, &l->mlp);                        /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->mlp.down);       /* x [n, hidden]         */
}

/* In GGUF the tensors tell which variant it is.  There is a key for side by side,
 * but converters write true where config.json is silent; false is always
 * meant. */
static enum err read_variant(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name
        bias = { "use_qkv_bias", NULL },
        head_norms = { "qk_layernorm", NULL },
        parallel = { "use_parallel_residual", "A.use_parallel_residual" };
    bool     gguf = src->keys->naming == NAMING_GGUF;
    enum err e;

    c->parallel = gguf;
    if ((e = keys_bool(&c->attention_bias, src->keys, bias, why)) != ERR_OK
        || (e = keys_bool(&c->qk_norm, src->keys, head_norms, why)) != ERR_OK
        || (e = keys_bool(&c->parallel, src->keys, parallel, why)) != ERR_OK)
        return e;
    if (gguf && bind_has_vector(src->checkpoint, &wants[FFN_NORM], 0))
        c->parallel = false;
    if (gguf)
        c->qk_norm = bind_has_vector(src->checkpoint, &wants[Q_NORM], 0);
    return ERR_OK;
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head = 32, .n_head_kv = 32, .context_length = 4096,
        .norm_eps = 1e-5, .rope_theta = 1e4, .rotary_part = 0.25,
        .layer_norm = true,
    };
    enum err e;

    c->vocab_size = 50304;
    c->pairing = ROPE_HALVES;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK)
        return e;
    return read_variant(c, src, why);
}

const struct arch arch_stablelm = {
    .name = "StableLM",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
