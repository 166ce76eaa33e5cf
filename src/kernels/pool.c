/* The thread pool.
 *
 * A region is published by one atomic word, `turn`: the region's number in the
 * high half, the next chunk nobody has taken in the low half.  Taking a chunk
 * is a compare-and-swap on that word, so a thread that wakes up late can never
 * take a chunk of a region it did not read the work of.
 *
 *   1. `work`, `arg` and `n_chunks` change only while every chunk of the last
 *      region is done; a thread whose swap succeeded has read the right ones.
 *   2. A region ends when `n_done` equals `n_chunks`.  Whoever finishes the last
 *      chunk wakes the caller; nobody waits for threads that hold no chunk.
 *   3. Who sleeps has counted himself before looking at the condition once
 *      more, and who changes it looks at that count afterwards (both
 *      sequentially consistent): no wake-up is lost.
 *
 * Why compare-and-swap and not fetch-add: a sleepy thread's fetch-add would
 * take a number of the next region and run it with the last region's work. */
#include "kernels/pool.h"

#include "base/clock.h"
#include "base/fpu.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { SPIN_NS = 50 * 1000, SPINS_PER_LOOK = 64 };

struct member {
    struct pool *pool;
    unsigned     worker;
    pthread_t    thread;
};

struct pool {
    _Atomic uint64_t   turn;        /* region << 32 | next chunk */
    _Atomic uint64_t   n_done;
    _Atomic(pool_work *) work;
    _Atomic(void *)    arg;
    _Atomic uint32_t   n_chunks;

    _Atomic int        n_asleep;    /* members waiting in `wake` */
    _Atomic bool       caller_asleep;
    _Atomic bool       closing;

    pthread_mutex_t    one_region;  /* models that share a pool take turns */
    pthread_mutex_t    lock;        /* of the two conditions */
    pthread_cond_t     wake, done;

    unsigned           n_threads;
    struct member      member[];    /* 1 .. n_threads - 1 in use */
};

static uint32_t region_of(uint64_t turn)
{
    return (uint32_t)(turn >> 32);
}

static void chunk_done(struct pool *p, uint32_t n_chunks)
{
    if (atomic_fetch_add(&p->n_done, 1) + 1 != n_chunks)
        return;
    if (!atomic_load(&p->caller_asleep))
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
}

/* Take and run chunks of the region in `turn` until none is left. */
static void run_chunks(struct pool *p, uint64_t turn, unsigned worker)
{
    uint32_t   region = region_of(turn);
    pool_work *work = atomic_load(&p->work);
    void      *arg = atomic_load(&p->arg);
    uint32_t   n_chunks = atomic_load(&p->n_chunks);

    while (region_of(turn) == region && (uint32_t)turn < n_chunks) {
        if (!atomic_compare_exchange_weak(&p->turn, &turn, turn + 1))
            continue;
        work(arg, (uint32_t)turn, worker);
        chunk_done(p, n_chunks);
        turn = atomic_load(&p->turn);
    }
}

/* Spin for a while; true as soon as there is a region other than `seen`. */
static bool spin_for_region(struct pool *p, uint32_t seen)
{
    int64_t start = clock_ns();
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (region_of(atomic_load(&p->turn)) != seen)
                return true;
            fpu_pause();
        }
    } while (clock_ns() - start < SPIN_NS);
    return false;
}

static void sleep_for_region(struct pool *p, uint32_t seen)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->n_asleep, 1);
    while (region_of(atomic_load(&p->turn)) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->n_asleep, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    struct pool   *p = m->pool;
    uint32_t       seen = 0;

    fpu_enter();
    for (;;) {
        if (!spin_for_region(p, seen))
            sleep_for_region(p, seen);
        uint64_t turn = atomic_load(&p->turn);
        /* Asked after that, not before: who has seen the last region must not
         * miss that it is the last, and wait for another. */
        if (atomic_load(&p->closing))
            return NULL;
        seen = region_of(turn);
        run_chunks(p, turn, m->worker);
    }
}

/* Make `turn` point at the first chunk of the next region, wake who sleeps. */
static uint64_t publish(struct pool *p)
{
    uint32_t region = region_of(atomic_load(&p->turn)) + 1;
    uint64_t turn = (uint64_t)region << 32;

    atomic_store(&p->turn, turn);
    if (atomic_load(&p->n_asleep) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    return turn;
}

static bool all_done(struct pool *p)
{
    return atomic_load(&p->n_done) == atomic_load(&p->n_chunks);
}

static void wait_for_chunks(struct pool *p)
{
    int64_t start = clock_ns();
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (all_done(p))
                return;
            fpu_pause();
        }
    } while (clock_ns() - start < SPIN_NS);

    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_asleep, true);
    while (!all_done(p))
        pthread_cond_wait(&p->done, &p->lock);
    atomic_store(&p->caller_asleep, false);
    pthread_mutex_unlock(&p->lock);
}

void pool_run_alone(pool_work *work, void *arg, size_t n_chunks)
{
    uint64_t before = fpu_enter();

    for (size_t i = 0; i < n_chunks; i++)
        work(arg, i, 0);
    fpu_leave(before);
}

static void run_shared(struct pool *p, pool_work *work, void *arg,
                       size_t n_chunks)
{
    pthread_mutex_lock(&p->one_region);
    /* First the last region's word becomes one that no swap expects: else a
     * late thread, seeing the new n_chunks, would find the old one unfinished. */
    atomic_fetch_or(&p->turn, UINT32_MAX);
    atomic_store(&p->n_done, 0);
    atomic_store(&p->work, work);
    atomic_store(&p->arg, arg);
    atomic_store(&p->n_chunks, (uint32_t)n_chunks);
    run_chunks(p, publish(p), 0);
    wait_for_chunks(p);
    pthread_mutex_unlock(&p->one_region);
}

void pool_run(struct pool *p, pool_work *work, void *arg, size_t n_chunks)
{
    uint64_t before;

    assert(n_chunks < UINT32_MAX);
    if (p->n_threads == 1 || n_chunks <= 1) {
        pool_run_alone(work, arg, n_chunks);
        return;
    }
    before = fpu_enter();
    run_shared(p, work, arg, n_chunks);
    fpu_leave(before);
}

unsigned pool_threads(const struct pool *p)
{
    return p->n_threads;
}

/* Stop members 1 .. n_started - 1. */
static void stop_members(struct pool *p, unsigned n_started)
{
    atomic_store(&p->closing, true);
    atomic_store(&p->n_chunks, 0);
    publish(p);
    for (unsigned i = 1; i < n_started; i++)
        pthread_join(p->member[i].thread, NULL);
}

static enum err start_members(struct pool *p, struct err_info *why)
{
    for (unsigned i = 1; i < p->n_threads; i++) {
        struct member *m = &p->member[i];
        m->pool = p;
        m->worker = i;
        if (pthread_create(&m->thread, NULL, member_main, m) != 0) {
            stop_members(p, i);
            return fail(why, ERR_LIMIT, "the system gives no more threads: "
                        "%u of %u started", i, p->n_threads);
        }
    }
    return ERR_OK;
}

static bool init_locks(struct pool *p)
{
    if (pthread_mutex_init(&p->one_region, NULL) != 0)
        goto no_region;
    if (pthread_mutex_init(&p->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&p->wake, NULL) != 0)
        goto no_wake;
    if (pthread_cond_init(&p->done, NULL) != 0)
        goto no_done;
    return true;

no_done:   pthread_cond_destroy(&p->wake);
no_wake:   pthread_mutex_destroy(&p->lock);
no_lock:   pthread_mutex_destroy(&p->one_region);
no_region: return false;
}

static void drop_locks(struct pool *p)
{
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->one_region);
}

enum err pool_open(struct pool **out, unsigned n_threads, struct err_info *why)
{
    struct pool *p;
    enum err     e = ERR_NOMEM;

    *out = NULL;
    if (n_threads < 1 || n_threads > POOL_MAX_THREADS)
        return fail(why, ERR_REQUEST, "%u threads: expected 1 to %d",
                    n_threads, POOL_MAX_THREADS);
    if (!(p = calloc(1, sizeof *p + n_threads * sizeof p->member[0])))
        return fail_nomem(why);
    p->n_threads = n_threads;
    if (!init_locks(p))
        goto no_locks;
    if ((e = start_members(p, why)) != ERR_OK)
        goto no_members;
    *out = p;
    return ERR_OK;

no_members: drop_locks(p);
no_locks:   free(p);
    return e == ERR_NOMEM ? fail_nomem(why) : e;
}

void pool_close(struct pool *p)
{
    if (p == NULL)
        return;
    stop_members(p, p->n_threads);
    drop_locks(p);
    free(p);
}
