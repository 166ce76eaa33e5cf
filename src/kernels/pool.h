/* A pool of threads that shares out small chunks of work.
 *
 * One parallel region at a time; the calling thread works, too.  Chunks are
 * taken from one atomic counter by whoever runs, so a thread that the system
 * has put aside delays nobody but the chunk it holds.  Idle threads spin
 * briefly, then sleep: an idle pool costs nothing. */
#ifndef OSMIA_KERNELS_POOL_H
#define OSMIA_KERNELS_POOL_H

#include "base/err.h"
#include <stddef.h>

struct pool;

enum { POOL_MAX_THREADS = 1024 };

/* n_threads >= 1, the caller included: n_threads - 1 threads are started. */
enum err pool_open(struct pool **out, unsigned n_threads, struct err_info *why);
void     pool_close(struct pool *p);
unsigned pool_threads(const struct pool *p);

/* One chunk of work; `worker` < pool_threads, for scratch memory of its own. */
typedef void pool_work(void *arg, size_t chunk, unsigned worker);

/* Run work for chunk = 0 .. n_chunks - 1, each exactly once, in any order, and
 * return when all are done.  Within it the floating-point control word is
 * set to round-to-nearest with denormals flushed; the caller's is restored.
 * Callers on different threads take turns.  `work` must not call pool_run. */
void pool_run(struct pool *p, pool_work *work, void *arg, size_t n_chunks);

/* The same on the calling thread, for work that is too small to be shared. */
void pool_run_alone(pool_work *work, void *arg, size_t n_chunks);

/* Threads worth using here: min(affinity, cgroup v1 / v2 CPU quota rounded down
 * but at least 1, physical cores).  `root` stands before /sys and /proc ("" in
 * real life; tests put a tree of their own). */
unsigned pool_default_threads(const char *root);

#endif
