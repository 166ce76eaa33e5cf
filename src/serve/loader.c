/* The thread that opens the model, and runs it once before anybody else may.
 *
 * It shares nothing with the loop but the atomics of struct loader; the result
 * is written before `done` is set and read after it was seen.  The warm-up
 * comes before `done`, too: the first client should not pay for touching every
 * page, and a model that computes nonsense should not become ready. */
#include "serve/loader.h"
#include "engine/generate.h"

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

static void on_event(void *arg, const struct job_event *ev)
{
    (void)arg, (void)ev;
}

/* A prompt of several tokens, then one token by itself: pages are touched, and a
 * model that computes nonsense is found before anybody asks it. */
static enum err warm_up(struct engine *e, const struct progress *progress,
                        struct err_info *why)
{
    struct sched_options o = { .max_running = 1 };
    struct tok_ids ids = { 0 };
    struct sched *sched;
    struct generated end;
    enum err err = engine_encode_raw(e, SLICE("Hello, hello"), &ids, why);

    if (err == ERR_OK)
        err = engine_sched(&sched, e, &o, why);
    if (err == ERR_OK) {
        struct job_request r = {
            .prompt = ids.at, .n_prompt = ids.n, .max_tokens = 2,
            .sampling = sampling_off(), .ignore_eos = true, .event = on_event,
        };
        r.sampling.temperature = 0;
        err = generate(sched, &r, progress, &end, why);
        sched_close(sched);
    }
    tok_ids_drop(&ids);
    return err;
}

static void run(void *arg)
{
    struct loader *l = arg;

    l->result = l->load(l->arg, &l->progress, &l->engine, &l->why);
    if (l->result == ERR_OK)
        l->result = warm_up(l->engine, &l->progress, &l->why);
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
