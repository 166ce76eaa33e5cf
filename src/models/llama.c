/* Llama 1 to 3.x and what shares its block: SmolLM, TinyLlama, Yi, Vicuna,
 * Mistral (with a window on every layer where the file says so).
 *
 * Reference: transformers, models/llama and models/mistral. */
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
      SPLIT_NONE, WANT_NORM, "ln1" },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, "ln2" },
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

/* What both families share; `d` are the defaults of their classes. */
static enum err configure(struct config *c, const struct config_source *src,
                          const struct config_defaults *d,
                          struct err_info *why)
{
    enum err e;

    c->vocab_size = 32000;
    /* The converter permutes the rows of q and k of these families. */
    c->pairing = src->keys->naming == NAMING_GGUF ? ROPE_NEIGHBOURS
                                                  : ROPE_HALVES;
    if ((e = config_read_common(c, src, d, why)) != ERR_OK)
        return e;
    return config_read_activation(c, src, "silu", why);
}

static enum err configure_llama(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .context_length = 2048, .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct key_name mlp_bias = { "mlp_bias", NULL };
    enum err e;

    if ((e = configure(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    return keys_bool(&c->mlp_bias, src->keys, mlp_bias, why);
}

static enum err configure_mistral(struct config *c,
                                  const struct config_source *src,
                                  struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 8, .context_length = 131072, .norm_eps = 1e-6,
        .rope_theta = 1e4,
    };
    static const struct key_name window = { "sliding_window", NULL };
    enum err e = configure(c, src, &defaults, why);

    if (e != ERR_OK || keys_is_null(src->keys, window))
        return e;
    c->kind[0].window = 4096;
    return keys_uint(&c->kind[0].window, src->keys, window,
                     (struct uint_range){ 0, UINT32_MAX }, why);
}

const struct arch arch_llama = {
    .name = "Llama",
    .configure = configure_llama,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};

const struct arch arch_mistral = {
    .name = "Mistral",
    .configure = configure_mistral,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
