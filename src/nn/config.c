#include "nn/config.h"

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
    key_act = { "hidden_act", NULL };

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

    if ((e = keys_require(k, key_heads, why)) != ERR_OK
        || (e = same_in_layers(&c->n_head, c, k, key_heads, heads, why)))
        return e;
    c->n_head_kv = d->n_head_kv == 0 || k->naming == NAMING_GGUF
                 ? c->n_head : d->n_head_kv;
    e = same_in_layers(&c->n_head_kv, c, k, key_heads_kv, heads, why);
    if (e != ERR_OK)
        return e;
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

static enum err read_sizes(struct config *c, const struct keys *k,
                           const struct config_defaults *d,
                           struct err_info *why)
{
    struct uint_range widths = { 1, WIDTH_MAX }, vocab = { 1, VOCAB_MAX };
    struct uint_range context = { 1, CONTEXT_MAX };
    double            eps = d->norm_eps;
    enum err          e;

    c->context_length = d->context_length;
    if ((e = need_uint(&c->n_layer, k, key_layers, LAYERS_MAX, why))
        || (e = need_uint(&c->hidden_size, k, key_hidden, WIDTH_MAX, why))
        || (e = keys_require(k, key_ffn, why))
        || (e = same_in_layers(&c->ffn_size, c, k, key_ffn, widths, why))
        || (e = keys_uint(&c->vocab_size, k, key_vocab, vocab, why))
        || (e = keys_uint(&c->context_length, k, key_context, context, why))
        || (e = keys_float(&eps, k, key_eps, 0.0, 1.0, why)))
        return e;
    c->norm_eps = (float)eps;
    return ERR_OK;
}

enum err config_read_common(struct config *c, const struct config_source *src,
                            const struct config_defaults *d,
                            struct err_info *why)
{
    const struct keys *k = src->keys;
    enum err           e;

    c->embed_scale = c->logit_scale = 1.0f;
    c->n_kinds = 1;
    if ((e = read_sizes(c, k, d, why)) || (e = read_heads(c, k, d, why)))
        return e;
    c->kind[0].rope = (struct rope_spec){
        .width = c->head_dim, .theta = d->rope_theta,
        .context_len = c->context_length,
    };
    return rope_read(&c->kind[0].rope, k, NULL, &c->arena, why);
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
    struct slice name = slice_of(otherwise);
    enum err     e = keys_string(&name, src->keys, key_act, why);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_is(name, known[i].name)) {
            c->activation = known[i].activation;
            return ERR_OK;
        }
    return keys_fail(src->keys, key_act, ERR_UNKNOWN, why, "is \"%.*s\": "
                     "expected silu or a form of gelu", (int)name.len, name.at);
}

uint64_t config_dim(const struct config *c, enum dim d)
{
    switch (d) {
    case DIM_HIDDEN: return c->hidden_size;
    case DIM_FFN:    return c->ffn_size;
    case DIM_VOCAB:  return c->vocab_size;
    case DIM_Q:      return (uint64_t)c->n_head * c->head_dim;
    case DIM_KV:     return (uint64_t)c->n_head_kv * c->head_dim;
    case DIM_HEAD:   return c->head_dim;
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
