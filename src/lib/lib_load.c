#include "lib/lib_own.h"

#include <stdlib.h>
#include <string.h>

/* ---- pools ---- */

enum osmia_status osmia_pool_open(struct osmia_pool **out, unsigned n_threads,
                                  struct osmia_error *error)
{
    struct err_info why;
    struct osmia_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return lib_error(error, fail_nomem(&why), &why);
    if (n_threads == 0)
        n_threads = pool_default_threads("");
    enum err e = n_threads > POOL_MAX_THREADS
                 ? fail(&why, ERR_LIMIT, "%u threads were asked for, at most "
                        "%d can be had", n_threads, POOL_MAX_THREADS)
                 : pool_open(&p->pool, n_threads, &why);
    if (e != ERR_OK) {
        free(p);
        return lib_error(error, e, &why);
    }
    *out = p;
    return OSMIA_OK;
}

void osmia_pool_close(struct osmia_pool *pool)
{
    if (pool == NULL)
        return;
    pool_close(pool->pool);
    free(pool);
}

unsigned osmia_pool_threads(const struct osmia_pool *pool)
{
    return pool_threads(pool->pool);
}

/* ---- loading ---- */

/* The members that the caller's version of the struct has; the rest is 0. */
static enum err take_options(struct osmia_options *o,
                             const struct osmia_options *given,
                             struct err_info *why)
{
    size_t size = given == NULL ? 0 : given->size;
    *o = (struct osmia_options)OSMIA_OPTIONS_INIT;
    if (given != NULL && (size < sizeof size || size > 4096))
        return fail(why, ERR_REQUEST, "osmia_options.size is %zu; use "
                    "OSMIA_OPTIONS_INIT", size);
    if (given != NULL)
        memcpy(o, given, size < sizeof *o ? size : sizeof *o);
    return ERR_OK;
}

static enum err read_kv(int *kv, const char *name, struct err_info *why)
{
    static const char *const names[] = {
#define X(id, text) [KV_##id] = text,
        KV_TYPE_LIST(X)
#undef X
    };
    *kv = ENGINE_KV_AUTO;
    for (int i = 0; name != NULL && i < KV_N_TYPES; i++)
        if (strcmp(name, names[i]) == 0)
            *kv = i;
    if (name != NULL && *kv == ENGINE_KV_AUTO)
        return fail(why, ERR_REQUEST, "kv is \"%.40s\", it must be f16, f32, "
                    "bf16 or q8_0", name);
    return ERR_OK;
}

static enum err open_engine(struct osmia_model *m, const char *path,
                            const struct osmia_options *o, struct err_info *why)
{
    struct progress progress = lib_progress(m);
    struct notices notices = { o->notice, o->notice_arg };
    struct engine_options eo = engine_defaults(path);
    enum err e = read_kv(&eo.kv, o->kv, why);
    eo.n_threads = o->n_threads;
    eo.pool = o->pool != NULL ? o->pool->pool : NULL;
    eo.device = o->device;
    eo.weights = o->weights;
    eo.exact = o->exact;
    eo.ctx = o->context;
    eo.n_seqs = m->max_sessions + 2;     /* osmia_forward, osmia_generate */
    eo.kv_size = o->kv_size;
    eo.notices = &notices;
    eo.progress = &progress;
    eo.cache = o->cache;
    if (e == ERR_OK && o->pool != NULL && o->n_threads > 0)
        e = fail(why, ERR_REQUEST, "n_threads and pool are both given");
    if (e == ERR_OK && m->max_sessions > 4096)
        e = fail(why, ERR_REQUEST, "n_sessions is %zu, at most 4096 are "
                 "possible", m->max_sessions);
    return e == ERR_OK ? engine_open(&m->engine, &eo, why) : e;
}

/* A copy with a NUL: the files' own name has none. */
static void take_architecture(struct osmia_model *m)
{
    struct slice name = engine_architecture(m->engine);
    size_t len = name.len < sizeof m->architecture ? name.len
                                                   : sizeof m->architecture - 1;
    if (len > 0)
        memcpy(m->architecture, name.at, len);
}

enum osmia_status osmia_load(struct osmia_model **out, const char *path,
                             const struct osmia_options *options,
                             struct osmia_error *error)
{
    struct err_info why;
    struct osmia_options o;
    enum err e = take_options(&o, options, &why);
    if (e != ERR_OK)
        return lib_error(error, e, &why);
    struct osmia_model *m = calloc(1, sizeof *m);
    if (m == NULL)
        return lib_error(error, fail_nomem(&why), &why);
    m->progress = o.progress;
    m->progress_arg = o.progress_arg;
    m->max_sessions = o.n_sessions > 0 ? o.n_sessions : 1;
    e = open_engine(m, path, &o, &why);
    if (e != ERR_OK) {
        free(m);
        return lib_error(error, e, &why);
    }
    take_architecture(m);
    *out = m;
    return OSMIA_OK;
}

void osmia_unload(struct osmia_model *model)
{
    if (model == NULL)
        return;
    session_close(model->own);
    sched_close(model->sched);
    engine_close(model->engine);
    free(model);
}

/* ---- facts ---- */

const char *osmia_architecture(const struct osmia_model *model)
{
    return model->architecture;
}

size_t osmia_vocab_size(const struct osmia_model *model)
{
    return engine_vocab_size(model->engine);
}

size_t osmia_context(const struct osmia_model *model)
{
    return engine_ctx(model->engine);
}

const int32_t *osmia_eos(const struct osmia_model *model, size_t *n)
{
    return tok_eos(engine_tokenizer(model->engine), n);
}

unsigned osmia_capabilities(const struct osmia_model *model)
{
    const struct chat *chat = engine_chat(model->engine);
    bool renders = chat_has_template(chat) && chat_error(chat) == NULL;
    return OSMIA_CAN_FORWARD | OSMIA_CAN_TOKENIZE
           | (renders ? (unsigned)OSMIA_CAN_RENDER : 0u);
}

/* As many members as the caller's version of the struct has. */
enum osmia_status osmia_stats(struct osmia_model *model,
                              struct osmia_stats *stats,
                              struct osmia_error *error)
{
    size_t size = stats->size < sizeof *stats ? stats->size : sizeof *stats;
    enum osmia_status status = lib_enter(model, error);
    if (status != OSMIA_OK)
        return status;
    struct osmia_stats s = {
        .size = stats->size,
        .weights_bytes = engine_weights_size(model->engine),
        .kv_bytes_per_token = engine_kv_size_per_token(model->engine),
        .n_blocks_used = engine_blocks_used(model->engine),
        .n_threads = engine_threads(model->engine) };
    lib_leave(model);
    memcpy(stats, &s, size);
    return OSMIA_OK;
}
