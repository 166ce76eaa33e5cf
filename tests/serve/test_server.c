/* The server in this process, over its socket: above all while it loads. */
#include "support/check.h"

#include "routes/route_table.h"
#include "serve/server.h"
#include "support/alloc_fail.h"
#include "support/tiny_model.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A model that is loaded when the test says so. */
struct slow {
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    unsigned        layers;          /* to have been loaded */
    bool            go, fail;
    const char     *path;
};

struct fixture {
    struct slow      slow;
    struct server   *server;
    pthread_t        thread;
    enum err         result;
    struct err_info  why;
    struct scratch   room;
};

static enum err load(void *arg, const struct progress *progress,
                     struct engine **out, struct err_info *why)
{
    struct slow *s = arg;
    bool cancelled = false;

    pthread_mutex_lock(&s->lock);
    while (!s->go && !cancelled) {
        struct timespec until;
        cancelled = progress_tick(progress, "loading", s->layers, 4);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 5000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    pthread_mutex_unlock(&s->lock);
    if (cancelled)
        return fail(why, ERR_CANCELLED, "cancelled");
    if (s->fail)
        return fail(why, ERR_FORMAT, "layer 3 is broken");
    struct engine_options o = engine_defaults(s->path);
    o.n_threads = 1;
    o.n_seqs = 8;
    return engine_open(out, &o, why);
}

static void set(struct slow *s, unsigned layers, bool go, bool fails)
{
    pthread_mutex_lock(&s->lock);
    s->layers = layers;
    s->go = go;
    s->fail = fails;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void *serve(void *arg)
{
    struct fixture *f = arg;

    f->result = server_run(f->server, &f->why);
    return NULL;
}

static void begin(struct fixture *f)
{
    struct serve_options o = serve_defaults();

    *f = (struct fixture){ .result = ERR_OK };
    pthread_mutex_init(&f->slow.lock, NULL);
    pthread_cond_init(&f->slow.changed, NULL);
    signal(SIGPIPE, SIG_IGN);
    scratch_open(&f->room);
    f->slow.path = tiny_put(&f->room, &(struct tiny_options){ .seed = 1 });
    o.port = 0;
    o.head_s = o.body_s = 1;
    o.max_jobs = 4;
    o.max_kept = 4;
    o.model_ref = o.model_name = "tiny";
    o.load = load;
    o.load_arg = &f->slow;
    if (server_open(&f->server, &o, route_table, &f->why) != ERR_OK)
        fail_msg("%s", f->why.text);
    pthread_create(&f->thread, NULL, serve, f);
}

static void end(struct fixture *f)
{
    pthread_join(f->thread, NULL);
    server_close(f->server);
    scratch_close(&f->room);
    pthread_mutex_destroy(&f->slow.lock);
    pthread_cond_destroy(&f->slow.changed);
}

static int dial(const struct fixture *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(server_port(f->server)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Read until `text` has come, or the end. */
static bool wait_for(int fd, const char *text, char *got, size_t size)
{
    size_t n = 0;

    for (;;) {
        ssize_t r = recv(fd, got + n, size - 1 - n, 0);
        n += r > 0 ? (size_t)r : 0;
        got[n] = '\0';
        if (strstr(got, text) != NULL)
            return true;
        if (r <= 0 || n + 1 == size)
            return false;
    }
}

/* One request on a connection of its own; the whole reply. */
static void ask(const struct fixture *f, const char *line, const char *body,
                char *got, size_t size)
{
    char text[1024];
    int fd = dial(f);

    snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: "
             "close\r\nContent-Type: application/json\r\nContent-Length: %zu"
             "\r\n\r\n%s", line, strlen(body), body);
    assert_int_equal(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    wait_for(fd, "no such text", got, size);
    close(fd);
}

#define JOB "{\"prompt\":\"a\",\"max_tokens\":3}"

static void check(const struct fixture *f, const char *line, const char *body,
                  const char *status, const char *text)
{
    static char got[1 << 16];

    ask(f, line, body, got, sizeof got);
    if (strncmp(got + 9, status, 3) != 0 || strstr(got, text) == NULL)
        fail_msg("%s: %s", line, got);
}

static void wait_ready(const struct fixture *f)
{
    static char got[1 << 16];

    for (int i = 0; i < 2000; i++) {
        ask(f, "GET /health", "", got, sizeof got);
        if (strncmp(got + 9, "200", 3) == 0)
            return;
        usleep(2000);
    }
    fail_msg("never ready: %s", got);
}

static void test_12_loading_is_told(void **state)
{
    struct fixture f;
    char got[4096];

    (void)state;
    begin(&f);
    check(&f, "GET /health", "", "503", "\"status\":\"loading\"");
    check(&f, "GET /health", "", "503", "Retry-After: 1");
    check(&f, "GET /v1/ready", "", "200",
          "{\"ready\":false,\"state\":\"loading\","
          "\"progress_url\":\"/v1/loading/progress\"}");
    check(&f, "GET /info", "", "200", "\"status\":\"starting\"");
    check(&f, "POST /v1/inference", JOB, "503", "WORKER_LOADING");
    check(&f, "POST /execute", JOB, "503", "\"retriable\":true");
    check(&f, "POST /execute", JOB, "503", "Retry-After: 1\r\n");
    check(&f, "GET /v1/jobs/x/stream", "", "503", "WORKER_LOADING");
    check(&f, "GET /v1/capabilities", "", "503", "WORKER_LOADING");
    check(&f, "GET /metrics", "", "200", "worker_uptime_seconds");

    int a = dial(&f), b = dial(&f);
    static const char line[] = "GET /v1/loading/progress HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n";
    send(a, line, strlen(line), 0);
    send(b, line, strlen(line), 0);
    assert_true(wait_for(a, "\"stage\":\"loading_to_vram\"", got, sizeof got));
    set(&f.slow, 2, false, false);
    assert_true(wait_for(a, "\"layers_loaded\":2,\"layers_total\":4", got,
                         sizeof got));
    set(&f.slow, 4, true, false);
    assert_true(wait_for(a, "data: [DONE]\n\n", got, sizeof got));
    assert_non_null(strstr(got, "{\"stage\":\"ready\"}"));
    assert_true(wait_for(b, "data: [DONE]\n\n", got, sizeof got));
    close(a);
    close(b);
    wait_ready(&f);
    check(&f, "GET /v1/loading/progress", "", "503", "Model not loading");
    check(&f, "POST /v1/infer", JOB, "200", "\"tokens_generated\":");
    server_stop(f.server);
    end(&f);
    assert_int_equal(f.result, ERR_OK);
}

static void test_failure_is_told_and_ends_it(void **state)
{
    struct fixture f;
    char got[4096];

    (void)state;
    begin(&f);
    int a = dial(&f);
    static const char line[] = "GET /v1/loading/progress HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n";
    send(a, line, strlen(line), 0);
    assert_true(wait_for(a, "loading_to_vram", got, sizeof got));
    set(&f.slow, 3, true, true);
    assert_true(wait_for(a, "data: [DONE]\n\n", got, sizeof got));
    assert_non_null(strstr(got, "{\"stage\":\"failed\","
                                "\"message\":\"layer 3 is broken\"}"));
    close(a);
    end(&f);
    assert_int_equal(f.result, ERR_FORMAT);
    assert_string_equal(f.why.text, "layer 3 is broken");
}

static void test_stopped_while_loading(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    check(&f, "GET /health", "", "503", "loading");
    server_stop(f.server);
    end(&f);
    assert_int_equal(f.result, ERR_OK);
}

static void test_a_half_head_is_closed(void **state)
{
    struct fixture f;
    char got[256];

    (void)state;
    begin(&f);
    int a = dial(&f);
    send(a, "GET / HT", 8, 0);
    /* Ten seconds are long for a test: what counts here is that the end of the
     * server does not wait for it. */
    server_stop(f.server);
    assert_false(wait_for(a, "HTTP", got, sizeof got));
    close(a);
    end(&f);
}

/* Who begins to speak and stops is told; who says nothing is not. */
static void test_slow_clients(void **state)
{
    static const struct { const char *sent, *told; } rows[] = {
        { "GET /v1/models HT", "HTTP/1.1 408 Request Timeout" },
        { "POST /cancel HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
          "application/json\r\nContent-Length: 9\r\n\r\n{\"job", "\"code\":"
          "\"REQUEST_TIMEOUT\"" },
        { "", NULL },
    };
    enum { N = sizeof rows / sizeof *rows };
    struct fixture f;
    char got[1024];
    int fd[N];

    (void)state;
    begin(&f);
    set(&f.slow, 0, true, false);
    wait_ready(&f);
    for (size_t i = 0; i < N; i++) {
        fd[i] = dial(&f);
        send(fd[i], rows[i].sent, strlen(rows[i].sent), 0);
    }
    for (size_t i = 0; i < N; i++) {
        bool told = wait_for(fd[i], rows[i].told != NULL ? rows[i].told
                                                         : "HTTP", got,
                             sizeof got);
        assert_int_equal(told, rows[i].told != NULL);
        close(fd[i]);
    }
    check(&f, "GET /health", "", "200", "healthy");
    server_stop(f.server);
    end(&f);
}

/* Every allocation of one request fails in turn.  The client gets an answer or
 * loses its connection; the next request is answered. */
static void starve(struct fixture *f, const char *line, const char *body)
{
    static char got[1 << 16];
    size_t n = 0;

    do {
        alloc_fail_at(++n);
        ask(f, line, body, got, sizeof got);
        size_t asked = alloc_fail_asked();
        alloc_fail_off();
        bool answered = strncmp(got, "HTTP/1.1 200", 12) == 0
            || strncmp(got, "HTTP/1.1 5", 10) == 0;
        if (got[0] != '\0' && !answered)
            fail_msg("allocation %zu: %s", n, got);
        if (asked < n)
            break;
        check(f, line, body, "200", "");
    } while (n < 1000);
    assert_in_range(n, 10, 999);
    check(f, "GET /health", "", "200", "healthy");
}

static void test_no_memory(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    set(&f.slow, 4, true, false);
    wait_ready(&f);
    starve(&f, "POST /v1/infer", JOB);
    starve(&f, "POST /execute", JOB);
    starve(&f, "POST /v1/jobs", JOB);
    starve(&f, "GET /v1/capabilities", "");
    server_stop(f.server);
    end(&f);
    assert_int_equal(f.result, ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_12_loading_is_told),
        cmocka_unit_test(test_failure_is_told_and_ends_it),
        cmocka_unit_test(test_stopped_while_loading),
        cmocka_unit_test(test_a_half_head_is_closed),
        cmocka_unit_test(test_slow_clients),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
