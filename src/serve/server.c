#include "serve/conn.h"
#include "base/clock.h"
#include "serve/health.h"
#include "serve/model_watch.h"
#include "serve/notify.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,             /* clients in the kernel's queue */
    CONNS_MAX = 16384, FILES_SPARE = 64,
    RUSH = 32,                  /* jobs at once */
    TELL_MS = 200,              /* for the last bytes to reach their clients */
    LATE_TICK_MS = 20           /* near the end every moment counts: a manager
                                   kills two seconds after it asked */
};

struct serve_options serve_defaults(void)
{
    static const struct auth nobody = { 0 };

    return (struct serve_options){
        .host = "127.0.0.1", .port = 8080, .backend = "cpu", .auth = &nobody,
        .max_kept = 256, .max_queue = 64, .max_step_ms = 80,
        .max_tokens_out = 2048, .max_body = 2 << 20, .head_s = 10, .body_s = 60,
        .timeout_s = 300, .job_ttl_s = 300, .stream_grace_s = 30,
        .drain_s = 1.5, .lost_ms = 10000, .log = { .fd = -1 },
    };
}

/* ---- the end ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
    struct server *s = arg;

    /* Connections close themselves, since their memory is at stake. */
    if (handle->type == UV_TCP && handle != (uv_handle_t *)&s->listener)
        conn_close(handle->data);
    else if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Close whatever keeps the loop running; it ends by itself then.  The service
 * goes first: its thread wakes the loop through one of the handles. */
static void shut(struct server *s)
{
    if (s->over)
        return;
    s->over = true;
    records_drop(&s->records);
    if (!service_close(s->service)) {
        /* Its thread may still use all of it: to be left as it is. */
        s->engine = NULL;
        s->left_behind = true;
        fail(&s->failure, ERR_BUSY, "the inference thread does not stop; it "
             "was left behind");
    }
    s->service = NULL;
    uv_walk(&s->loop, close_handle, s);
}

static void on_tick(uv_timer_t *timer);

static void set_deadline(struct server *s, double seconds)
{
    uv_timer_start(&s->tick, on_tick, LATE_TICK_MS, LATE_TICK_MS);
    s->deadline_ns = clock_ns() + (int64_t)(seconds * 1e9);
}

bool server_drain(struct server *s, double seconds)
{
    if (s->state == SERVE_DRAINING || s->state == SERVE_FAILED)
        return false;
    log_event(&s->opt.log, LOG_LEVEL_INFO, "server_shutdown",
              "stopping; what runs has %.1f s", seconds);
    s->state = SERVE_DRAINING;
    set_deadline(s, seconds);
    notify_manager(s->notify, "STOPPING=1");
    heartbeat_set(s->heartbeat, LIFE_STOPPING);
    return true;
}

static void on_stop(uv_async_t *handle)
{
    struct server *s = handle->data;

    if (!server_drain(s, s->opt.drain_s))
        shut(s);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    (void)signum;
    on_stop(&((struct server *)handle->data)->stop);
}

void server_stop(struct server *s)
{
    uv_async_send(&s->stop);
}

static bool is_quiet(const struct server *s)
{
    if (health_is_busy(s))
        return false;
    for (const struct conn *c = s->conns; c != NULL; c = c->next)
        if (c->call != NULL || conn_backlog(c) > 0)
            return false;
    return true;
}

/* DRAINING and FAILED come to an end: first everybody is told, then the
 * connections are closed. */
static void approach_end(struct server *s, int64_t now_ns)
{
    bool late = now_ns > s->deadline_ns;

    if (s->state != SERVE_DRAINING && s->state != SERVE_FAILED)
        return;
    if (!s->ending && (late || is_quiet(s))) {
        s->ending = true;
        heartbeat_set(s->heartbeat, LIFE_STOPPED);
        if (s->service != NULL)
            service_cancel_all(s->service);
        /* Nobody else would tell the clients of a dead one. */
        if (s->n_silent > 0)
            s->engine_lost = true;
        set_deadline(s, TELL_MS / 1e3);
    } else if (s->ending && (late || is_quiet(s))) {
        shut(s);
    }
}

/* ---- the loop's callbacks ---- */

/* After a rush the allocator keeps what it got, in case there is another: give
 * it back once nobody is served. */
static void trim_memory(struct server *s)
{
    if (s->n_runs > 0 || (s->most_runs < RUSH && !s->swollen))
        return;
    s->most_runs = 0;
    s->swollen = s->n_arrived > 0;
    malloc_trim(0);
}

/* What the model computes from now on is nobody's answer. */
static void give_up_model(struct server *s)
{
    s->model_changed = true;
    log_event(&s->opt.log, LOG_LEVEL_ERROR, "error",
              "the model's file has changed on disk");
    service_cancel_all(s->service);
}

static void tick_records(struct server *s, int64_t now_ns)
{
    const int64_t second_ns = 1000000000;
    struct record_times times = { s->opt.stream_grace_s * second_ns,
                                  s->opt.job_ttl_s * second_ns };

    if (now_ns - s->looked_ns < second_ns)
        return;
    s->looked_ns = now_ns;
    trim_memory(s);
    records_tick(&s->records, &times, now_ns);
    if (s->service != NULL && !s->model_changed
        && model_has_changed(engine_checkpoint(s->engine)))
        give_up_model(s);
}

static void on_tick(uv_timer_t *timer)
{
    struct server *s = timer->data;
    int64_t now = clock_ns();
    struct conn *next;

    if (s->door_stuck)
        conn_accept(s);
    health_watch(s);
    for (struct conn *c = s->conns; c != NULL; c = next) {
        next = c->next;
        conn_tick(c, now);
    }
    if (s->state == SERVE_READY && s->heartbeat != NULL)
        heartbeat_set(s->heartbeat,
                      health_is_busy(s) ? LIFE_BUSY : LIFE_READY);
    tick_records(s, now);
    approach_end(s, now);
}

static void wake(void *arg)
{
    uv_async_send(&((struct server *)arg)->wake);
}

static enum err start_service(struct server *s)
{
    struct service_options o = {
        .sched = { .max_running = s->opt.max_jobs,
                   .max_kept = s->opt.max_kept,
                   .max_step_ms = s->opt.max_step_ms },
        .max_queue = s->opt.max_queue, .wake = wake, .arg = s,
    };

    struct service_stats stats;
    enum err e = engine_service(&s->service, s->engine, &o, &s->failure);

    if (e == ERR_OK) {
        service_stats(s->service, &stats);
        s->opt.max_jobs = stats.max_running;
    }
    return e;
}

static void on_loaded(struct server *s)
{
    double ms = clock_ms_since(s->opened_ns);
    enum err e = s->loader.result;

    s->engine = loader_take(&s->loader);
    s->failure = s->loader.why;
    if (s->state == SERVE_DRAINING)
        return;
    if (e == ERR_OK)
        e = start_service(s);
    if (e == ERR_OK && s->opt.ready != NULL)
        e = s->opt.ready(s->opt.ready_arg, &s->failure);
    if (e == ERR_OK) {
        s->state = SERVE_READY;
        notify_manager(s->notify, "READY=1");
        heartbeat_set(s->heartbeat, LIFE_READY);
        log_event(&s->opt.log, LOG_LEVEL_INFO, "model_load_success",
                  "%s is ready after %.0f ms: a context of %u tokens, up to %zu "
                  "jobs at once", s->opt.model_ref, ms,
                  s->engine != NULL ? (unsigned)engine_ctx(s->engine) : 0,
                  s->opt.max_jobs);
        return;
    }
    s->state = SERVE_FAILED;
    s->failure.code = e;
    set_deadline(s, TELL_MS / 1e3);
    log_event(&s->opt.log, LOG_LEVEL_ERROR, "model_load_failed", "%s",
              s->failure.text);
}

static void on_wake(uv_async_t *handle)
{
    struct server *s = handle->data;

    if (s->loader.running && atomic_load(&s->loader.done))
        on_loaded(s);
    for (struct conn *c = s->conns; c != NULL; c = c->next)
        if (c->call != NULL && c->call->runs != NULL)
            conn_settle(c);
}

static void on_knock(uv_stream_t *listener, int status)
{
    if (status == 0)
        conn_accept(listener->data);
}

/* ---- the beginning ---- */

/* As many files as we may have, and one connection for each but a few. */
static size_t connections_allowed(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 256;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    size_t n = files.rlim_cur > 4 * FILES_SPARE
        ? (size_t)files.rlim_cur - FILES_SPARE : FILES_SPARE;
    return n < CONNS_MAX ? n : CONNS_MAX;
}

static enum err bind_port(struct server *s, struct err_info *why)
{
    struct sockaddr_storage at = { 0 };
    int len = sizeof at;
    const char *host = s->opt.host;

    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (uv_ip4_addr(host, s->opt.port, (struct sockaddr_in *)&at) != 0
        && uv_ip6_addr(host, s->opt.port, (struct sockaddr_in6 *)&at) != 0)
        return fail(why, ERR_REQUEST, "%s: is no address to listen on (a "
                    "numeric one or localhost)", s->opt.host);
    int status = uv_tcp_bind(&s->listener, (struct sockaddr *)&at, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&s->listener, BACKLOG, on_knock);
    if (status == 0)
        status = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&at,
                                    &len);
    if (status != 0)
        return fail(why, ERR_IO, "%s port %u: cannot listen there: %s",
                    s->opt.host, s->opt.port, uv_strerror(status));
    /* The port stands at the same place for both families. */
    s->port = ntohs(((struct sockaddr_in *)&at)->sin_port);
    return ERR_OK;
}

/* Handles are made one after another; `shut` and the loop undo what was. */
static int init_handles(struct server *s)
{
    static const int signals[] = { SIGTERM, SIGINT };
    int status = uv_tcp_init(&s->loop, &s->listener);

    s->listener.data = s->wake.data = s->stop.data = s->tick.data = s;
    if (status == 0)
        status = uv_async_init(&s->loop, &s->wake, on_wake);
    if (status == 0)
        status = uv_async_init(&s->loop, &s->stop, on_stop);
    if (status == 0)
        status = uv_timer_init(&s->loop, &s->tick);
    if (status == 0)
        status = uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < 2 && status == 0; i++) {
        s->signals[i].data = s;
        status = uv_signal_init(&s->loop, &s->signals[i]);
        if (status == 0)
            status = uv_signal_start(&s->signals[i], on_signal, signals[i]);
    }
    return status;
}

static void name_worker(struct server *s)
{
    if (s->opt.worker_id != NULL)
        snprintf(s->worker_id, sizeof s->worker_id, "%s", s->opt.worker_id);
    else
        snprintf(s->worker_id, sizeof s->worker_id, "osmia-%u", s->port);
    s->opt.log.worker_id = s->worker_id;
}

enum err server_open(struct server **out, const struct serve_options *o,
                     route_list routes, struct err_info *why)
{
    struct server *s = calloc(1, sizeof *s);
    enum err e = ERR_NOMEM;

    if (s == NULL)
        return fail_nomem(why);
    s->opt = *o;
    s->routes = routes;
    s->opened_ns = clock_ns();
    s->is_open_to_all = o->auth->n == 0;
    s->max_conns = connections_allowed();
    s->notify = notify_open();
    s->loader = (struct loader){ .load = o->load, .arg = o->load_arg,
                                 .wake = &s->wake };
    if (uv_loop_init(&s->loop) != 0) {
        if (s->notify >= 0)
            close(s->notify);
        free(s);
        return fail_nomem(why);
    }
    if (init_handles(s) != 0)
        fail(why, ERR_NOMEM, "the event loop cannot be made");
    else
        e = bind_port(s, why);
    if (e != ERR_OK) {
        server_close(s);
        return e;
    }
    name_worker(s);
    *out = s;
    return ERR_OK;
}

enum err server_run(struct server *s, struct err_info *why)
{
    enum err e = ERR_OK;

    e = heartbeat_open(&s->heartbeat, s, why);
    if (e == ERR_OK && s->opt.load == NULL)
        s->state = SERVE_READY;
    else if (e == ERR_OK)
        e = loader_start(&s->loader, why);
    if (e == ERR_OK)
        uv_run(&s->loop, UV_RUN_DEFAULT);
    if (s->state == SERVE_FAILED || s->left_behind) {
        *why = s->failure;
        return s->failure.code;
    }
    return e;
}

void server_close(struct server *s)
{
    loader_stop(&s->loader);
    shut(s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    heartbeat_close(s->heartbeat);
    if (s->notify >= 0)
        close(s->notify);
    if (s->engine != NULL)
        engine_close(s->engine);
    free(s);
}

/* ---- facts ---- */

uint16_t server_port(const struct server *s)
{
    return s->port;
}

enum serve_state server_state(const struct server *s)
{
    return s->state;
}

const struct serve_options *server_options(const struct server *s)
{
    return &s->opt;
}

const char *server_worker_id(const struct server *s)
{
    return s->worker_id;
}

double server_uptime_s(const struct server *s)
{
    return clock_ms_since(s->opened_ns) / 1e3;
}

size_t server_connections(const struct server *s)
{
    return s->n_conns;
}

struct engine *server_engine(const struct server *s)
{
    return s->engine;
}

struct service *server_service(const struct server *s)
{
    return s->service;
}

struct records *server_records(struct server *s)
{
    return &s->records;
}
