/* Mixtral: the block of Mistral with eight MLPs in place of one, of which every
 * token takes the two that its router likes best.
 *
 * Reference: transformers, models/mixtral. */
#include "models/arch_table.h"
#include "nn/config_experts.h"
#include "nn/experts.h"

#include <stddef.h>

struct layer {
    struct affine    attn_norm, ffn_norm;
    struct attention attn;
    struct mixture   moe;
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
    experts(s, s->h, &l->moe);                      /* x [n, hidden]         */
}

/* The two best of all: softmax over all and then over those that were chosen is
 * the same as over the chosen alone. */
static enum err read_experts(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct expert_family family = {
        .n_expert = "num_local_experts", .n_used = "num_experts_per_tok",
        .experts = 8, .used = 2,
    };
    c->router.renormalise = true;
    return config_read_experts(c, src, &family, why);
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 8, .context_length = 131072, .norm_eps = 1e-5,
        .rope_theta = 1e6,
    };
    static const struct key_name window = { "sliding_window", NULL };
    const struct keys *k = src->keys;
    enum err           e;

    c->vocab_size = 32000;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK
        || (e = read_experts(c, src, why)) != ERR_OK)
        return e;
    /* The converter permutes the rows of q and k, as Llama's. */
    c->pairing = k->naming == NAMING_GGUF ? ROPE_NEIGHBOURS : ROPE_HALVES;
    return keys_uint(&c->kind[0].window, k, window,
                     (struct uint_range){ 0, UINT32_MAX }, why);
}

const struct arch arch_mixtral = {
    .name = "Mixtral",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) },
              { &mixture_wants, AT(moe) } },
    .block = block,
};
