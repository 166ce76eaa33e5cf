/* The thread that tells others how we do.
 *
 *   1. One message at a time, each with a time limit; whatever comes meanwhile
 *      is told by the next one, since only the latest state counts.
 *   2. busy and ready alternate with every job.  They are no news of their
 *      own: a message for each would be a flood.
 *   3. After `stopped` is set, a message that hangs is given up at once; the
 *      last one has LAST_TIMEOUT_MS.  A manager kills us soon after it asked.
 *
 * libcurl and not our own few lines: proxies' answers, TLS and name servers
 * are exactly what one does not want to get wrong in a corner of a program. */
#include "serve/heartbeat.h"
#include "base/clock.h"
#include "base/json.h"
#include "serve/identity.h"
#include "serve/stamp.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    EVERY_MS = 30000, SOONEST_MS = 1000,    /* next one; first try again */
    TIMEOUT_MS = 5000, LAST_TIMEOUT_MS = 300,
    ANSWER_MAX = 64 << 10, CALLBACK_TRIES = 3,
    BACKOFF_STEPS = 5                       /* 1, 2, 4, 8, 16 s */
};

struct heartbeat {
    const struct server *server;
    struct strbuf   url;              /* of the heartbeats; empty: none */
    const char     *callback;         /* NULL: none, or told already */
    int             tries;            /* of the callback */
    CURL           *curl;
    CURLM          *multi;
    struct curl_slist *headers;
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    enum life       life;             /* under the lock */
    atomic_bool     stopped;
    size_t          n_answer;         /* bytes of the answer so far */
    unsigned        random;           /* for the jitter */
    unsigned        n_failed;         /* that did not arrive, in a row */
    int64_t         pause_ms;         /* until the next try */
};

/* ---- one message ---- */

static size_t on_answer(char *at, size_t size, size_t n, void *arg)
{
    struct heartbeat *h = arg;

    (void)at;
    h->n_answer += size * n;
    /* Taking less than all ends the transfer. */
    return h->n_answer <= ANSWER_MAX ? size * n : 0;
}

/* Not curl_easy_perform: it looks up once a second only, and the last message
 * must not wait that long for one that hangs. */
static CURLcode perform(struct heartbeat *h, bool last)
{
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    int n_running = 1, n_left;

    if (curl_multi_add_handle(h->multi, h->curl) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    while (n_running > 0 && (last || !atomic_load(&h->stopped))) {
        if (curl_multi_perform(h->multi, &n_running) != CURLM_OK)
            break;
        if (n_running > 0)
            curl_multi_poll(h->multi, NULL, 0, 1000, NULL);
    }
    const CURLMsg *done = curl_multi_info_read(h->multi, &n_left);
    if (done != NULL && done->msg == CURLMSG_DONE)
        result = done->data.result;
    curl_multi_remove_handle(h->multi, h->curl);
    return result;
}

static bool post(struct heartbeat *h, const char *url, struct strbuf *body,
                 long timeout_ms)
{
    long status = 0;

    if (body->failed)
        return false;
    h->n_answer = 0;
    curl_easy_setopt(h->curl, CURLOPT_URL, url);
    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, body->at);
    curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
    curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    CURLcode result = perform(h, timeout_ms == LAST_TIMEOUT_MS);
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    return result == CURLE_OK && status >= 200 && status < 300;
}

static bool tell_life(struct heartbeat *h, enum life life)
{
    static const char *const words[] = {
        [LIFE_STARTING] = "starting", [LIFE_READY] = "ready",
        [LIFE_BUSY] = "busy", [LIFE_STOPPING] = "stopping",
        [LIFE_STOPPED] = "stopped",
    };
    struct strbuf body = { 0 };
    char now[STAMP_SIZE];

    stamp_now(now);
    strbuf_puts(&body, "{\"worker\":");
    identity_put(&body, h->server, words[life]);
    strbuf_printf(&body, "},\"timestamp\":\"%s\"}", now);
    bool arrived = post(h, h->url.at, &body, life == LIFE_STOPPED
                                             ? LAST_TIMEOUT_MS : TIMEOUT_MS);
    strbuf_drop(&body);
    if (arrived != (h->n_failed == 0))
        log_event(&server_options(h->server)->log,
                  arrived ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "send_heartbeat",
                  arrived ? "heartbeats arrive again"
                          : "the heartbeat (%s) did not arrive", words[life]);
    return arrived;
}

static bool tell_ready(struct heartbeat *h)
{
    const struct serve_options *o = server_options(h->server);
    bool is_any = strcmp(o->host, "0.0.0.0") == 0 || strcmp(o->host, "::") == 0;
    const char *host = is_any ? "localhost" : o->host;
    bool v6 = strchr(host, ':') != NULL;
    struct strbuf body = { 0 };

    strbuf_puts(&body, "{\"worker_id\":");
    json_put_string(&body, slice_of(server_worker_id(h->server)));
    strbuf_printf(&body, ",\"url\":\"http://%s%s%s:%u\",\"model_ref\":",
                  v6 ? "[" : "", host, v6 ? "]" : "", server_port(h->server));
    json_put_string(&body, slice_of(o->model_ref));
    strbuf_printf(&body, ",\"backend\":\"%s\",\"device\":%u}", o->backend,
                  o->device);
    bool arrived = post(h, h->callback, &body, TIMEOUT_MS);
    strbuf_drop(&body);
    if (!arrived)
        log_event(&o->log, LOG_LEVEL_WARN, "send_heartbeat",
                  "the callback did not arrive");
    return arrived;
}

/* ---- when ---- */

/* EVERY_MS, give or take a tenth, so that workers do not march in step. */
static int64_t jittered(struct heartbeat *h)
{
    h->random = h->random * 1664525u + 1013904223u;
    return EVERY_MS * 9 / 10
         + (int64_t)((h->random >> 8) % (EVERY_MS / 5));
}

static void say(struct heartbeat *h, enum life life)
{
    bool arrived = h->url.len == 0 || tell_life(h, life);

    if (h->callback != NULL && (life == LIFE_READY || life == LIFE_BUSY)) {
        bool told = tell_ready(h);
        if (told || ++h->tries >= CALLBACK_TRIES)
            h->callback = NULL;
        arrived &= told;
    }
    h->n_failed = arrived ? 0 : h->n_failed + 1;
    h->pause_ms = h->n_failed == 0 || h->n_failed > BACKOFF_STEPS
        ? jittered(h) : SOONEST_MS << (h->n_failed - 1);
}

static bool is_news(enum life before, enum life now)
{
    return before != now && now != LIFE_BUSY
        && !(before == LIFE_BUSY && now == LIFE_READY);
}

/* Wait for news, or until it is time to say the same again. */
static enum life wait_for(struct heartbeat *h, enum life said)
{
    struct timespec until;
    int timed_out = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + h->pause_ms % 1000 * 1000000;
    until.tv_sec += h->pause_ms / 1000 + ns / 1000000000;
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&h->lock);
    while (!is_news(said, h->life) && timed_out == 0)
        timed_out = pthread_cond_timedwait(&h->changed, &h->lock, &until);
    enum life now = h->life;
    pthread_mutex_unlock(&h->lock);
    return now;
}

static void *run(void *arg)
{
    struct heartbeat *h = arg;
    enum life life = LIFE_STARTING;

    for (;;) {
        say(h, life);
        if (life == LIFE_STOPPED)
            return NULL;
        life = wait_for(h, life);
    }
}

/* ---- from the loop's thread ---- */

static bool set_up_curl(struct heartbeat *h)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return false;
    h->curl = curl_easy_init();
    h->multi = curl_multi_init();
    h->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (h->curl == NULL || h->multi == NULL || h->headers == NULL)
        return false;
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* The orchestrator is asked directly, whatever proxy others use. */
    curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
    return true;
}

static void drop(struct heartbeat *h)
{
    if (h->curl != NULL)
        curl_easy_cleanup(h->curl);
    if (h->multi != NULL)
        curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    strbuf_drop(&h->url);
    free(h);
}

static bool set_up_lock(struct heartbeat *h)
{
    pthread_condattr_t attr;
    bool good;

    /* A clock that is set must not stretch the pauses. */
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    good = pthread_cond_init(&h->changed, &attr) == 0
        && pthread_mutex_init(&h->lock, NULL) == 0;
    pthread_condattr_destroy(&attr);
    return good;
}

enum err heartbeat_open(struct heartbeat **out, const struct server *s,
                        struct err_info *why)
{
    const struct serve_options *o = server_options(s);

    *out = NULL;
    if (o->queen_url == NULL && o->callback_url == NULL)
        return ERR_OK;
    struct heartbeat *h = calloc(1, sizeof *h);
    if (h == NULL)
        return fail_nomem(why);
    h->server = s;
    h->callback = o->callback_url;
    h->random = (unsigned)clock_ns();
    if (o->queen_url != NULL) {
        struct slice base = slice_of(o->queen_url);
        base.len -= slice_ends(base, SLICE("/"));
        strbuf_put(&h->url, base);
        strbuf_puts(&h->url, "/v1/worker-heartbeat");
        strbuf_cstr(&h->url);
    }
    if (h->url.failed || !set_up_curl(h) || !set_up_lock(h)
        || pthread_create(&h->thread, NULL, run, h) != 0) {
        drop(h);
        return fail(why, ERR_NOMEM, "heartbeats cannot be sent: no memory");
    }
    *out = h;
    return ERR_OK;
}

void heartbeat_set(struct heartbeat *h, enum life life)
{
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    bool changed = h->life != life;
    h->life = life;
    pthread_mutex_unlock(&h->lock);
    if (changed)
        pthread_cond_signal(&h->changed);
    if (changed && life == LIFE_STOPPED) {
        atomic_store(&h->stopped, true);
        curl_multi_wakeup(h->multi);
    }
}

void heartbeat_close(struct heartbeat *h)
{
    if (h == NULL)
        return;
    heartbeat_set(h, LIFE_STOPPED);
    pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->changed);
    drop(h);
}
