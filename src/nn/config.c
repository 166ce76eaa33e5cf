/* Keys that nearly all architectures spell the same way, once.  Every value is
 * checked here, by the key's name, against limits that no real model comes
 * near; everything above may rely on it and asserts. */
#include "nn/config_latent.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Limits that no real model comes near; they keep all later sums of sizes far
 * from overflow, so that a made-up file is refused here, by the key. */
enum {
    LAYERS_MAX = 4096, HEADS_MAX = 16384, WIDTH_MAX = 1 << 20,
    CONTEXT_MAX = 1 << 30, VOCAB_MAX = 1 << 22
};

static const struct key_name
    key_layers = { "num_hidden_layers", "A.block_count" },
    key_hidden = { "hidden_size", "A.embedding_length" },
    key_ffn = { "intermediate_size", "A.feed_forward_length" },
    key_heads = { "num_attention_heads", "A.attention.head_count" },
    key_heads_kv = { "num_key_value_heads", "A.attention.head_count_kv" },
    key_head_dim = { "head_dim", "A.attention.key_length" },
    key_value_dim = { NULL, "A.attention.value_length" },
    key_context = { "max_position_embeddings", "A.context_length" },
    key_vocab = { "vocab_size", NULL },
    key_eps = { "rms_norm_eps", "A.attention.layer_norm_rms_epsilon" },
    key_layer_eps = { "layer_norm_eps", "A.attention.layer_norm_epsilon" },
    key_rotated = { NULL, "A.rope.dimension_count" },
    key_part = { "rope_parameters.partial_rotary_factor", NULL },
    key_part_old = { "partial_rotary_factor", NULL },
    key_types = { "layer_types", NULL },
    key_pattern = { NULL, "A.attention.sliding_window_pattern" },
    key_ahead = { "num_nextn_predict_layers", "A.nextn_predict_layers" },
    key_act = { "hidden_act", NULL },
    key_activation = { "hidden_activation", NULL };

/* A count that has no default. */
static enum err need_uint(uint32_t *out, const struct keys *k,
                          struct key_name name, uint32_t max,
                          struct err_info *why)
{
    enum err e = keys_require(k, name, why);

    if (e != ERR_OK)
        return e;
    return keys_uint(out, k, name, (struct uint_range){ 1, max }, why);
}

/* GGUF may give a count per layer; what differs between layers is not
 * implemented. */
static enum err same_in_layers(uint32_t *out, const struct config *c,
                               const struct keys *k, struct key_name name,
                               struct uint_range range, struct err_info *why)
{
    size_t n = keys_len(k, name);

    if (n == 0)
        return keys_uint(out, k, name, range, why);
    for (uint32_t i = 0; i < c->n_layer; i++) {
        uint32_t here = 0;
        enum err e = keys_uint_at(&here, k, name, i, range, why);
        if (e != ERR_OK)
            return e;
        if (i > 0 && here != *out)
            return keys_fail(k, name, ERR_UNKNOWN, why, "differs between "
                             "layers, which is not supported");
        *out = here;
    }
    return ERR_OK;
}

static enum err read_heads(struct config *c, const struct keys *k,
                           const struct config_defaults *d,
                           struct err_info *why)
{
    struct uint_range heads = { 1, HEADS_MAX }, widths = { 1, WIDTH_MAX };
    uint32_t value_dim;
    enum err e;

    c->n_head = d->n_head;
    if ((d->n_head == 0 && (e = keys_require(k, key_heads, why)) != ERR_OK)
        || (e = same_in_layers(&c->n_head, c, k, key_heads, heads, why)))
        return e;
    if (d->latent != NULL)
        return config_read_latent(c, k, d->latent, why);
    c->n_head_kv = d->n_head_kv == 0 || k->naming == NAMING_GGUF
                 ? c->n_head : d->n_head_kv;
    e = same_in_layers(&c->n_head_kv, c, k, key_heads_kv, heads, why);
    if (e != ERR_OK)
        return e;
    assert(c->n_head > 0 && c->n_head_kv > 0);
    if (c->n_head % c->n_head_kv != 0)
        return keys_fail(k, key_heads_kv, ERR_FORMAT, why, "is %u, which does "
                         "not divide the %u query heads", c->n_head_kv,
                         c->n_head);
    c->head_dim = d->head_dim != 0 && k->naming == NAMING_HF
                ? d->head_dim : c->hidden_size / c->n_head;
    if ((e = keys_uint(&c->head_dim, k, key_head_dim, widths, why)) != ERR_OK)
        return e;
    value_dim = c->head_dim;
    if ((e = keys_uint(&value_dim, k, key_value_dim, widths, why)) != ERR_OK)
        return e;
    if (value_dim != c->head_dim)
        return keys_fail(k, key_value_dim, ERR_UNKNOWN, why, "is %u: values of "
                         "another width than keys (%u) are not supported",
                         value_dim, c->head_dim);
    if (c->head_dim == 0)
        return keys_fail(k, key_hidden, ERR_FORMAT, why, "is %u, less than "
                         "the %u heads", c->hidden_size, c->n_head);
    if ((uint64_t)c->n_head * c->head_dim > WIDTH_MAX)
        return keys_fail(k, key_heads, ERR_LIMIT, why, "is %u: heads of %u "
                         "elements make more than %d", c->n_head, c->head_dim,
                         WIDTH_MAX);
    c->attn_scale = (float)(1.0 / sqrt((double)c->head_dim));
    return ERR_OK;
}

/* Layers behind the last that predict tokens further ahead; GGUF counts them
 * among all. */
static enum err skip_ahead(struct config *c, const struct config_source *src,
                           struct err_info *why)
{
    const struct keys *k = src->keys;
    uint32_t n = 0;
    enum err e = keys_uint(&n, k, key_ahead,
                           (struct uint_range){ 0, LAYERS_MAX }, why);

    if (e != ERR_OK || n == 0)
        return e;
    if (k->naming == NAMING_GGUF && n >= c->n_layer)
        return keys_fail(k, key_ahead, ERR_FORMAT, why, "is %u: there are %u "
                         "layers in all", n, c->n_layer);
    if (k->naming == NAMING_GGUF)
        c->n_layer -= n;
    notice(src->notices, "%s: layers that predict several tokens ahead (%u) "
           "are not used", k->path, n);
    return ERR_OK;
}

static enum err read_sizes(struct config *c, const struct config_source *src,
                           const struct config_defaults *d,
                           struct err_info *why)
{
    struct uint_range widths = { 1, WIDTH_MAX }, vocab = { 1, VOCAB_MAX };
    struct uint_range context = { 1, CONTEXT_MAX };
    const struct keys *k = src->keys;
    double            eps = d->norm_eps;
    enum err          e;

    c->context_length = d->context_length;
    if ((e = need_uint(&c->n_layer, k, key_layers, LAYERS_MAX, why))
        || (e = skip_ahead(c, src, why)) != ERR_OK
        || (e = need_uint(&c->hidden_size, k, key_hidden, WIDTH_MAX, why))
        || (e = keys_require(k, key_ffn, why))
        || (e = same_in_layers(&c->ffn_size, c, k, key_ffn, widths, why))
        || (e = keys_uint(&c->vocab_size, k, key_vocab, vocab, why))
        || (e = keys_uint(&c->context_length, k, key_context, context, why))
        || (e = keys_float(&eps, k, d->layer_norm ? key_layer_eps : key_eps,
                           0.0, 1.0, why)))
        return e;
    c->norm_eps = (float)eps;
    c->norm_centre = d->layer_norm;
    return ERR_OK;
}

/* How many elements of a head are rotated: a share in config.json, a count in
 * GGUF.  The reference cuts the product, it does not round it. */
static enum err read_rotated(uint32_t *width, const struct config *c,
                             const struct keys *k, double part,
                             struct err_info *why)
{
    struct uint_range range = { 2, c->head_dim };
    struct key_name   name = keys_has(k, key_part) ? key_part : key_part_old;
    enum err          e;

    *width = c->latent.rank > 0 ? c->latent.rope : c->head_dim;
    if (part == 0 || c->latent.rank > 0)
        return ERR_OK;
    if (k->naming == NAMING_GGUF)
        return keys_uint(width, k, key_rotated, range, why);
    if ((e = keys_float(&part, k, name, 0.0, 1.0, why)) != ERR_OK)
        return e;
    *width = (uint32_t)(c->head_dim * part);
    if (*width < 2 || *width % 2 != 0)
        return keys_fail(k, name, ERR_FORMAT, why, "is %g, which makes %u of a "
                         "head's %u elements to rotate: expected pairs", part,
                         *width, c->head_dim);
    return ERR_OK;
}

enum err config_read_common(struct config *c, const struct config_source *src,
                            const struct config_defaults *d,
                            struct err_info *why)
{
    const struct keys *k = src->keys;
    uint32_t           rotated;
    enum err           e;

    c->embed_scale = c->logit_scale = 1.0f;
    c->n_kinds = 1;
    if ((e = read_sizes(c, src, d, why)) || (e = read_heads(c, k, d, why))
        || (e = read_rotated(&rotated, c, k, d->rotary_part, why)))
        return e;
    c->kind[0].rope = (struct rope_spec){
        .width = rotated, .theta = d->rope_theta,
        .context_len = c->context_length,
    };
    e = rope_read(&c->kind[0].rope, k, NULL, &c->arena, why);
    return e != ERR_OK || d->latent == NULL ? e
         : config_scale_latent(c, k, why);
}

/* ---- kinds of layers ---- */

static enum err slides_by_name(bool *out, const struct keys *k, uint32_t layer,
                               struct err_info *why)
{
    struct slice name = { NULL, 0 };
    enum err     e = keys_string_at(&name, k, key_types, layer, why);

    if (e != ERR_OK)
        return e;
    *out = slice_is(name, "sliding_attention");
    if (!*out && !slice_is(name, "full_attention"))
        return keys_fail(k, key_types, ERR_UNKNOWN, why, "[%u] is \"%.*s\": "
                         "expected full_attention or sliding_attention",
                         layer, (int)name.len, name.at);
    return ERR_OK;
}

static enum err slides(bool *out, const struct keys *k,
                       const struct layer_rule *rule, uint32_t layer,
                       struct err_info *why)
{
    if (keys_has(k, key_types))
        return slides_by_name(out, k, layer, why);
    if (keys_len(k, key_pattern) > 0)
        return keys_bool_at(out, k, key_pattern, layer, why);
    *out = layer >= rule->first && (rule->end == 0 || layer < rule->end)
        && (rule->period == 0 || (layer + 1) % rule->period != 0);
    return ERR_OK;
}

enum err config_split_layers(struct config *c, const struct config_source *src,
                             const struct layer_rule *rule,
                             struct err_info *why)
{
    struct layer_rule  here = *rule;
    const struct keys *k = src->keys;
    uint32_t           n_sliding = 0;
    uint8_t           *kind;
    enum err           e;

    if (keys_kind(k, key_pattern) == KEY_INT
        && (e = keys_uint(&here.period, k, key_pattern,
                          (struct uint_range){ 0, UINT32_MAX }, why)))
        return e;
    if ((kind = arena_take(&c->arena, c->n_layer, sizeof *kind)) == NULL)
        return fail_nomem(why);
    for (uint32_t i = 0; i < c->n_layer; i++) {
        bool sliding = false;
        if ((e = slides(&sliding, k, &here, i, why)) != ERR_OK)
            return e;
        kind[i] = sliding && rule->sliding.window > 0;
        n_sliding += kind[i];
    }
    if (n_sliding == c->n_layer)
        c->kind[0] = rule->sliding;
    if (n_sliding == 0 || n_sliding == c->n_layer)
        return ERR_OK;
    c->kind[1] = rule->sliding;
    c->n_kinds = 2;
    c->layer_kind = kind;
    return ERR_OK;
}

enum err config_split_if_used(struct config *c, const struct config_source *src,
                              const struct layer_rule *rule,
                              struct err_info *why)
{
    static const struct key_name used = { "use_sliding_window", NULL },
                                 window = { "sliding_window", NULL };
    struct layer_rule here = *rule;
    bool     is_used = false;
    enum err e = keys_bool(&is_used, src->keys, used, why);

    if (e != ERR_OK || !is_used || keys_is_null(src->keys, window))
        return e;
    here.sliding = c->kind[0];
    here.sliding.window = 4096;
    e = keys_uint(&here.sliding.window, src->keys, window,
                  (struct uint_range){ 0, UINT32_MAX }, why);
    return e != ERR_OK ? e : config_split_layers(c, src, &here, why);
}

/* ---- single keys ---- */

enum err config_read_softcap(float *out, const struct config_source *src,
                             struct key_name name, struct err_info *why)
{
    double   cap = keys_is_null(src->keys, name) ? 0 : (double)*out;
    enum err e = keys_float(&cap, src->keys, name, 0, 1e6, why);

    *out = (float)cap;
    return e;
}

enum err config_expect(const struct config_source *src, struct key_name name,
                       const char *word, struct err_info *why)
{
    struct slice is = slice_of(word);
    enum err     e = keys_string(&is, src->keys, name, why);

    if (e == ERR_OK && !slice_is(is, word))
        return keys_fail(src->keys, name, ERR_UNKNOWN, why, "is \"%.*s\": "
                         "only %s is supported", (int)is.len, is.at, word);
    return e;
}

enum err config_read_query_scale(struct config *c,
                                 const struct config_source *src,
                                 uint32_t layers_of_27b, struct err_info *why)
{
    static const struct key_name name = { "query_pre_attn_scalar", NULL };
    const struct keys *k = src->keys;
    double   d = k->naming == NAMING_HF ? 256 : c->head_dim;
    enum err e = keys_float(&d, k, name, 1e-3, 1e6, why);

    if (k->naming == NAMING_GGUF && c->n_layer == layers_of_27b)
        d = (double)c->hidden_size / c->n_head;
    c->attn_scale = (float)(1 / sqrt(d));
    return e;
}

enum err config_read_attention_bias(struct config *c,
                                    const struct config_source *src,
                                    struct err_info *why)
{
    static const struct key_name name = { "attention_bias", NULL };
    enum err e = keys_bool(&c->attention_bias, src->keys, name, why);

    c->output_bias = c->attention_bias;
    return e;
}

enum err config_refuse_true(const struct config_source *src,
                            struct key_name name, struct err_info *why)
{
    bool     is_true = false;
    enum err e = keys_bool(&is_true, src->keys, name, why);

    if (e == ERR_OK && is_true)
        return keys_fail(src->keys, name, ERR_UNKNOWN, why, "is true, which "
                         "is not supported");
    return e;
}

enum err config_read_activation(struct config *c,
                                const struct config_source *src,
                                const char *otherwise, struct err_info *why)
{
    static const struct {
        const char     *name;
        enum activation activation;
    } known[] = {
        { "silu", ACTIVATION_SILU },
        { "swish", ACTIVATION_SILU },
        { "gelu", ACTIVATION_GELU },
        { "gelu_new", ACTIVATION_GELU_TANH },
        { "gelu_pytorch_tanh", ACTIVATION_GELU_TANH },
        { "gelu_fast", ACTIVATION_GELU_TANH },
        { "gelu_accurate", ACTIVATION_GELU_TANH },
    };
    struct key_name key = keys_has(src->keys, key_activation) ? key_activation
                                                              : key_act;
    struct slice    name = slice_of(otherwise);
    enum err        e = keys_string(&name, src->keys, key, why);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_is(name, known[i].name)) {
            c->activation = known[i].activation;
            return ERR_OK;
        }
    return keys_fail(src->keys, key, ERR_UNKNOWN, why, "is \"%.*s\": "
                     "expected silu or a form of gelu", (int)name.len, name.at);
}

uint64_t config_dim(const struct config *c, enum dim d)
{
    uint64_t q = (uint64_t)c->n_head * c->head_dim;

    switch (d) {
    case DIM_HIDDEN: return c->hidden_size;
    case DIM_FFN:    return c->ffn_size;
    case DIM_VOCAB:  return c->vocab_size;
    case DIM_Q:      return q;
    case DIM_KV:     return (uint64_t)c->n_head_kv * c->head_dim;
    case DIM_HEAD:   return c->head_dim;
    case DIM_O:
        return c->latent.rank > 0 ? (uint64_t)c->n_head * c->latent.value
                                  : q;
    case DIM_Q_RANK: return c->latent.q_rank;
    case DIM_Q_DIRECT: return c->latent.q_rank > 0 ? 0 : q;
    case DIM_LATENT: return c->latent.rank;
    case DIM_LATENT_ROPE: return c->latent.rope;
    case DIM_NOPE:   return c->latent.nope;
    case DIM_VALUE:  return c->latent.value;
    case DIM_SHARED_ROUTER: return c->shared_router;
    case DIM_HEAD_BIAS: return c->head_bias ? c->vocab_size : 0;
    case DIM_ROUTER_BIAS: return c->router_bias ? c->router.n_expert : 0;
    case DIM_EXPERTS: return c->router.n_expert;
    case DIM_EXPERT: return c->expert_size;
    case DIM_SHARED: return c->shared_size;
    case DIM_ROPE:   return c->kind[0].rope.width / 2;
    default:         return 1;
    }
}

void config_close(struct config *c)
{
    if (c == NULL)
        return;
    arena_drop(&c->arena);
    free(c);
}
