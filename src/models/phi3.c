/* Phi-3, Phi-3.5 and Phi-4: the block of Llama from fused matrices (binding takes
 * them apart), heads that may be rotated in part, and positions stretched by two
 * lists of factors, of which the declared length picks one (longrope).
 *
 * Reference: transformers, models/phi3. */
#include "models/arch_table.h"
#include "nn/phrases.h"

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

/* Older GGUF files of the models with 4096 positions lost the window. */
static bool lost_window(const struct config *c)
{
    return (c->n_layer == 32 || c->n_layer == 40) && c->context_length == 4096;
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .context_length = 4096, .norm_eps = 1e-5, .rope_theta = 1e4,
        .rotary_part = 1,
    };
    static const struct key_name
        window = { "sliding_window", "A.attention.sliding_window" };
    const struct keys *k = src->keys;
    enum err           e;

    c->vocab_size = 32064;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK)
        return e;
    c->pairing = ROPE_HALVES;
    if (k->naming == NAMING_GGUF && lost_window(c))
        c->kind[0].window = 2047;
    return keys_uint(&c->kind[0].window, k, window,
                     (struct uint_range){ 0, UINT32_MAX }, why);
}

const struct arch arch_phi3 = {
    .name = "Phi-3",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
