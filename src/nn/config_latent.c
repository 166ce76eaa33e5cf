#include "nn/config_latent.h"

#include <math.h>

/* No real model comes near. */
enum { RANK_MAX = 1 << 16, WIDTH_MAX = 1 << 20, SPACE_MAX = 1 << 24 };

static const struct key_name
    key_q_rank = { "q_lora_rank", "A.attention.q_lora_rank" },
    key_rank = { "kv_lora_rank", "A.attention.kv_lora_rank" },
    key_nope = { "qk_nope_head_dim", NULL },
    key_rope = { "qk_rope_head_dim", "A.rope.dimension_count" },
    key_value = { "v_head_dim", "A.attention.value_length_mla" },
    key_query = { NULL, "A.attention.key_length_mla" },
    key_value_old = { NULL, "A.attention.value_length" },
    key_query_old = { NULL, "A.attention.key_length" },
    key_bias = { "attention_bias", NULL },
    key_gain = { NULL, "A.rope.scaling.yarn_log_multiplier" };

/* A width of GGUF files, under its new or its old name.  Files that have the
 * new one use the old one for the cached widths. */
static enum err read_width(uint32_t *out, const struct keys *k,
                           struct key_name name, struct key_name old,
                           struct err_info *why)
{
    struct uint_range range = { 1, RANK_MAX };
    struct key_name   here = keys_has(k, name) ? name : old;
    enum err          e = keys_require(k, here, why);

    return e != ERR_OK ? e : keys_uint(out, k, here, range, why);
}

/* GGUF counts a head's keys with their rotated part. */
static enum err read_gguf_widths(struct latent_config *l, const struct keys *k,
                                 struct err_info *why)
{
    uint32_t query = 0;
    enum err e;

    if ((e = keys_require(k, key_rank, why)) != ERR_OK
        || (e = keys_require(k, key_rope, why)) != ERR_OK
        || (e = read_width(&l->value, k, key_value, key_value_old, why))
        || (e = read_width(&query, k, key_query, key_query_old, why)))
        return e;
    if (query <= l->rope)
        return keys_fail(k, keys_has(k, key_query) ? key_query : key_query_old,
                         ERR_FORMAT, why, "is %u: expected more than the %u "
                         "elements that are rotated", query, l->rope);
    l->nope = query - l->rope;
    return ERR_OK;
}

static enum err read_widths(struct latent_config *l, const struct keys *k,
                            struct err_info *why)
{
    struct uint_range some = { 1, RANK_MAX }, pair = { 2, RANK_MAX };
    enum err e;

    /* null means none, absent the default. */
    if (keys_is_null(k, key_q_rank))
        l->q_rank = 0;
    if ((e = keys_uint(&l->q_rank, k, key_q_rank, some, why)) != ERR_OK
        || (e = keys_uint(&l->rank, k, key_rank, some, why)) != ERR_OK
        || (e = keys_uint(&l->rope, k, key_rope, pair, why)) != ERR_OK)
        return e;
    if (l->rope % 2 != 0)
        return keys_fail(k, key_rope, ERR_FORMAT, why, "is %u: expected an "
                         "even number", l->rope);
    if (k->naming == NAMING_GGUF)
        return read_gguf_widths(l, k, why);
    if ((e = keys_uint(&l->nope, k, key_nope, some, why)) != ERR_OK)
        return e;
    return keys_uint(&l->value, k, key_value, some, why);
}

enum err config_read_latent(struct config *c, const struct keys *k,
                            const struct latent_config *d,
                            struct err_info *why)
{
    struct latent_config *l = &c->latent;
    uint64_t width;
    enum err e;

    *l = k->naming == NAMING_HF ? *d : (struct latent_config){ .rope = 2 };
    /* The reference gives these norms an epsilon of their own; GGUF has none. */
    l->norm_eps = k->naming == NAMING_HF ? d->norm_eps : c->norm_eps;
    if ((e = read_widths(l, k, why)) != ERR_OK
        || (e = keys_bool(&c->attention_bias, k, key_bias, why)) != ERR_OK)
        return e;
    c->n_head_kv = 1;
    c->head_dim = l->nope + l->rope;
    width = l->value > c->head_dim ? l->value : c->head_dim;
    if (c->n_head * width > WIDTH_MAX
        || (uint64_t)c->n_head * (l->rank + l->rope) > SPACE_MAX)
        return keys_fail(k, key_rank, ERR_LIMIT, why, "is %u: %u heads of %u "
                         "elements over it are too many", l->rank, c->n_head,
                         (unsigned)width);
    return ERR_OK;
}

enum err config_scale_latent(struct config *c, const struct keys *k,
                             struct err_info *why)
{
    struct rope_spec *r = &c->kind[0].rope;
    double   gain = r->mscale_all_dim / 10, by;
    enum err e = keys_float(&gain, k, key_gain, 0, 1e6, why);

    if (e != ERR_OK)
        return e;
    /* GGUF keeps a tenth of the one gain, and of the other nothing. */
    if (k->naming == NAMING_GGUF)
        r->mscale = r->mscale_all_dim = 10 * gain;
    by = r->kind == ROPE_DEFAULT ? 1 : rope_gain(r->factor, r->mscale_all_dim);
    c->attn_scale = (float)(by * by / sqrt((double)c->head_dim));
    return ERR_OK;
}
