/* A request's life between its connection and its route.
 *
 *   call_open -> call_admit -> (body) -> call_dispatch -> handler
 *        -> call_reply | call_refuse | stream ... -> call_close
 *
 *   1. Bytes go out only through the connection's buffer: nothing here writes
 *      to a socket, so a handler may answer from within any callback.
 *   2. `over` is set with the last byte of the reply.  The call itself lives
 *      until the connection looks (conn_settle): who set `over` may still hold
 *      a pointer to it.
 *   3. A buffer that could not grow marks the connection as failed.  Half a
 *      reply is never sent: what is missing would look like the truth.
 *   4. What clients said (head, body) is overwritten before it is freed.
 *
 * An errand (call_work) outlives its call when the client goes away meanwhile:
 * the call is then taken off its connection, and freed when the thread is done
 * with it. */
#include "serve/call_own.h"
#include "base/clock.h"
#include "serve/origin.h"
#include "serve/load_stream.h"
#include "serve/reply_head.h"
#include "serve/run.h"
#include "serve/stamp.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEEP_ALIVE_S = 10 };

/* ---- request ids ---- */

/* Taken from the client where it is harmless, else made. */
static void name_call(struct call *c)
{
    static const char *const names[] = { "x-request-id", "x-correlation-id" };

    for (size_t i = 0; i < 2; i++) {
        struct slice given = head_field(c->head, names[i]);
        if (!stamp_is_id(given, CALL_ID_MAX))
            continue;
        memcpy(c->id, given.at, given.len);
        c->id[given.len] = '\0';
        return;
    }
    stamp_uuid(c->id);
}

struct call *call_open(struct conn *conn)
{
    struct call *c = calloc(1, sizeof *c);
    size_t size = conn->head.size;

    if (c == NULL)
        return NULL;
    c->server = conn->server;
    c->conn = conn;
    c->head = &conn->head;
    c->started_ns = clock_ns();
    c->body_bytes.limit = conn->server->opt.max_body + 1;
    /* The head's slices point into these bytes: they become the call's. */
    c->raw = conn->in;
    conn->in = (struct strbuf){ 0 };
    strbuf_put(&conn->in, slice_from(strbuf_slice(&c->raw), size));
    c->raw.len = size;
    name_call(c);
    if (conn->in.failed) {
        strbuf_drop(&c->raw);
        free(c);
        return NULL;
    }
    return c;
}

static void log_call(const struct call *c)
{
    struct log_access a = {
        .method = c->head->method, .path = c->head->path, .id = c->id,
        .status = c->status, .ms = clock_ms_since(c->started_ns),
        .n_bytes = c->conn->n_sent,
    };

    log_request(&c->server->opt.log, &a);
}

/* What clients said is nobody's any more. */
static void wipe(struct strbuf *b)
{
    if (b->cap > 0)
        explicit_bzero(b->at, b->cap);
    strbuf_drop(b);
}

static void free_call(struct call *c)
{
    if (c->cleanup != NULL)
        c->cleanup(c->cleanup_arg);
    wipe(&c->raw);
    wipe(&c->body_bytes);
    strbuf_drop(&c->headers);
    arena_drop(&c->arena);
    free(c);
}

void call_close(struct call *c)
{
    log_call(c);
    while (c->runs != NULL)
        run_close(c->runs);
    c->conn = NULL;
    /* A thread still works on it: what it uses goes when it is done. */
    if (c->errand == NULL)
        free_call(c);
}

/* ---- work off the loop ---- */

struct errand {
    uv_work_t    request;
    struct call *call;
    void       (*work)(struct call *c, void *arg);
    void       (*done)(struct call *c, void *arg);
    void        *arg;
};

static void on_errand(uv_work_t *request)
{
    struct errand *e = request->data;

    e->work(e->call, e->arg);
}

static void on_errand_done(uv_work_t *request, int status)
{
    struct errand *e = request->data;
    struct call *c = e->call;

    (void)status;
    c->errand = NULL;
    if (c->conn == NULL) {
        free_call(c);
    } else {
        e->done(c, e->arg);
        conn_settle(c->conn);
    }
    free(e);
}

void call_work(struct call *c, void (*work)(struct call *c, void *arg),
               void (*done)(struct call *c, void *arg), void *arg)
{
    struct errand *e = calloc(1, sizeof *e);

    assert(c->errand == NULL && !c->over);
    if (e == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    *e = (struct errand){ .call = c, .work = work, .done = done, .arg = arg };
    e->request.data = e;
    c->errand = e;
    uv_queue_work(&c->server->loop, &e->request, on_errand, on_errand_done);
}

/* ---- replies ---- */

static struct origins origins_of(const struct server *s)
{
    return (struct origins){ s->is_open_to_all, s->opt.origins,
                             s->opt.n_origins };
}

void call_header(struct call *c, const char *name, const char *value)
{
    strbuf_printf(&c->headers, "%s: %s\r\n", name, value);
}

/* The head, but for what tells the length of the body. */
static void put_head(struct call *c, struct strbuf *out, int status,
                     const char *type)
{
    struct origins origins = origins_of(c->server);

    c->status = status;
    reply_put_status(out, status);
    if (type != NULL)
        strbuf_printf(out, "Content-Type: %s\r\n", type);
    strbuf_printf(out, "X-Request-Id: %s\r\nX-Correlation-Id: %s\r\n", c->id,
                  c->id);
    if (c->route != NULL && c->route->errors == ROUTE_OPENAI)
        strbuf_printf(out, "OpenAI-Processing-Ms: %.0f\r\n",
                      clock_ms_since(c->started_ns));
    origin_put_headers(&origins, c->head, out);
    strbuf_put(out, strbuf_slice(&c->headers));
    out->failed |= c->headers.failed;
    if (!c->conn->keep_alive)
        strbuf_puts(out, "Connection: close\r\n");
    else if (c->head->minor == 0)
        strbuf_puts(out, "Connection: keep-alive\r\n");
}

/* Nothing can be said any more: the connection is closed when it is settled. */
static void put_out(struct call *c, struct strbuf *out)
{
    if (out->failed)
        c->conn->out.failed = true;
    else
        conn_put(c->conn, strbuf_slice(out));
    strbuf_drop(out);
}

void call_reply(struct call *c, int status, const char *type,
                const struct strbuf *body)
{
    struct strbuf out = { 0 };

    assert(c->status == 0 && !c->over);
    /* A reply that cannot even be made is an end of the connection. */
    if (body != NULL && body->failed) {
        c->conn->out.failed = true;
        c->over = true;
        return;
    }
    put_head(c, &out, status, body != NULL ? type : NULL);
    if (status != 204)
        strbuf_printf(&out, "Content-Length: %zu\r\n",
                      body != NULL ? body->len : 0);
    strbuf_puts(&out, "\r\n");
    if (body != NULL && !slice_is(c->head->method, "HEAD"))
        strbuf_put(&out, strbuf_slice(body));
    put_out(c, &out);
    c->over = true;
}

void call_reply_json(struct call *c, int status, const struct strbuf *body)
{
    call_reply(c, status, "application/json", body);
}

/* ---- refusals ---- */

static enum route_errors shape_of(const struct call *c)
{
    return c->route != NULL ? c->route->errors : route_errors_of(c->head->path);
}

static void refuse(struct call *c, enum refusal r, const char *param,
                   const char *message)
{
    struct strbuf body = { 0 };
    char seconds[12];

    if (c->route != NULL && c->route->when == ROUTE_WORK)
        c->server->metrics.n_rejected[r]++;

    refusal_put(&body, r, shape_of(c), param, message);
    if (c->streams) {
        call_stream_data(c, &body);
    } else {
        if (refusal_retry_s(r) > 0) {
            snprintf(seconds, sizeof seconds, "%d", refusal_retry_s(r));
            call_header(c, "Retry-After", seconds);
        }
        call_reply_json(c, refusal_status(r), &body);
    }
    strbuf_drop(&body);
}

void call_refuse(struct call *c, enum refusal r, const char *param,
                 const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    refuse(c, r, param, message);
}

void call_refuse_why(struct call *c, const char *param,
                     const struct err_info *why)
{
    refuse(c, refusal_of(why->code), param,
           why->text[0] != '\0' ? why->text : err_text(why->code));
}

/* ---- streams ---- */

void call_stream_open(struct call *c)
{
    struct strbuf out = { 0 };

    assert(c->status == 0 && !c->over);
    c->streams = true;
    c->chunked = c->head->minor == 1;
    if (!c->chunked)
        c->conn->keep_alive = false;
    put_head(c, &out, 200, "text/event-stream");
    strbuf_puts(&out, "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n");
    strbuf_puts(&out, c->chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                 : "\r\n");
    put_out(c, &out);
    c->wrote_ns = clock_ns();
}

/* One piece of the body: "PREFIX TEXT\n\n". */
static void put_lines(struct call *c, const char *prefix, struct slice text)
{
    struct strbuf out = { 0 };

    if (c->chunked)
        strbuf_printf(&out, "%zx\r\n", strlen(prefix) + text.len + 2);
    strbuf_puts(&out, prefix);
    strbuf_put(&out, text);
    strbuf_puts(&out, c->chunked ? "\n\n\r\n" : "\n\n");
    put_out(c, &out);
    c->wrote_ns = clock_ns();
}

void call_stream_data(struct call *c, const struct strbuf *data)
{
    assert(c->streams && !c->over);
    c->conn->out.failed |= data->failed;
    put_lines(c, "data: ", strbuf_slice(data));
}

void call_stream_end(struct call *c)
{
    assert(c->streams && !c->over);
    put_lines(c, "data: ", SLICE("[DONE]"));
    if (c->chunked)
        conn_put(c->conn, SLICE("0\r\n\r\n"));
    c->over = true;
}

void call_tick(struct call *c, int64_t now_ns)
{
    if (c->told > 0)
        load_stream_tick(c);
    if (c->streams && !c->over && conn_backlog(c->conn) == 0
        && now_ns - c->wrote_ns > (int64_t)KEEP_ALIVE_S * 1000000000)
        put_lines(c, ": ", SLICE("keep-alive"));
}
