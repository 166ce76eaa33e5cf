/* DeepSeek V1 (DeepSeek-MoE): the block of Llama, where from some layer on a
 * mixture of experts with shared ones takes the place of the MLP.
 *
 * Reference: the modelling code published with the model (transformers has no
 * class for it); paper: arXiv 2401.06066. */
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
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
                                                    /* k, v [n, kv head, d]  */
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
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .context_length = 2048, .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct expert_family family = {
        .n_expert = "n_routed_experts", .n_used = "num_experts_per_tok",
        .size = "moe_intermediate_size", .renormalise = "norm_topk_prob",
        .n_shared = "n_shared_experts", .score = "scoring_func",
        .width = 1407,
    };
    enum err e;

    c->vocab_size = 102400;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK
        || (e = config_read_experts(c, src, &family, why)) != ERR_OK)
        return e;
    /* The converter permutes the rows of q and k, as Llama's. */
    c->pairing = src->keys->naming == NAMING_GGUF ? ROPE_NEIGHBOURS
                                                  : ROPE_HALVES;
    return config_leading_dense(c, src, 0, why);
}

const struct arch arch_deepseek = {
    .name = "DeepSeek",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) },
              { &mlp_wants, AT(mlp) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};
