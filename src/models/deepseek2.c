/* DeepSeek V2, V3 and R1: multi-head latent attention, and from some layer on a
 * mixture of experts with shared ones.
 *
 * Reference: transformers, models/deepseek_v2 and models/deepseek_v3; papers:
 * arXiv 2405.04434 and 2412.19437. */
#include "models/arch_table.h"
#include "nn/config_experts.h"
#include "nn/experts.h"
#include "nn/latent.h"

#include <stddef.h>

struct layer {
    struct affine  attn_norm, ffn_norm;
    struct latent  attn;
    struct linear  o;
    struct mlp     mlp;                             /* dense layers */
    struct mixture moe;                             /* the others */
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_output", "self_attn.o_proj", AT(o), DIM_HIDDEN, DIM_O,
      SPLIT_COLS, WANT_BIAS_ATTN | WANT_FINE, NULL },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    attend_latent(s, s->h, &l->attn);               /* a [n, head, value]    */
    project_add(s, s->x, s->a, &l->o);              /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    if (config_is_sparse(s->config, s->layer)) {
        experts(s, s->h, &l->moe);                  /* x [n, hidden]         */
        return;
    }
    gated(s, s->h, &l->mlp);                        /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->mlp.down);       /* x [n, hidden]         */
}

/* Files of V2 and of V3 that do not say their groups. */
static const struct old_groups old_groups[] = {
    { 160, 8, 3 }, { 256, 8, 4 }, { 0, 0, 0 },
};

/* With the defaults of V2. */
static const struct expert_family names = {
    .n_expert = "n_routed_experts", .n_used = "num_experts_per_tok",
    .size = "moe_intermediate_size", .n_shared = "n_shared_experts",
    .scale = "routed_scaling_factor", .score = "scoring_func",
    .n_group = "n_group", .n_group_used = "topk_group", .experts = 64,
    .width = 1407, .n_shared_default = 2, .old_groups = old_groups,
};

/* What both classes share; `family` and c hold their defaults. */
static enum err configure(struct config *c, const struct config_source *src,
                          const struct expert_family *family,
                          uint32_t first_dense, struct err_info *why)
{
    static const struct latent_config latent = {
        .q_rank = 1536, .rank = 512, .nope = 128, .rope = 64, .value = 128,
        .norm_eps = 1e-6f,
    };
    const struct config_defaults defaults = {
        .context_length = c->context_length, .norm_eps = 1e-6,
        .rope_theta = 1e4, .latent = &latent,
    };
    enum err e;

    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK
        || (e = config_read_experts(c, src, family, why)) != ERR_OK)
        return e;
    return config_leading_dense(c, src, first_dense, why);
}

/* Also what GGUF calls deepseek2, V3 included. */
static enum err configure_v2(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name method = { "topk_method", NULL },
                                 mlp_bias = { "mlp_bias", NULL };
    struct expert_family family = names;
    struct slice name = SLICE("greedy");
    enum err     e = keys_string(&name, src->keys, method, why);

    c->vocab_size = 102400;
    c->context_length = 2048;
    c->pairing = ROPE_NEIGHBOURS;
    if (slice_is(name, "greedy"))
        family.n_group = NULL;
    else if (e == ERR_OK)
        e = config_expect(src, method, "group_limited_greedy", why);
    if (e != ERR_OK
        || (e = keys_bool(&c->mlp_bias, src->keys, mlp_bias, why)) != ERR_OK)
        return e;
    return configure(c, src, &family, 0, why);
}

static enum err configure_v3(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name pairs = { "rope_interleave", NULL };
    struct expert_family family = names;
    bool     neighbours = true;
    enum err e = keys_bool(&neighbours, src->keys, pairs, why);

    family.renormalise = "norm_topk_prob";
    family.experts = 256;
    family.width = 2048;
    family.n_shared_default = 1;
    c->vocab_size = 129280;
    c->context_length = 4096;
    c->pairing = neighbours ? ROPE_NEIGHBOURS : ROPE_HALVES;
    c->router_bias = true;
    c->router = (struct router){ .score = ROUTER_SIGMOID, .scale = 2.5f,
                                 .renormalise = true, .n_group = 8 };
    return e != ERR_OK ? e : configure(c, src, &family, 3, why);
}

const struct arch arch_deepseek2 = {
    .name = "DeepSeek V2",
    .configure = configure_v2,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &latent_wants, AT(attn) },
              { &mlp_wants, AT(mlp) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};

const struct arch arch_deepseek3 = {
    .name = "DeepSeek V3",
    .configure = configure_v3,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &latent_wants, AT(attn) },
              { &mlp_wants, AT(mlp) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};
