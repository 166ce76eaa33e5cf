/* Opening the model on a thread of its own, while the loop goes on. */
#ifndef OSMIA_SERVE_LOADER_H
#define OSMIA_SERVE_LOADER_H

#include "base/progress.h"
#include "engine/engine.h"

#include <stdatomic.h>
#include <uv.h>

struct loader {
    enum err  (*load)(void *arg, const struct progress *progress,
                      struct engine **out, struct err_info *why);
    void       *arg;
    uv_async_t *wake;                  /* sent when it is done */
    struct progress progress;
    uv_thread_t thread;
    bool        running;               /* the thread is to be joined */
    atomic_bool cancelled, done;
    /* Layers loaded, of how many; read by the loop at any time. */
    _Atomic(uint64_t) n_done, n_total;
    /* Valid once `done` is set. */
    enum err        result;
    struct engine  *engine;
    struct err_info why;
};

/* The loader must not move while it runs. */
enum err loader_start(struct loader *l, struct err_info *why);
/* Give up as soon as possible, and wait for it.  An engine that nobody took is
 * closed. */
void     loader_stop(struct loader *l);
/* After `done`: the engine is the caller's from now on; NULL: see l->why. */
struct engine *loader_take(struct loader *l);

#endif
