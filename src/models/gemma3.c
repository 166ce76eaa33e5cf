/* Gemma 3 (text): norms before and behind each branch and on every head of q
 * and k; layers with a window, turned by a base of their own, between full ones.
 *
 * Reference: transformers, models/gemma3. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <math.h>
#include <stddef.h>

struct layer {
    struct affine    attn_norm, attn_post, ffn_norm, ffn_post;
    struct affine    q_norm, k_norm;
    struct attention attn;
    struct mlp       mlp;
};

enum { LAYERS_OF_27B = 62 };

#define AT(field) offsetof(struct layer, field)

static const struct want wants[] = {
    { "attn_norm", "input_layernorm", AT(attn_norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "post_attention_norm", "post_attention_layernorm", AT(attn_post),
      DIM_HIDDEN, DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "ffn_norm", "pre_feedforward_layernorm", AT(ffn_norm), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "post_ffw_norm", "post_feedforward_layernorm", AT(ffn_post), DIM_HIDDEN,
      DIM_NONE, SPLIT_NONE, WANT_NORM, NULL },
    { "attn_q_norm", "self_attn.q_norm", AT(q_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
    { "attn_k_norm", "self_attn.k_norm", AT(k_norm), DIM_HEAD, DIM_NONE,
      SPLIT_NONE, WANT_NORM, NULL },
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
    norm_heads(s, s->q, &l->q_norm);                /* k, v [n, kv head, d]  */
    norm_heads(s, s->k, &l->k_norm);
    attend(s);                                      /* a [n, head, d]        */
    project(s, s->h, s->a, &l->attn.o);             /* h [n, hidden]         */
    norm(s, s->h, s->h, &l->attn_post);
    add(s, s->x, s->h);                             /* x [n, hidden]         */

    norm(s, s->h, s->x, &l->ffn_norm);              /* h [n, hidden]         */
    gated(s, s->h, &l->mlp);                        /* g [n, ffn]            */
    project(s, s->h, s->g, &l->mlp.down);           /* h [n, hidden]         */
    norm(s, s->h, s->h, &l->ffn_post);
    add(s, s->x, s->h);                             /* x [n, hidden]         */
}

/* Sliding layers: five of six, never stretched. */
static enum err read_windows(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name
        by_kind = { "rope_parameters.sliding_attention", NULL },
        theta = { "rope_local_base_freq", "A.rope.freq_base_swa" },
        theta_too = { NULL, "A.rope.local.freq_base" },
        window = { "sliding_window", "A.attention.sliding_window" },
        period = { "sliding_window_pattern", NULL };
    struct uint_range  any = { 0, UINT32_MAX }, some = { 1, UINT32_MAX };
    const struct keys *k = src->keys;
    struct layer_rule  rule = { .period = 6, .sliding = {
        .rope = { .width = c->head_dim, .theta = 1e4,
                  .context_len = c->context_length },
        .window = k->naming == NAMING_GGUF || keys_is_null(k, window)
                ? 0 : 4096 } };
    struct rope_spec  *rope = &rule.sliding.rope;
    enum err           e;

    if ((e = keys_float(&rope->theta, k, theta_too, 1, 1e15, why)) != ERR_OK
        || (e = keys_float(&rope->theta, k, theta, 1, 1e15, why)) != ERR_OK
        || (e = keys_uint(&rule.sliding.window, k, window, any, why))
        || (e = keys_uint(&rule.period, k, period, some, why)) != ERR_OK)
        return e;
    if (keys_has(k, by_kind)
        && (e = rope_read(rope, k, "sliding_attention", &c->arena, why)))
        return e;
    /* yarn: the reference looks for this key outside of the dicts by kind of
     * layer, where it never is. */
    c->kind[0].rope.truncate = rope->truncate = true;
    return config_split_layers(c, src, &rule, why);
}

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head = 8, .n_head_kv = 4, .head_dim = 256,
        .context_length = 131072, .norm_eps = 1e-6, .rope_theta = 1e6,
    };
    static const struct key_name
        cap = { "final_logit_softcapping", "A.final_logit_softcapping" },
        ahead = { "use_bidirectional_attention", NULL };
    enum err e;

    c->vocab_size = 262208;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "gelu_pytorch_tanh", why))
        || (e = config_read_query_scale(c, src, LAYERS_OF_27B, why)) != ERR_OK
        || (e = config_read_softcap(&c->logit_softcap, src, cap, why))
        || (e = config_refuse_true(src, ahead, why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    c->pairing = ROPE_HALVES;
    c->embed_scale = sqrtf((float)c->hidden_size);
    c->norm_plus_one = src->keys->naming == NAMING_HF;
    return read_windows(c, src, why);
}

const struct arch arch_gemma3 = {
    .name = "Gemma 3",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
