/* Llama 1 to 3.x and what shares its block: SmolLM, TinyLlama, Yi, Vicuna,
 * Mistral (with a window on every layer where the file says so).
 *
 * Reference: transformers, models/llama and models/mistral. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <stddef.h>

struct layer {
    struct affine attn_norm, ffn_norm;
    struct linear q, k, v, o;
    struct linear gate, up, down;
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, "ln1" },
    { "attn_q", "self_attn.q_proj", AT(q), DIM_Q, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_k", "self_attn.k_proj", AT(k), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_v", "self_attn.v_proj", AT(v), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_output", "self_attn.o_proj", AT(o), DIM_HIDDEN, DIM_Q,
      SPLIT_COLS, WANT_BIAS_ATTN | WANT_FINE, NULL },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, "ln2" },
    { "ffn_gate", "mlp.gate_proj", AT(gate), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_MLP, NULL },
    { "ffn_up", "mlp.up_proj", AT(up), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_MLP, NULL },
    { "ffn_down", "mlp.down_proj", AT(down), DIM_HIDDEN, DIM_FFN,
      SPLIT_COLS, WANT_BIAS_MLP | WANT_FINE, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->q, &l->k, &l->v);      /* q [n, head, d]        */
                                                    /* k, v [n, kv head, d]  */
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->o);              /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    gated(s, s->h, &l->gate, &l->up);               /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->down);           /* x [n, hidden]         */
}

/* What both families share; `d` are the defaults of their classes. */
static enum err configure(struct config *c, const struct config_source *src,
                          const struct config_defaults *d,
                          struct err_info *why)
{
    static const struct key_name
        attention_bias = { "attention_bias", NULL },
        mlp_bias = { "mlp_bias", NULL };
    const struct keys *k = src->keys;
    enum err           e;

    c->vocab_size = 32000;
    if ((e = config_read_common(c, src, d, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK
        || (e = keys_bool(&c->attention_bias, k, attention_bias, why))
        || (e = keys_bool(&c->mlp_bias, k, mlp_bias, why)) != ERR_OK)
        return e;
    /* The converter permutes the rows of q and k of these families. */
    c->pairing = k->naming == NAMING_GGUF ? ROPE_NEIGHBOURS : ROPE_HALVES;
    return ERR_OK;
}

static enum err configure_llama(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .context_length = 2048, .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    return configure(c, src, &defaults, why);
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
    .block = block,
};

const struct arch arch_mistral = {
    .name = "Mistral",
    .configure = configure_mistral,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .block = block,
};
