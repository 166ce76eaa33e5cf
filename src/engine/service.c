/* The thread that owns the scheduler, and its inbox.
 *
 *   1. `live` and the scheduler hold the same jobs, in the same order; only the
 *      thread touches them.
 *   2. Under the lock: the inbox, counts, the published figures.  It is never
 *      held while the scheduler or a ticket is being worked on.
 *   3. n_open counts jobs from submission until their end has been told; it is
 *      what ERR_FULL goes by.
 *   4. The order of locks is ticket before service. */
#include "engine/service.h"

#include "base/clock.h"
#include "engine/ticket.h"
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { UNREAD = 64, IDLE_MS = 500, BUSY_MS = 50, PATIENCE_MS = 2000 };

struct service {
    struct sched_parts     parts;
    struct service_options options;
    pthread_t              thread;

    pthread_mutex_t        lock;
    pthread_cond_t         change;
    bool                   poked, draining;
    struct ticket         *inbox, **inbox_end;
    size_t                 n_open;
    uint64_t               n_refused;
    struct service_stats   told;         /* as of the last step */
    struct err_info        last_error;

    atomic_bool            closing, cancel_all;
    _Atomic int64_t        beat_ns;
    _Atomic uint64_t       n_failed;

    /* the thread's own */
    struct sched          *sched;
    struct ticket         *live;
    struct service_stats   stats;
};

/* What others see, as of now; n_ended jobs have just gone. */
static void publish(struct service *s, size_t n_ended)
{
    struct sched_blocks blocks = sched_blocks(s->sched);
    s->stats.sched = sched_stats(s->sched);
    s->stats.n_running = sched_running(s->sched);
    s->stats.n_blocks = blocks.all;
    s->stats.n_blocks_jobs = blocks.jobs;
    s->stats.n_blocks_kept = blocks.kept;
    pthread_mutex_lock(&s->lock);
    assert(s->n_open >= n_ended);
    s->n_open -= n_ended;
    s->told = s->stats;
    pthread_mutex_unlock(&s->lock);
}

/* ---- what the scheduler tells ---- */

static struct service *service_of(struct ticket *t)
{
    return t->service;       /* it changes by this thread only */
}

static void wake_if(struct ticket *t, bool wanted)
{
    struct service *s = service_of(t);
    if (wanted)
        s->options.wake(s->options.arg);
}

static double ms(int64_t from, int64_t to)
{
    return (double)(to - from) / 1e6;
}

static void on_started(void *arg)
{
    struct ticket *t = arg;
    histogram_add(&service_of(t)->stats.wait_ms,
                  clock_ms_since(t->submitted_ns));
    wake_if(t, ticket_put_started(t));
}

static void measure_token(struct ticket *t)
{
    struct service_stats *stats = &service_of(t)->stats;
    int64_t now = clock_ns();
    if (t->last_ns == 0)
        histogram_add(&stats->first_token_ms, ms(t->submitted_ns, now));
    else
        histogram_add(&stats->between_ms, ms(t->last_ns, now));
    t->last_ns = now;
}

/* Whoever hears of the end finds its place free, its blocks given back, and in
 * the service's health what became of it. */
static void on_event(void *arg, const struct job_event *ev)
{
    struct ticket *t = arg;
    if (!ev->done || ev->reason == JOB_STOP || ev->reason == JOB_LENGTH)
        atomic_store(&service_of(t)->n_failed, 0);
    if (!ev->done) {
        measure_token(t);
        wake_if(t, ticket_put_token(t, ev));
        return;
    }
    histogram_add(&service_of(t)->stats.job_ms,
                  clock_ms_since(t->submitted_ns));
    t->ended = true;
    publish(service_of(t), 1);
    wake_if(t, ticket_put_end(t, ev));
}

/* ---- the thread ---- */

static void beat(struct service *s)
{
    atomic_store(&s->beat_ns, clock_ns());
}

static bool on_tick(void *arg, const char *doing, uint64_t done, uint64_t total)
{
    struct service *s = arg;
    (void)doing, (void)done, (void)total;
    beat(s);
    return atomic_load(&s->closing);
}

static void take_inbox(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    struct ticket *t = s->inbox, **end = &s->live;
    s->inbox = NULL;
    s->inbox_end = &s->inbox;
    s->poked = false;
    pthread_mutex_unlock(&s->lock);

    while (*end != NULL)
        end = &(*end)->sibling;
    *end = t;
    for (; t != NULL; t = t->sibling) {
        t->id = sched_add(s->sched, t->prepared);
        t->prepared = NULL;
    }
}

/* Slow readers, and those that have caught up. */
static void apply_holds(struct service *s)
{
    for (struct ticket *t = s->live; t != NULL; t = t->sibling) {
        bool full = atomic_load(&t->full);
        if (full == t->held)
            continue;
        t->held = full;
        sched_hold(s->sched, t->id, full);
    }
}

static void let_ended_go(struct service *s)
{
    for (struct ticket **at = &s->live; *at != NULL;) {
        struct ticket *t = *at;
        if (!t->ended) {
            at = &t->sibling;
            continue;
        }
        *at = t->sibling;
        ticket_leave(t);
    }
}

/* The jobs of a step that cannot be computed end; those that wait may find that
 * the next one can.  Noted first: a client that is told asks for the health. */
static void note_failure(struct service *s, const struct err_info *why)
{
    pthread_mutex_lock(&s->lock);
    s->last_error = *why;
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->n_failed, 1);
    sched_end_all(s->sched, true, JOB_ERROR, why);
}

/* True: there was something to do, so there may be more. */
static bool step(struct service *s)
{
    struct progress progress = { on_tick, s };
    struct err_info why;
    int64_t begun = clock_ns();
    enum err e = sched_step(s->sched, &progress, &why);
    if (e != ERR_OK && e != ERR_CANCELLED)
        note_failure(s, &why);
    if (sched_stepped(s->sched) == 0)
        return e != ERR_OK;
    atomic_store(&s->n_failed, 0);
    histogram_add(&s->stats.step_ms, clock_ms_since(begun));
    histogram_add(&s->stats.batch, (double)sched_stepped(s->sched));
    return true;
}

/* Deadlines of waiting jobs are looked at when this returns, at the latest. */
static void sleep_until_poked(struct service *s)
{
    struct timespec until;
    int64_t wait_ms = s->live != NULL ? BUSY_MS : IDLE_MS;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->lock);
    if (!s->poked)
        pthread_cond_timedwait(&s->change, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg)
{
    struct service *s = arg;
    pthread_setname_np(pthread_self(), "inference");
    while (!atomic_load(&s->closing)) {
        beat(s);
        take_inbox(s);
        if (atomic_exchange(&s->cancel_all, false))
            sched_end_all(s->sched, false, JOB_CANCELLED, NULL);
        apply_holds(s);
        bool busy = step(s);
        let_ended_go(s);
        publish(s, 0);
        if (!busy)
            sleep_until_poked(s);
    }
    return NULL;
}

/* ---- open and close ---- */

static void init_stats(struct service_stats *stats,
                       const struct sched *sched, size_t max_queue)
{
    histogram_init_ms(&stats->wait_ms);
    histogram_init_ms(&stats->first_token_ms);
    histogram_init_ms(&stats->between_ms);
    histogram_init_ms(&stats->job_ms);
    histogram_init_ms(&stats->step_ms);
    histogram_init_counts(&stats->batch);
    stats->max_running = sched_max_running(sched);
    stats->max_queue = max_queue;
}

static void init_locks(struct service *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->change, &attr);
    pthread_condattr_destroy(&attr);
}

static void drop_locks(struct service *s)
{
    pthread_cond_destroy(&s->change);
    pthread_mutex_destroy(&s->lock);
}

/* Signals are for whoever started the service. */
static bool start(struct service *s)
{
    sigset_t all, before;
    sigfillset(&all);
    /* A mapped file that shrinks: blocked, this signal would be the end. */
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&s->thread, NULL, run, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void wake_nobody(void *arg)
{
    (void)arg;
}

enum err service_open(struct service **out, const struct sched_parts *parts,
                      const struct service_options *o, struct err_info *why)
{
    struct service *s = calloc(1, sizeof *s);
    enum err e;
    if (s == NULL)
        return fail_nomem(why);
    s->parts = *parts;
    s->options = *o;
    if (o->max_unread == 0)
        s->options.max_unread = UNREAD;
    if (o->wake == NULL)
        s->options.wake = wake_nobody;
    s->inbox_end = &s->inbox;
    init_locks(s);
    if ((e = sched_open(&s->sched, parts, &o->sched, why)) != ERR_OK)
        goto no_sched;
    init_stats(&s->stats, s->sched, o->max_queue);
    publish(s, 0);
    beat(s);
    e = ERR_NOMEM;
    if (!start(s)) {
        fail(why, e, "the system starts no thread for inference");
        goto no_thread;
    }
    *out = s;
    return ERR_OK;

no_thread: sched_close(s->sched);
no_sched:  drop_locks(s);
           free(s);
    return e;
}

/* Wait for the thread's end.  Not a plain join: a thread that hangs (a device
 * or a disk that no longer answers) would take us with it, and whoever asked the
 * process to stop waits for us. */
static bool join(struct service *s)
{
    const struct timespec nap = { .tv_nsec = 1000000 };
    struct service_health h;

    while (pthread_tryjoin_np(s->thread, NULL) != 0) {
        service_health(s, &h);
        if (h.beat_age_ms > PATIENCE_MS)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

/* Jobs end here and not on the thread, which may have died under them. */
bool service_close(struct service *s)
{
    if (s == NULL)
        return true;
    atomic_store(&s->closing, true);
    service_poke(s);
    if (!join(s))
        return false;
    take_inbox(s);
    sched_end_all(s->sched, false, JOB_CANCELLED, NULL);
    let_ended_go(s);
    assert(s->n_open == 0 && s->live == NULL && s->inbox == NULL);
    sched_close(s->sched);
    drop_locks(s);
    free(s);
    return true;
}

/* ---- from other threads ---- */

void service_poke(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    s->poked = true;
    pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->lock);
}

/* A place among those that may run and wait. */
static enum err take_place(struct service *s, struct err_info *why)
{
    size_t most = s->stats.max_running + s->options.max_queue;
    enum err e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    if (s->draining || atomic_load(&s->closing)) {
        e = fail(why, ERR_BUSY, "no more requests are taken: stopping");
    } else if (s->n_open >= most) {
        e = fail(why, ERR_FULL, "the queue is full: %zu requests run or wait",
                 s->n_open);
        s->n_refused++;
    } else {
        s->n_open++;
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

static void give_place_back(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    s->n_open--;
    pthread_mutex_unlock(&s->lock);
}

/* All that can fail and all that takes time is done here, on the caller's
 * thread; what is left for the inference thread is to link the job in. */
static enum err prepare(struct ticket **out, struct service *s,
                        const struct job_request *r, struct err_info *why)
{
    struct ticket *t;
    struct job_request own = *r;
    enum err e = ticket_open(&t, s->options.max_unread, why);
    if (e != ERR_OK)
        return e;
    own.cancel = &t->cancel;
    own.started = on_started;
    own.event = on_event;
    own.arg = t;
    t->service = s;
    t->submitted_ns = clock_ns();
    if ((e = sched_prepare(&t->prepared, &s->parts, &own, why)) != ERR_OK) {
        t->service = NULL;
        ticket_leave(t);
        ticket_release(t);
        return e;
    }
    *out = t;
    return ERR_OK;
}

enum err service_submit(struct service *s, const struct job_request *r,
                        struct ticket **out, struct err_info *why)
{
    enum err e = take_place(s, why);
    if (e != ERR_OK)
        return e;
    if ((e = prepare(out, s, r, why)) != ERR_OK) {
        give_place_back(s);
        return e;
    }
    pthread_mutex_lock(&s->lock);
    *s->inbox_end = *out;
    s->inbox_end = &(*out)->sibling;
    s->poked = true;
    pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->lock);
    return ERR_OK;
}

void service_drain(struct service *s)
{
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    pthread_mutex_unlock(&s->lock);
}

void service_cancel_all(struct service *s)
{
    atomic_store(&s->cancel_all, true);
    service_poke(s);
}

void service_stats(struct service *s, struct service_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->told;
    out->n_waiting = s->n_open > out->n_running ? s->n_open - out->n_running
                                                : 0;
    out->n_refused = s->n_refused;
    pthread_mutex_unlock(&s->lock);
}

void service_health(struct service *s, struct service_health *out)
{
    out->beat_age_ms = ms(atomic_load(&s->beat_ns), clock_ns());
    out->n_failed = atomic_load(&s->n_failed);
    pthread_mutex_lock(&s->lock);
    out->last_error = s->last_error;
    pthread_mutex_unlock(&s->lock);
}
