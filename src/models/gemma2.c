/* Gemma 2: norms before and behind each branch, every other layer with a window,
 * scores and logits capped by tanh.
 *
 * Reference: transformers, models/gemma2. */
#include "models/arch_table.h"
#include "nn/phrases.h"

#include <math.h>
#include <stddef.h>

struct layer {
    struct affine    attn_norm, attn_post, ffn_norm, ffn_post;
    struct attention attn;
    struct mlp       mlp;
};

enum { LAYERS_OF_27B = 46 };

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
};

static void block(struct step *s, const void *layer)
{
    const struct layer *l = layer;

    norm(s, s->h, s->x, &l->attn_norm);             /* h [n, hidden]         */
    project_qkv(s, s->h, &l->attn);                 /* q [n, head, d]        */
                                                    /* k, v [n, kv head, d]  */
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

static enum err configure(struct config *c, const struct config_source *src,
                          struct err_info *why)
{
    static const struct config_defaults defaults = {
        .n_head_kv = 4, .head_dim = 256, .context_length = 8192,
        .norm_eps = 1e-6, .rope_theta = 1e4,
    };
    static const struct key_name
        attn_cap = { "attn_logit_softcapping", "A.attn_logit_softcapping" },
        logit_cap = { "final_logit_softcapping", "A.final_logit_softcapping" },
        window = { "sliding_window", "A.attention.sliding_window" },
        ahead = { "use_bidirectional_attention", NULL };
    const struct keys *k = src->keys;
    struct layer_rule  rule = { .period = 2 };
    enum err           e;

    c->vocab_size = 256000;
    c->attn_softcap = 50.0f;
    c->logit_softcap = 30.0f;
    if ((e = config_read_common(c, src, &defaults, why)) != ERR_OK
        || (e = config_read_activation(c, src, "gelu_pytorch_tanh", why))
        || (e = config_read_query_scale(c, src, LAYERS_OF_27B, why)) != ERR_OK
        || (e = config_read_softcap(&c->attn_softcap, src, attn_cap, why))
        || (e = config_read_softcap(&c->logit_softcap, src, logit_cap, why))
        || (e = config_refuse_true(src, ahead, why)) != ERR_OK
        || (e = config_read_attention_bias(c, src, why)) != ERR_OK)
        return e;
    c->pairing = ROPE_HALVES;
    c->embed_scale = sqrtf((float)c->hidden_size);
    c->norm_plus_one = k->naming == NAMING_HF;
    rule.sliding = c->kind[0];
    rule.sliding.window = keys_is_null(k, window) ? 0 : 4096;
    e = keys_uint(&rule.sliding.window, k, window,
                  (struct uint_range){ 0, UINT32_MAX }, why);
    return e != ERR_OK ? e : config_split_layers(c, src, &rule, why);
}

const struct arch arch_gemma2 = {
    .name = "Gemma 2",
    .configure = configure,
    .wants = { wants, sizeof wants / sizeof wants[0] },
    .layer_size = sizeof(struct layer),
    .part = { { &attention_wants, AT(attn) }, { &mlp_wants, AT(mlp) } },
    .block = block,
};
