/* Opening a model: configuration, tables of the ends (embedding, final norm,
 * head), layers, and the few tensors of GGUF that belong to the rotation.
 *
 * model_plan goes the same way as model_open without touching a weight,
 * through the same tables and checks: the memory plan and the loading cannot
 * disagree. */
#include "nn/model.h"

#include "base/checked.h"
#include "nn/arch.h"
#include "nn/bind.h"
#include "nn/model_private.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct ends, field)

/* A tied embedding is looked up and multiplied, else only looked up.  The bias
 * of the head is a row of its own: a tied head has one, too. */
static const struct want tied_wants[] = {
    { "token_embd", "model.embed_tokens", AT(embed), DIM_VOCAB, DIM_HIDDEN,
      SPLIT_ROWS, WANT_LOOKUP, NULL },
    { "output_norm", "model.norm", AT(norm), DIM_HIDDEN, DIM_NONE,
      SPLIT_NONE, WANT_NORM | WANT_BIAS_CENTRED, "model.final_layernorm" },
    { "output", "lm_head", AT(head_bias), DIM_HEAD_BIAS, DIM_NONE,
      SPLIT_ROWS, WANT_BARE, NULL },
    { "rope_freqs", NULL, AT(rope_freqs), DIM_ROPE, DIM_NONE,
      SPLIT_NONE, WANT_OPTIONAL, NULL },
    { "rope_factors_long", NULL, AT(rope_long), DIM_ROPE, DIM_NONE,
      SPLIT_NONE, WANT_OPTIONAL, NULL },
    { "rope_factors_short", NULL, AT(rope_short), DIM_ROPE, DIM_NONE,
      SPLIT_NONE, WANT_OPTIONAL, NULL },
};
static const struct want embed_only = {
    "token_embd", "model.embed_tokens", AT(embed), DIM_VOCAB, DIM_HIDDEN,
    SPLIT_ROWS, WANT_LOOKUP_ONLY, NULL,
};
static const struct want head_want = {
    "output", "lm_head", AT(head), DIM_VOCAB, DIM_HIDDEN, SPLIT_ROWS, 0, NULL,
};

#undef AT

/* The tables of one checkpoint: with a head of its own or without. */
static size_t end_tables(struct want_table table[3],
                         const struct checkpoint *c)
{
    size_t n = sizeof tied_wants / sizeof tied_wants[0];

    if (bind_rows(c, &head_want) == 0) {
        table[0] = (struct want_table){ tied_wants, n };
        return 1;
    }
    table[0] = (struct want_table){ &embed_only, 1 };
    table[1] = (struct want_table){ tied_wants + 1, n - 1 };
    table[2] = (struct want_table){ &head_want, 1 };
    return 3;
}

/* ---- configuration ---- */

static const struct key_name key_tied = { "tie_word_embeddings", NULL },
                             key_vision = { "vision_config", NULL };

/* What the file says about tying against what it holds: the tensors win, as in
 * the reference, but not in silence. */
static enum err check_tied(const struct checkpoint *c,
                           const struct notices *notices, struct err_info *why)
{
    bool     tied = false, has_head = bind_rows(c, &head_want) != 0;
    enum err e = keys_bool(&tied, &c->keys, key_tied, why);

    if (e != ERR_OK || c->naming != NAMING_HF || c->n_tensors == 0)
        return e;
    if (tied && has_head)
        notice(notices, "%s: tie_word_embeddings is true, but there is an "
               "lm_head.weight; it is used", c->path);
    if (keys_has(&c->keys, key_tied) && !tied && !has_head)
        notice(notices, "%s: there is no lm_head.weight; the embedding is used "
               "in its place", c->path);
    return ERR_OK;
}

static enum err configure(struct config *cfg, const struct arch *arch,
                          const struct checkpoint *c,
                          const struct notices *notices, struct err_info *why)
{
    struct config_source src = { .keys = &c->keys, .checkpoint = c,
                                 .notices = notices };
    uint64_t rows = bind_rows(c, &embed_only);
    enum err e = arch->configure(cfg, &src, why);

    if (e != ERR_OK || (e = check_tied(c, notices, why)) != ERR_OK)
        return e;
    if (keys_has(&c->keys, key_vision))
        notice(notices, "%s: the part for images is not read, only that for "
               "text", c->path);
    /* GGUF has no count of its own, and some exports cut the padding off. */
    if (c->naming == NAMING_GGUF && rows > 0 && rows <= UINT32_MAX)
        cfg->vocab_size = (uint32_t)rows;
    return ERR_OK;
}

enum err model_configure(struct config **cfg, const struct arch *arch,
                         const struct checkpoint *c,
                         const struct notices *notices, struct err_info *why)
{
    enum err e;

    if ((*cfg = calloc(1, sizeof **cfg)) == NULL)
        return fail_nomem(why);
    if ((e = configure(*cfg, arch, c, notices, why)) != ERR_OK) {
        config_close(*cfg);
        *cfg = NULL;
    }
    return e;
}

/* ---- groups of layers ---- */

size_t model_groups_of(const struct config *c,
                       struct kv_group group[LAYER_KINDS_MAX])
{
    struct kv_layer l = config_kv_layer(c);

    memset(group, 0, LAYER_KINDS_MAX * sizeof *group);
    for (size_t i = 0; i < c->n_kinds; i++)
        group[i] = (struct kv_group){
            .form = l.form, .n_head_kv = l.n_head_kv, .k_width = l.k_width,
            .v_width = l.v_width, .window = c->kind[i].window,
        };
    for (uint32_t i = 0; i < c->n_layer; i++)
        group[config_kind(c, i) - c->kind].n_layers++;
    return c->n_kinds;
}

/* ---- opening ---- */

static enum err bind_ends(struct model *m, struct binder *b,
                          struct err_info *why)
{
    struct want_table table[3];
    size_t            n = end_tables(table, b->checkpoint);

    for (size_t i = 0; i < n; i++) {
        enum err e = bind_open(b, &m->ends, table[i], -1, why);
        if (e != ERR_OK)
            return e;
    }
    m->has_head = n > 1;
    return ERR_OK;
}

/* Frequencies that GGUF keeps as tensors. */
static enum err take_rope_tensors(struct model *m, const struct checkpoint *c,
                                  struct err_info *why)
{
    const struct device_ops *ops = m->device->ops;
    const struct ends       *e = &m->ends;

    for (size_t i = 0; i < m->config->n_kinds; i++) {
        struct rope_spec *r = &m->config->kind[i].rope;
        if (e->rope_freqs.weight != NULL)
            r->divisor = ops->vector_values(e->rope_freqs.weight);
        if (e->rope_long.weight != NULL && e->rope_short.weight != NULL) {
            r->kind = ROPE_LONGROPE;
            r->long_factor = ops->vector_values(e->rope_long.weight);
            r->short_factor = ops->vector_values(e->rope_short.weight);
        }
        if (r->kind == ROPE_LONGROPE && r->long_factor == NULL)
            return fail(why, ERR_FORMAT, "%s: the tensors rope_factors_long "
                        "and rope_factors_short are missing", c->path);
    }
    return ERR_OK;
}

/* The tables of a layer: its own, then those it shares with other
 * architectures. */
enum { TABLES = 1 + ARCH_PARTS };

static struct want_table table_of(const struct arch *arch, int i)
{
    static const struct want_table none = { NULL, 0 };

    if (i == 0)
        return arch->wants;
    return arch->part[i - 1].wants == NULL ? none : *arch->part[i - 1].wants;
}

static void *layer_part(const struct model *m, uint32_t layer, int i)
{
    return (char *)model_layer(m, layer) + (i == 0 ? 0 : m->arch->part[i - 1].at);
}

static enum err bind_layer(struct model *m, struct binder *b, uint32_t layer,
                           struct err_info *why)
{
    enum err e = ERR_OK;

    for (int i = 0; e == ERR_OK && i < TABLES; i++)
        e = bind_open(b, layer_part(m, layer, i), table_of(m->arch, i), layer,
                      why);
    return e;
}

static enum err bind_layers(struct model *m, struct binder *b,
                            struct err_info *why)
{
    uint32_t n = m->config->n_layer;

    for (uint32_t l = 0; l < n; l++) {
        enum err e = bind_layer(m, b, l, why);
        if (e != ERR_OK)
            return e;
        if (progress_tick(b->progress, "loading", l + 1, n))
            return fail(why, ERR_CANCELLED, "loading was cancelled");
    }
    return ERR_OK;
}

static enum err number_layers(struct model *m, struct err_info *why)
{
    uint32_t n = m->config->n_layer, used[LAYER_KINDS_MAX] = { 0 };
    size_t   size;

    m->n_groups = model_groups_of(m->config, m->group);
    if (!checked_size(&size, n, m->arch->layer_size)
        || (m->layers = calloc(1, size)) == NULL
        || (m->index = calloc(n, sizeof *m->index)) == NULL)
        return fail_nomem(why);
    for (uint32_t l = 0; l < n; l++)
        m->index[l] = used[config_kind(m->config, l) - m->config->kind]++;
    return ERR_OK;
}

static enum err fill_model(struct model *m, const struct checkpoint *c,
                           const struct model_options *o, struct err_info *why)
{
    struct binder b = {
        .checkpoint = c, .device = m->device, .exact = o->exact,
        .notices = o->notices, .progress = o->progress,
    };
    enum err e;

    if (o->weights != NULL
        && (e = bind_target(&b.convert_to, o->weights, why)) != ERR_OK)
        return e;
    if ((e = model_configure(&m->config, m->arch, c, o->notices, why)))
        return e;
    b.config = m->config;
    if ((e = number_layers(m, why)) != ERR_OK
        || (e = bind_layers(m, &b, why)) != ERR_OK
        || (e = bind_ends(m, &b, why)) != ERR_OK
        || (e = take_rope_tensors(m, c, why)) != ERR_OK)
        return e;
    if (b.n_requantised > 0)
        notice(o->notices, "%s: %zu matrices that were quantised already were "
               "converted to %s; quality is lost twice", c->path,
               b.n_requantised, o->weights);
    m->weight_bytes = model_count_bytes(m);
    return ERR_OK;
}

enum err model_open(struct model **out, const struct arch *arch,
                    const struct checkpoint *c, struct device *device,
                    const struct model_options *o, struct err_info *why)
{
    static const struct model_options none = { 0 };
    struct model *m = calloc(1, sizeof *m);
    enum err      e;

    *out = NULL;
    if (m == NULL)
        return fail_nomem(why);
    m->arch = arch;
    m->device = device;
    if ((e = fill_model(m, c, o == NULL ? &none : o, why)) != ERR_OK) {
        model_close(m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

void model_close(struct model *m)
{
    if (m == NULL)
        return;
    struct want_table tied = { tied_wants,
                               sizeof tied_wants / sizeof tied_wants[0] };
    bind_close(m->device, &m->ends, tied);
    bind_close(m->device, &m->ends, (struct want_table){ &head_want, 1 });
    for (uint32_t l = 0; m->layers != NULL && l < m->config->n_layer; l++)
        for (int i = 0; i < TABLES; i++)
            bind_close(m->device, layer_part(m, l, i), table_of(m->arch, i));
    free(m->layers);
    free(m->index);
    config_close(m->config);
    free(m);
}

/* ---- facts ---- */

size_t model_count_bytes(const struct model *m)
{
    const struct device *d = m->device;
    size_t n = bind_bytes(d, &m->ends, (struct want_table){ tied_wants, 1 });

    n += bind_bytes(d, &m->ends, (struct want_table){ &head_want, 1 });
    for (uint32_t l = 0; l < m->config->n_layer; l++)
        for (int i = 0; i < TABLES; i++)
            n += bind_bytes(d, layer_part(m, l, i), table_of(m->arch, i));
    return n;
}

/* Bytes of all tensors the tables name, after the same checks as binding. */
static enum err plan_weights(struct binder *b, uint64_t *bytes,
                             const struct arch *arch, struct err_info *why)
{
    struct want_table table[3];
    size_t   n = end_tables(table, b->checkpoint);
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = bind_plan(b, bytes, table[i], -1, why);
    for (uint32_t l = 0; e == ERR_OK && l < b->config->n_layer; l++)
        for (int t = 0; e == ERR_OK && t < TABLES; t++)
            e = bind_plan(b, bytes, table_of(arch, t), l, why);
    return e;
}

enum err model_plan(struct model_plan *out, const struct arch *arch,
                    const struct checkpoint *c, struct device *device,
                    const struct model_options *o, struct err_info *why)
{
    struct binder  b = { .checkpoint = c, .device = device, .exact = o->exact };
    struct config *cfg;
    enum err       e;

    memset(out, 0, sizeof *out);
    if (o->weights != NULL
        && (e = bind_target(&b.convert_to, o->weights, why)) != ERR_OK)
        return e;
    if ((e = model_configure(&cfg, arch, c, o->notices, why)) != ERR_OK)
        return e;
    b.config = cfg;
    e = plan_weights(&b, &out->weights_size, arch, why);
    out->n_groups = model_groups_of(cfg, out->groups);
    out->work_size = work_size(cfg, device, o->max_tokens);
    config_close(cfg);
    return e;
}

const struct config *model_config(const struct model *m)
{
    return m->config;
}

const struct kv_group *model_kv_groups(const struct model *m, size_t *n)
{
    *n = m->n_groups;
    return m->group;
}

size_t model_vocab_size(const struct model *m)
{
    return m->config->vocab_size;
}

size_t model_weight_bytes(const struct model *m)
{
    return m->weight_bytes;
}
