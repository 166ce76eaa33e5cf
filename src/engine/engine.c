/* Opening, step by step: files, text, device, configuration, memory plan,
 * weights, cache.  Each step is a function of its own, so that `inspect` can
 * go as far as a broken model allows (facts.c); closing takes back whatever is
 * there. */
#include "engine/engine_own.h"

#include "engine/memory.h"
#include "models/arch_table.h"
#include <stdlib.h>
#include <string.h>

/* Tokens of a step: enough to reuse each weight while it is in the cache, few
 * enough that a cancel is noticed soon. */
enum { MAX_STEP = 512 };

struct engine_options engine_defaults(const char *path)
{
    return (struct engine_options){ .path = path, .depth = ENGINE_RUN,
                                    .kv = ENGINE_KV_AUTO };
}

/* ---- the steps of opening ---- */

enum err engine_open_files(struct engine *e, struct err_info *why)
{
    struct checkpoint_options o = {
        .no_weights = e->options.depth == ENGINE_TEXT,
        .notices = e->options.notices };
    enum err err = checkpoint_open(&e->checkpoint, e->options.path, &o, why);
    if (err == ERR_OK)
        read_wishes(e);
    return err;
}

/* A template that does not compile is no error here: chat_open keeps it with
 * its sentence, and only who wants to render is refused. */
enum err engine_open_text(struct engine *e, struct err_info *why)
{
    const struct tok_source *src = &e->checkpoint->tok;
    enum err err = tok_open(&e->tok, src, e->options.notices, why);
    if (err == ERR_OK)
        err = chat_open(&e->chat, src, e->tok, e->options.notices, why);
    if (err != ERR_OK)
        fail_within(why, "%s", e->checkpoint->path);
    return err;
}

enum err engine_open_device(struct engine *e, struct err_info *why)
{
    const char *name = e->options.device;
    struct cpu_options o = { .pool = e->options.pool,
                             .n_threads = e->options.n_threads,
                             .isa = e->options.isa };
    if (name != NULL && strcmp(name, "cpu") != 0)
        return fail(why, ERR_UNKNOWN, "there is no device \"%s\"; this build "
                    "has: cpu", name);
    return device_cpu_open(&e->device, &o, why);
}

static struct model_options model_options_of(const struct engine *e)
{
    const struct engine_options *o = &e->options;
    bool as_is = o->weights == NULL || strcmp(o->weights, "as-is") == 0;
    return (struct model_options){ .exact = o->exact,
                                   .weights = as_is ? NULL : o->weights,
                                   .notices = o->notices,
                                   .progress = o->progress };
}

enum err engine_configure(struct engine *e, struct config **cfg,
                          struct err_info *why)
{
    enum err err = arch_find(&e->arch, e->checkpoint, e->options.notices, why);
    if (err == ERR_OK)
        err = model_configure(cfg, e->arch, e->checkpoint, e->options.notices,
                              why);
    if (err == ERR_OK)
        e->model_ctx = (*cfg)->context_length;
    return err;
}

enum err engine_plan(struct engine *e, struct err_info *why)
{
    struct model_options o = model_options_of(e);
    o.max_tokens = e->options.max_step;
    e->kv_type = e->options.kv != ENGINE_KV_AUTO ? (enum kv_type)e->options.kv
                 : e->options.exact ? KV_F32 : KV_F16;
    enum err err = model_plan(&e->plan, e->arch, e->checkpoint, e->device, &o,
                              why);
    if (err == ERR_OK)
        err = memory_plan(e, memory_available(""), why);
    return err;
}

/* Rows of the output head that are no token, and ids that the model's makers
 * rule out, in ascending order. */
static enum err list_never(struct engine *e, struct err_info *why)
{
    size_t n_rows = model_vocab_size(e->model), n_suppressed, n = 0;
    const int32_t *suppressed = tok_suppressed(e->tok, &n_suppressed);
    bool *never = calloc(n_rows, sizeof *never);
    e->never = calloc(n_rows, sizeof *e->never);
    if (never == NULL || e->never == NULL) {
        free(never);
        return fail_nomem(why);
    }
    for (size_t i = 0; i < n_suppressed; i++)
        if (suppressed[i] >= 0 && (size_t)suppressed[i] < n_rows)
            never[suppressed[i]] = true;
    for (size_t i = 0; i < n_rows; i++)
        if (never[i] || i >= tok_size(e->tok) || !tok_has(e->tok, (int32_t)i))
            e->never[n++] = (int32_t)i;
    free(never);
    e->n_never = n;
    return ERR_OK;
}

/* The cache comes last: it is only reserved, and the weights are what may
 * fail. */
enum err engine_load(struct engine *e, struct err_info *why)
{
    struct model_options o = model_options_of(e);
    size_t n_groups;
    pack_cache_begin(e);
    enum err err = model_open(&e->model, e->arch, e->checkpoint, e->device, &o,
                              why);
    e->device->ops->store_end(e->device, err == ERR_OK);
    if (err == ERR_OK)
        err = work_open(&e->work, e->model, e->options.max_step, why);
    if (err != ERR_OK)
        return err;
    const struct kv_group *groups = model_kv_groups(e->model, &n_groups);
    /* For each running sequence one that has finished and one being begun. */
    struct kv_options kv = { .type = e->kv_type, .n_positions = e->kv_positions,
                             .max_seqs = 2 * e->options.n_seqs + 2
                                         + e->options.n_kept };
    if ((err = kv_open(&e->kv, groups, n_groups, &kv, why)) == ERR_OK)
        err = list_never(e, why);
    if (err == ERR_OK)
        model_runner(e);
    return err;
}

/* ---- open and close ---- */

static enum err open_all(struct engine *e, struct err_info *why)
{
    struct config *cfg;
    enum err err = engine_open_files(e, why);
    if (err == ERR_OK)
        err = engine_open_text(e, why);
    if (err != ERR_OK || e->options.depth == ENGINE_TEXT)
        return err;
    if ((err = engine_configure(e, &cfg, why)) != ERR_OK)
        return err;
    config_close(cfg);
    if ((err = engine_open_device(e, why)) == ERR_OK
        && (err = engine_plan(e, why)) == ERR_OK)
        err = engine_load(e, why);
    return err;
}

enum err engine_new(struct engine **out, const struct engine_options *o,
                    struct err_info *why)
{
    struct engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return fail_nomem(why);
    e->options = *o;
    if (o->n_seqs == 0)
        e->options.n_seqs = 1;
    if (o->max_step == 0)
        e->options.max_step = MAX_STEP;
    *out = e;
    return ERR_OK;
}

enum err engine_open(struct engine **out, const struct engine_options *o,
                     struct err_info *why)
{
    struct engine *e;
    struct err_info unheard;
    if (why == NULL)
        why = &unheard;         /* lower floors put prefixes in front of it */
    enum err err = engine_new(&e, o, why);
    if (err != ERR_OK)
        return err;
    err = open_all(e, why);
    if (err != ERR_OK) {
        engine_close(e);
        return err;
    }
    e->options.path = e->options.weights = e->options.device = NULL;
    e->options.cache = NULL;
    e->options.notices = NULL;
    e->options.progress = NULL;
    *out = e;
    return ERR_OK;
}

/* In the reverse order of opening; whatever was not opened is NULL. */
void engine_close(struct engine *e)
{
    if (e == NULL)
        return;
    free(e->never);
    if (e->kv != NULL)
        kv_close(e->kv);
    if (e->work != NULL)
        work_close(e->work);
    if (e->model != NULL)
        model_close(e->model);
    if (e->device != NULL)
        e->device->ops->close(e->device);
    if (e->chat != NULL)
        chat_close(e->chat);
    if (e->tok != NULL)
        tok_close(e->tok);
    checkpoint_close(e->checkpoint);
    free(e);
}

/* ---- facts ---- */

const struct checkpoint *engine_checkpoint(const struct engine *e)
{
    return e->checkpoint;
}

const struct file *engine_packed_file(const struct engine *e)
{
    return e->device == NULL ? NULL : e->device->ops->store_file(e->device);
}

struct slice engine_architecture(const struct engine *e)
{
    const struct arch_names *a = &e->checkpoint->arch;
    const struct slice names[] = { a->gguf, a->model_type, a->text_model_type,
                                   a->class_name };
    size_t i = 0;
    while (i < 3 && names[i].len == 0)
        i++;
    return names[i];
}

uint64_t engine_weights_size(const struct engine *e)
{
    return model_weight_bytes(e->model);
}

uint64_t engine_kv_size_per_token(const struct engine *e)
{
    return kv_bytes_per_position(e->plan.groups, e->plan.n_groups, e->kv_type);
}

const struct tokenizer *engine_tokenizer(const struct engine *e)
{
    return e->tok;
}

struct chat *engine_chat(const struct engine *e)
{
    return e->chat;
}

const struct model *engine_model(const struct engine *e)
{
    return e->model;
}

const struct runner *engine_runner(const struct engine *e)
{
    return &e->runner;
}

uint32_t engine_ctx(const struct engine *e)
{
    return e->ctx;
}

uint32_t engine_model_ctx(const struct engine *e)
{
    return e->model_ctx;
}

enum kv_type engine_kv_type(const struct engine *e)
{
    return e->kv_type;
}

unsigned engine_threads(const struct engine *e)
{
    return e->device->ops->n_threads(e->device);
}

size_t engine_vocab_size(const struct engine *e)
{
    return e->runner.n_vocab;
}

const struct tally *engine_tally(const struct engine *e)
{
    return work_tally(e->work);
}

size_t engine_blocks_used(const struct engine *e)
{
    return kv_blocks_used(e->kv);
}

const int32_t *engine_never(const struct engine *e, size_t *n)
{
    *n = e->n_never;
    return e->never;
}
