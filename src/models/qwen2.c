/* Qwen1.5 to 2.5: the block of Llama where q, k and v have a bias; and Qwen2-MoE,
 * where experts and a shared one take the place of the MLP of layers.
 *
 * Reference: transformers, models/qwen2 and models/qwen2_moe. */
#include "models/arch_table.h"
#include "nn/config_experts.h"
#include "nn/experts.h"

#include <stddef.h>

struct layer {
    struct affine    attn_norm, ffn_norm;
    struct attention attn;
    struct mlp       mlp;                           /* dense layers */
    struct mixture   moe;                           /* the others */
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
    project_qkv(s, s->h, &l->attn);                 /* q, k, v [n, head, d]  */
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->attn.o);         /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    if (config_is_sparse(s->config, s->layer)) {
        experts(s, s->h, &l->moe);                  /* x [n, hidden]         */
    } else {
        gated(s, s->h, &l->mlp);                    /* g [n, ffn]            */
        project_add(s, s->x, s->g, &l->mlp.down);   /* x [n, hidden]         */
    }
}

static const struct key_name key_layers = { "max_window_layers", NULL };

static enum err configure(struct config *c, const struct config_source *src,
                          const struct config_defaults *d,
                          struct err_info *why)
{
    enum err e;

    c->vocab_size = 151936;
    c->attention_bias = true;
    c->pairing = ROPE_HALVES;
    if ((e = config_read_common(c, src, d, why)) != ERR_OK)
        return e;
    return config_read_activation(c, src, "silu", why);
}

static enum err configure_dense(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 32, .context_length = 32768, .norm_eps = 1e-6,
        .rope_theta = 1e4,
    };
    struct layer_rule rule = { .first = 28 };
    enum err          e;

    if ((e = configure(c, src, &defaults, why)) != ERR_OK
        || (e = keys_uint(&rule.first, src->keys, key_layers,
                          (struct uint_range){ 0, UINT32_MAX }, why)))
        return e;
    return config_split_if_used(c, src, &rule, why);
}

static enum err configure_moe(struct config *c, const struct config_source *src,
                              struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 16, .context_length = 32768, .norm_eps = 1e-6,
        .rope_theta = 1e4,
    };
    static const struct expert_family family = {
        .n_expert = "num_experts", .n_used = "num_experts_per_tok",
        .size = "moe_intermediate_size", .renormalise = "norm_topk_prob",
        .shared_size = "shared_expert_intermediate_size",
        .experts = 60, .used = 4, .width = 1408, .shared = 5632,
    };
    static const struct key_name bias = { "qkv_bias", NULL };
    struct layer_rule rule = { .end = 28, .period = 2 };
    enum err          e;

    c->shared_router = true;
    if ((e = configure(c, src, &defaults, why)) != ERR_OK
        || (e = keys_bool(&c->attention_bias, src->keys, bias, why))
        || (e = config_read_experts(c, src, &family, why)) != ERR_OK
        || (e = config_sparse_steps(c, src, why)) != ERR_OK
        || (e = keys_uint(&rule.end, src->keys, key_layers,
                          (struct uint_range){ 0, UINT32_MAX }, why)))
        return e;
    if (rule.end == 0)               /* here: no layer slides */
        rule.first = UINT32_MAX;
    return config_split_if_used(c, src, &rule, why);
}

const struct arch arch_qwen2 = {
    .name = "Qwen2",
    .configure = configure_dense,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};

const struct arch arch_qwen2_moe = {
    .name = "Qwen2-MoE",
    .configure = configure_moe,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) },
              { &mlp_wants, AT(mlp) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};
