/* OLMo 2: the parts of Llama, but each branch reads the residual stream as it is
 * and is normed behind, and q and k are normed over all heads together, before
 * they are cut into heads.
 *
 * Reference: transformers, models/olmo2. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <stddef.h>

struct layer {
    struct affine    attn_post, ffn_post, q_norm, k_norm;
    struct attention attn;
    struct mlp       mlp;
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_q_norm", "self_attn.q_norm", AT(q_norm), DIM_Q, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_k_norm", "self_attn.k_norm", AT(k_norm), DIM_KV, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "post_attention_norm", "post_attention_layernorm", AT(attn_post),
      DIM_HIDDEN, DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "post_ffw_norm", "post_feedforward_layernorm", AT(ffn_post), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    project_qkv(s, s->x, &l->attn);                 /* q [n, head * d]       */
    norm(s, s->q, s->q, &l->q_norm);                /* k, v [n, kv head * d] */
    norm(s, s->k, s->k, &l->k_norm);
    attend(s);                                      /* a [n, head, d]        */
    project(s, s->h, s->a, &l->attn.o);             /* h [n, hidden]         */
    norm(s, s->h, s->h, &l->attn_post);
    add(s, s->x, s->h);                             /* x [n, hidden]         */

    gated(s, s->x, &l->mlp);                        /* g [n, ffn]            */
    project(s, s->h, s->g, &l->mlp.down);           /* h [n, hidden]         */
    norm(s, s->h, s->h, &l->ffn_post);
    add(s, s->x, s->h);                             /* x [n, hidden]         */
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head = 32, .context_length = 2048, .norm_eps = 1e-5,
        .rope_theta = 1e4,
    };
    /* Its successor has windows and the same name in GGUF. */
    static const struct key_name
        window = { NULL, "A.attention.sliding_window" };
    uint32_t none = 0;
    enum err e;

    c->vocab_size = 50304;
    c->pairing = ROPE_HALVES;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    return keys_uint(&none, src->keys, window, (struct uint_range){ 0, 0 }, why);
}

const struct arch arch_olmo2 = {
    .name = "OLMo 2",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
