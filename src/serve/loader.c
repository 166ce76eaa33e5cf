#include "serve/loader.h"

static bool on_tick(void *arg, const char *doing, uint64_t done,
                    uint64_t total)
{
    struct loader *l = arg;

    /* Only whole layers: the engine also tells of the rows within one. */
    if (strcmp(doing, "loading") == 0) {
        atomic_store(&l->n_done, done);
        atomic_store(&l->n_total, total);
    }
    return atomic_load(&l->cancelled);
}

static void run(void *arg)
{
    struct loader *l = arg;

    l->result = l->load(l->arg, &l->progress, &l->engine, &l->why);
    atomic_store(&l->done, true);
    uv_async_send(l->wake);
}

enum err loader_start(struct loader *l, struct err_info *why)
{
    l->progress = (struct progress){ on_tick, l };
    if (uv_thread_create(&l->thread, run, l) != 0)
        return fail(why, ERR_NOMEM, "no thread can be made to load the model");
    l->running = true;
    return ERR_OK;
}

void loader_stop(struct loader *l)
{
    if (!l->running)
        return;
    atomic_store(&l->cancelled, true);
    uv_thread_join(&l->thread);
    l->running = false;
    if (l->engine != NULL)
        engine_close(l->engine);
    l->engine = NULL;
}

struct engine *loader_take(struct loader *l)
{
    struct engine *engine = l->engine;

    l->engine = NULL;
    loader_stop(l);
    return engine;
}
