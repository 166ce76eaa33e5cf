/* Qwen3 and Qwen3-MoE: the block of Llama where every head of q and k is normed
 * by itself before its rotation; the latter has experts in place of the MLP of
 * all layers or some.
 *
 * Reference: transformers, models/qwen3 and models/qwen3_moe. */
#include "models/arch_table.h"
#include "nn/config_experts.h"
#include "nn/experts.h"

#include <stddef.h>

struct layer {
    struct affine    attn_norm, ffn_norm, q_norm, k_norm;
    struct attention attn;
    struct mlp       mlp;                           /* dense layers */
    struct mixture   moe;                           /* the others */
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_q_norm", "self_attn.q_norm", AT(q_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_k_norm", "self_attn.k_norm", AT(k_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
    norm_heads(s, s->q, &l->q_norm);                /* k, v [n, kv head, d]  */
    norm_heads(s, s->k, &l->k_norm);
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->attn.o);         /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    if (config_is_sparse(s->config, s->layer)) {
        experts(s, s->h, &l->moe);                  /* x [n, hidden]         */
        return;
    }
    gated(s, s->h, &l->mlp);                        /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->mlp.down);       /* x [n, hidden]         */
}

static enum err configure(struct config *c, const struct config_source *src,
                          const struct config_defaults *d,
                          struct err_info *why)
{
    enum err e;

    c->vocab_size = 151936;
    c->pairing = ROPE_HALVES;
    if ((e = config_read_common(c, src, d, why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    return config_read_activation(c, src, "silu", why);
}

static enum err configure_dense(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 32, .head_dim = 128, .context_length = 32768,
        .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct key_name first = { "max_window_layers", NULL };
    struct layer_rule rule = { .first = 28 };
    enum err          e;

    if ((e = configure(c, src, &defaults, why)) != ERR_OK
        || (e = keys_uint(&rule.first, src->keys, first,
                          (struct uint_range){ 0, UINT32_MAX }, why)))
        return e;
    return config_split_if_used(c, src, &rule, why);
}

/* The head width has no default of its own here, and all layers slide or
 * none. */
static enum err configure_moe(struct config *c, const struct config_source *src,
                              struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 4, .context_length = 32768, .norm_eps = 1e-6,
        .rope_theta = 1e4,
    };
    static const struct expert_family family = {
        .n_expert = "num_experts", .n_expert_also = "num_local_experts",
        .n_used = "num_experts_per_tok", .size = "moe_intermediate_size",
        .renormalise = "norm_topk_prob",
        .experts = 128, .used = 8, .width = 768,
    };
    static const struct layer_rule all = { .first = 0 };
    enum err e;

    /* GGUF does not say so: all that was ever converted renormalises. */
    c->router.renormalise = src->keys->naming == NAMING_GGUF;
    if ((e = configure(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_experts(c, src, &family, why)) != ERR_OK
        || (e = config_sparse_steps(c, src, why)) != ERR_OK)
        return e;
    return config_split_if_used(c, src, &all, why);
}

const struct arch arch_qwen3 = {
    .name = "Qwen3",
    .configure = configure_dense,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};

const struct arch arch_qwen3_moe = {
    .name = "Qwen3-MoE",
    .configure = configure_moe,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) },
              { &mlp_wants, AT(mlp) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};
