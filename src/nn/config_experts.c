#include "nn/config_experts.h"

#include "nn/experts.h"

#include <string.h>

/* As in config.c: far above every real model, far below every overflow. */
enum { EXPERTS_MAX = 4096, EXPERT_WIDTH_MAX = 1 << 20 };

/* A family's spelling beside that of GGUF. */
static struct key_name key(const char *hf, const char *gguf)
{
    return (struct key_name){ hf, gguf };
}

static enum err read_score(struct config *c, const struct config_source *src,
                           const struct expert_family *f, struct err_info *why)
{
    static const char *const words[] = { [ROUTER_SOFTMAX] = "softmax",
                                         [ROUTER_SIGMOID] = "sigmoid" };
    struct key_name name = key(NULL, "A.expert_gating_func");
    struct router  *r = &c->router;
    uint32_t        func = 0;
    enum err        e;

    if (src->keys->naming == NAMING_HF)
        return config_expect(src, key(f->score, NULL), words[r->score], why);
    c->router_bias = mixture_has_correction(src->checkpoint, c->n_layer - 1);
    if (c->router_bias)
        r->score = ROUTER_SIGMOID;
    e = keys_uint(&func, src->keys, name,
                  (struct uint_range){ 0, UINT32_MAX }, why);
    if (e != ERR_OK || func == 0)
        return e;
    if (func > 2)
        return keys_fail(src->keys, name, ERR_UNKNOWN, why, "is %u: expected 1 "
                         "(softmax) or 2 (sigmoid)", func);
    r->score = func == 1 ? ROUTER_SOFTMAX : ROUTER_SIGMOID;
    return ERR_OK;
}

static enum err read_weights(struct router *r, const struct keys *k,
                             const struct expert_family *f,
                             struct err_info *why)
{
    double   scale = (double)r->scale;
    enum err e = keys_bool(&r->renormalise, k,
                           key(f->renormalise, "A.expert_weights_norm"),
                           why);

    if (e != ERR_OK)
        return e;
    e = keys_float(&scale, k, key(f->scale, "A.expert_weights_scale"), 0,
                   1e6, why);
    /* Writers of GGUF give 0 where there is none. */
    r->scale = scale == 0 && k->naming == NAMING_GGUF ? 1.0f : (float)scale;
    return e;
}

static void recall_groups(struct router *r, const struct old_groups *g)
{
    for (; g != NULL && g->n_expert > 0; g++)
        if (g->n_expert == r->n_expert) {
            r->n_group = g->n_group;
            r->n_group_used = g->n_group_used;
        }
}

static enum err read_groups(struct router *r, const struct keys *k,
                            const struct expert_family *f,
                            struct err_info *why)
{
    struct key_name group = key(f->n_group, "A.expert_group_count");
    struct key_name used = key(f->n_group_used,
                               "A.expert_group_used_count");
    struct uint_range any = { 0, EXPERTS_MAX };
    enum err e;

    r->group_rule = r->score == ROUTER_SIGMOID ? GROUP_TOP2 : GROUP_MAX;
    if (k->naming == NAMING_GGUF && !keys_has(k, group)) {
        recall_groups(r, f->old_groups);
        return ERR_OK;
    }
    if ((e = keys_uint(&r->n_group, k, group, any, why)) != ERR_OK
        || r->n_group <= 1)
        return e;
    if (r->n_expert % r->n_group != 0)
        return keys_fail(k, group, ERR_FORMAT, why, "is %u, which does not "
                         "divide the %u experts", r->n_group, r->n_expert);
    uint32_t size = r->n_expert / r->n_group;
    if (r->group_rule == GROUP_TOP2 && size < 2)
        return keys_fail(k, group, ERR_FORMAT, why, "is %u: groups of one "
                         "expert have no two best", r->n_group);
    if ((e = keys_require(k, used, why)) != ERR_OK
        || (e = keys_uint(&r->n_group_used, k, used,
                          (struct uint_range){ 1, r->n_group }, why)))
        return e;
    if (r->n_group_used * size < r->n_used)
        return keys_fail(k, used, ERR_FORMAT, why, "is %u: groups of %u "
                         "experts are too few for the %u that a token takes",
                         r->n_group_used, size, r->n_used);
    return ERR_OK;
}

/* GGUF has no defaults. */
static enum err read_count(uint32_t *out, const struct keys *k,
                           struct key_name name, uint32_t otherwise,
                           struct err_info *why)
{
    enum err e = ERR_OK;

    *out = otherwise;
    if (otherwise == 0 || k->naming == NAMING_GGUF)
        e = keys_require(k, name, why);
    return e != ERR_OK ? e : keys_uint(out, k, name, (struct uint_range){
                                       1, EXPERTS_MAX }, why);
}

/* Shared experts, each as wide as a routed one: they are stored as one. */
static enum err read_shared(struct config *c, const struct keys *k,
                            const struct expert_family *f,
                            struct err_info *why)
{
    struct key_name name = key(f->n_shared, "A.expert_shared_count");
    enum err e;

    c->n_shared = k->naming == NAMING_HF && !keys_is_null(k, name)
                ? f->n_shared_default : 0;
    e = keys_uint(&c->n_shared, k, name,
                  (struct uint_range){ 0, EXPERTS_MAX }, why);
    if (e == ERR_OK && (uint64_t)c->n_shared * c->expert_size
                       > EXPERT_WIDTH_MAX)
        return keys_fail(k, name, ERR_LIMIT, why, "is %u: experts of %u "
                         "elements make more than %d", c->n_shared,
                         c->expert_size, EXPERT_WIDTH_MAX);
    c->shared_size = c->n_shared * c->expert_size;
    return e;
}

/* Older GGUF files have one width for all experts of a token together. */
static enum err read_widths(struct config *c, const struct keys *k,
                            const struct expert_family *f,
                            struct err_info *why)
{
    struct key_name shared = key(f->shared_size,
                                 "A.expert_shared_feed_forward_length");
    struct uint_range range = { 1, EXPERT_WIDTH_MAX };
    enum err e;

    c->expert_size = f->width == 0 ? c->ffn_size
                   : k->naming == NAMING_HF ? f->width
                   : c->ffn_size / c->router.n_used;
    e = keys_uint(&c->expert_size, k,
                  key(f->size, "A.expert_feed_forward_length"), range, why);
    if (e != ERR_OK || f->n_shared != NULL)
        return e != ERR_OK ? e : read_shared(c, k, f, why);
    if (f->shared_size == NULL)
        return ERR_OK;
    c->n_shared = 1;
    c->shared_size = f->shared == 0 || k->naming == NAMING_GGUF
                   ? c->ffn_size : f->shared;
    return keys_uint(&c->shared_size, k, shared, range, why);
}

enum err config_read_experts(struct config *c, const struct config_source *src,
                             const struct expert_family *f,
                             struct err_info *why)
{
    const struct keys *k = src->keys;
    struct key_name    used = key(f->n_used, "A.expert_used_count");
    struct key_name    count = key(f->n_expert, "A.expert_count");
    struct router     *r = &c->router;
    enum err           e;

    if (!keys_has(k, count) && f->n_expert_also != NULL)
        count.hf = f->n_expert_also;
    r->scale = r->scale == 0 ? 1.0f : r->scale;
    if ((e = read_count(&r->n_expert, k, count, f->experts, why)) != ERR_OK
        || (e = read_count(&r->n_used, k, used, f->used, why)) != ERR_OK)
        return e;
    if (r->n_used > r->n_expert)
        return keys_fail(k, used, ERR_FORMAT, why, "is %u: there are %u "
                         "experts", r->n_used, r->n_expert);
    if ((e = read_widths(c, k, f, why)) != ERR_OK
        || (e = read_score(c, src, f, why)) != ERR_OK
        || (e = read_weights(r, k, f, why)) != ERR_OK)
        return e;
    return read_groups(r, k, f, why);
}

/* ---- layers ---- */

static enum err take_dense(uint8_t *dense, const struct config *c,
                           const struct keys *k, struct key_name name,
                           struct err_info *why)
{
    size_t n = keys_len(k, name);

    for (size_t i = 0; i < n; i++) {
        uint32_t layer = 0;
        enum err e = keys_uint_at(&layer, k, name, i,
                                  (struct uint_range){ 0, UINT32_MAX }, why);
        if (e != ERR_OK)
            return e;
        /* The reference asks "is layer N in it": others do not matter. */
        if (layer < c->n_layer)
            dense[layer] = true;
    }
    return ERR_OK;
}

enum err config_sparse_layers(struct config *c,
                              const struct config_source *src,
                              const struct sparse_rule *rule,
                              struct err_info *why)
{
    uint32_t period = rule->period == 0 ? 1 : rule->period;
    uint8_t *dense = arena_take(&c->arena, c->n_layer, sizeof *dense);

    if (dense == NULL)
        return fail_nomem(why);
    for (uint32_t i = 0; i < c->n_layer; i++)
        dense[i] = i < rule->first
                || ((uint64_t)i + rule->shift) % period != 0;
    c->layer_dense = dense;
    return take_dense(dense, c, src->keys, rule->dense, why);
}

enum err config_leading_dense(struct config *c, const struct config_source *src,
                              uint32_t first, struct err_info *why)
{
    static const struct key_name
        name = { "first_k_dense_replace", "A.leading_dense_block_count" },
        freq = { "moe_layer_freq", NULL };
    struct sparse_rule rule = { .first = first, .period = 1 };
    enum err e;

    if ((e = keys_uint(&rule.first, src->keys, name,
                       (struct uint_range){ 0, UINT32_MAX }, why)) != ERR_OK
        || (e = keys_uint(&rule.period, src->keys, freq,
                          (struct uint_range){ 1, UINT32_MAX }, why)))
        return e;
    return config_sparse_layers(c, src, &rule, why);
}

enum err config_sparse_steps(struct config *c, const struct config_source *src,
                             struct err_info *why)
{
    static const struct key_name step = { "decoder_sparse_step", NULL };
    struct sparse_rule rule = { .period = 1, .shift = 1,
                                .dense = { "mlp_only_layers", NULL } };
    enum err e = keys_uint(&rule.period, src->keys, step,
                           (struct uint_range){ 1, UINT32_MAX }, why);

    return e != ERR_OK ? e : config_sparse_layers(c, src, &rule, why);
}
