/* Qwen2, Qwen2.5 and Qwen3: the block of Llama, where q, k and v have a bias
 * (2) or every head of q and k is normed by itself before its rotation (3).
 *
 * Reference: transformers, models/qwen2 and models/qwen3. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <stddef.h>

struct layer {
    struct affine attn_norm, ffn_norm;
    struct affine q_norm, k_norm;                   /* Qwen3 */
    struct linear q, k, v, o;
    struct linear gate, up, down;
};

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_q", "self_attn.q_proj", AT(q), DIM_Q, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_k", "self_attn.k_proj", AT(k), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_v", "self_attn.v_proj", AT(v), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    /* Only a Qwen3 with attention_bias has a bias here. */
    { "attn_output", "self_attn.o_proj", AT(o), DIM_HIDDEN, DIM_Q,
      SPLIT_COLS, WANT_BIAS_IF_THERE | WANT_FINE, NULL },
    { "ffn_norm", "post_attention_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "ffn_gate", "mlp.gate_proj", AT(gate), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, 0, NULL },
    { "ffn_up", "mlp.up_proj", AT(up), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, 0, NULL },
    { "ffn_down", "mlp.down_proj", AT(down), DIM_HIDDEN, DIM_FFN,
      SPLIT_COLS, WANT_FINE, NULL },
    /* Qwen3 alone, and therefore last. */
    { "attn_q_norm", "self_attn.q_norm", AT(q_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_k_norm", "self_attn.k_norm", AT(k_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
};
enum { N_WANTS = sizeof wants / sizeof wants[0], N_HEAD_NORMS = 2 };

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->q, &l->k, &l->v);      /* q [n, head, d]        */
    if (l->q_norm.weight != NULL) {                 /* k, v [n, kv head, d]  */
        norm_heads(s, s->q, &l->q_norm);
        norm_heads(s, s->k, &l->k_norm);
    }
    attend(s);                                      /* a [n, head, d]        */
    project_add(s, s->x, s->a, &l->o);              /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    gated(s, s->h, &l->gate, &l->up);               /* g [n, ffn]            */
    project_add(s, s->x, s->g, &l->down);           /* x [n, hidden]         */
}

/* sliding_window counts only where use_sliding_window is true: many files hold
 * a window that no layer has.  GGUF has no such keys. */
static enum err read_windows(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name used = { "use_sliding_window", NULL },
        window = { "sliding_window", NULL },
        first = { "max_window_layers", NULL };
    struct uint_range  any = { 0, UINT32_MAX };
    const struct keys *k = src->keys;
    struct layer_rule  rule = { .sliding = c->kind[0], .first = 28 };
    bool     is_used = false;
    enum err e = keys_bool(&is_used, k, used, why);

    if (e != ERR_OK || !is_used || keys_is_null(k, window))
        return e;
    rule.sliding.window = 4096;
    if ((e = keys_uint(&rule.sliding.window, k, window, any, why)) != ERR_OK
        || (e = keys_uint(&rule.first, k, first, any, why)) != ERR_OK)
        return e;
    return config_split_layers(c, src, &rule, why);
}

/* What both share; `d` are the defaults of their classes. */
static enum err configure(struct config *c, const struct config_source *src,
                          const struct config_defaults *d,
                          struct err_info *why)
{
    enum err e;

    c->vocab_size = 151936;
    if ((e = config_read_common(c, src, d, why)) != ERR_OK
        || (e = config_read_activation(c, src, "silu", why)) != ERR_OK)
        return e;
    c->pairing = ROPE_HALVES;
    return read_windows(c, src, why);
}

static enum err configure_qwen2(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 32, .context_length = 32768, .norm_eps = 1e-6,
        .rope_theta = 1e4,
    };
    c->attention_bias = true;
    return configure(c, src, &defaults, why);
}

static enum err configure_qwen3(struct config *c,
                                const struct config_source *src,
                                struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 32, .head_dim = 128, .context_length = 32768,
        .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct key_name bias = { "attention_bias", NULL };
    enum err e = keys_bool(&c->attention_bias, src->keys, bias, why);

    return e != ERR_OK ? e : configure(c, src, &defaults, why);
}

const struct arch arch_qwen2 = {
    .name = "Qwen2",
    .configure = configure_qwen2,
    .wants = { wants, N_WANTS - N_HEAD_NORMS },
    .layer_size = sizeof(struct layer),
    .block = block,
};

const struct arch arch_qwen3 = {
    .name = "Qwen3",
    .configure = configure_qwen3,
    .wants = { wants, N_WANTS },
    .layer_size = sizeof(struct layer),
    .block = block,
};
