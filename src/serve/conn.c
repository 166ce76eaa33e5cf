#include "serve/call_own.h"
#include "base/clock.h"
#include "serve/reply_head.h"
#include "serve/run.h"
#include "serve/stamp.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

/* IDLE: between two calls.  LINGER: after the last reply has been sent.  STALL:
 * for a client to take what is left of a reply.  The options have two more: how
 * long a head may take, from the connection or its first byte, and a body. */
enum { IDLE_S = 75, LINGER_S = 2, STALL_S = 60 };
/* What may wait in either direction before we stop to read or to answer. */
enum { IN_MAX = 64 << 10, OUT_MAX = 256 << 10, PIECES_MAX = 32 << 10,
       UNSENT_MAX = 16 << 10 };
/* So much at once is worth a look whether memory can be given back. */
enum { MUCH = 4 << 20 };
/* Largest bodies that may be incomplete at a time, all clients together. */
enum { BODIES_MAX = 32 };

static void set_deadline(struct conn *c, int64_t seconds)
{
    c->deadline_ns = clock_ns() + seconds * 1000000000;
}

static struct conn *conn_of(const uv_stream_t *stream)
{
    return (struct conn *)stream->data;
}

/* Of its body nothing is under way any longer. */
static void body_over(struct conn *c)
{
    c->server->n_arrived -= c->n_arrived;
    c->n_arrived = 0;
}

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        c->server->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    c->server->n_conns--;
    strbuf_drop(&c->in);
    strbuf_drop(&c->out);
    strbuf_drop(&c->flying);
    free(c);
}

void conn_close(struct conn *c)
{
    if (c->dead)
        return;
    c->dead = true;
    body_over(c);
    if (c->call != NULL)
        call_close(c->call);
    c->call = NULL;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct conn *c = conn_of(request->handle);

    if (status != 0 || c->ended)
        conn_close(c);
}

/* Everything is sent: say so, then wait a little for the client's own end.
 * Closing at once would reset the connection when bytes of the client are still
 * under way, and take the reply away from it. */
static void say_goodbye(struct conn *c)
{
    if (c->shut)
        return;
    c->shut = true;
    set_deadline(c, LINGER_S);
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0)
        conn_close(c);
}

void conn_finish(struct conn *c)
{
    if (c->phase != CONN_CLOSING)
        set_deadline(c, STALL_S);
    c->phase = CONN_CLOSING;
}

/* ---- bytes out ---- */

void conn_put(struct conn *c, struct slice bytes)
{
    strbuf_put(&c->out, bytes);
    c->n_sent += bytes.len;
    c->server->swollen |= c->out.len > MUCH;
}

size_t conn_backlog(const struct conn *c)
{
    return c->out.len + c->flying.len;
}

static void flush(struct conn *c);

static void on_written(uv_write_t *request, int status)
{
    struct conn *c = conn_of(request->handle);

    c->writing = false;
    strbuf_clear(&c->flying);
    if (c->dead)
        return;
    if (status != 0) {
        conn_close(c);
        return;
    }
    if (c->phase == CONN_CLOSING)
        set_deadline(c, STALL_S);
    conn_settle(c);
}

/* Hand everything to the socket; what it does not take at once flies on. */
static void flush(struct conn *c)
{
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;

    if (c->out.failed) {
        conn_close(c);
        return;
    }
    if (c->writing || c->out.len == 0)
        return;
    uv_buf_t buf = uv_buf_init(c->out.at, (unsigned)c->out.len);
    int n = uv_try_write(stream, &buf, 1);
    if (n < 0 && n != UV_EAGAIN) {
        conn_close(c);
        return;
    }
    if ((size_t)(n > 0 ? n : 0) == c->out.len) {
        strbuf_clear(&c->out);
        return;
    }
    struct strbuf empty = c->flying;
    c->flying = c->out;
    c->out = empty;
    size_t sent = n > 0 ? (size_t)n : 0;
    buf = uv_buf_init(c->flying.at + sent, (unsigned)(c->flying.len - sent));
    if (uv_write(&c->write, stream, &buf, 1, on_written) != 0)
        conn_close(c);
    else
        c->writing = true;
}

/* ---- from phase to phase; each answers: go on? ---- */

/* A head that nobody can read: one answer, and the end. */
static void refuse_framing(struct conn *c, int status, const char *fault)
{
    struct strbuf body = { 0 }, head = { 0 };
    char id[UUID_SIZE];

    stamp_uuid(id);
    refusal_put(&body, refusal_of_status(status), route_errors_of(c->head.path),
                NULL, fault);
    reply_put_status(&head, status);
    strbuf_printf(&head, "Content-Type: application/json\r\n"
                  "X-Request-Id: %s\r\nX-Correlation-Id: %s\r\n"
                  "Content-Length: %zu\r\nConnection: close\r\n\r\n", id, id,
                  body.len);
    strbuf_put(&head, strbuf_slice(&body));
    conn_put(c, strbuf_slice(&head));
    c->out.failed |= head.failed || body.failed;
    strbuf_drop(&head);
    strbuf_drop(&body);
    log_event(&c->server->opt.log, LOG_LEVEL_WARN, "error",
              "request %s was refused with %d: %s", id, status, fault);
    conn_finish(c);
}

static bool begin_body(struct conn *c)
{
    const struct http_head *h = &c->head;

    c->body_left = h->length;
    c->chunks = (struct chunk_reader){ .limit = c->server->opt.max_body };
    set_deadline(c, c->server->opt.body_s);
    c->call = call_open(c);
    if (c->call == NULL) {
        conn_close(c);
        return false;
    }
    /* What is refused here has its body still under way. */
    c->keep_alive = h->keep_alive && !h->chunked && h->length == 0;
    c->phase = CONN_CALL;
    if (!call_admit(c->call))
        return true;
    c->keep_alive = h->keep_alive;
    c->phase = CONN_BODY;
    if (h->expects_continue && (h->chunked || h->length > c->in.len))
        conn_put(c, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    return true;
}

static bool step_head(struct conn *c)
{
    if (c->in.len == 0 || conn_backlog(c) > OUT_MAX)
        return false;
    if (c->head.scanned == 0)
        set_deadline(c, c->server->opt.head_s);
    switch (head_read(&c->head, strbuf_slice(&c->in))) {
    case READ_DONE:
        return begin_body(c);
    case READ_BAD:
        refuse_framing(c, c->head.status, c->head.fault);
        break;
    case READ_MORE:
        break;
    }
    return false;
}

/* The first n bytes of `in` are used up. */
static void drop_front(struct conn *c, size_t n)
{
    memmove(c->in.at, c->in.at + n, c->in.len - n);
    c->in.len -= n;
}

/* Whoever has begun to speak is told why it is not waited for any longer; who
 * has said nothing, or does not listen, is not. */
static void end_late(struct conn *c)
{
    if (c->phase == CONN_HEAD && c->in.len > 0) {
        refuse_framing(c, 408, "the request's head did not come in time");
    } else if (c->phase == CONN_BODY) {
        body_over(c);
        c->keep_alive = false;
        c->phase = CONN_CALL;
        call_refuse(c->call, REFUSE_REQUEST_TIMEOUT, NULL,
                    "the request's body did not come in time");
    } else {
        conn_close(c);
        return;
    }
    conn_settle(c);
}

/* Too many are waited for: the one whose time is over soonest, of those in one
 * of two phases, but not `c`; NULL: there is none. */
static struct conn *soonest(const struct conn *c, enum conn_phase one,
                            enum conn_phase other)
{
    struct conn *found = NULL;

    for (struct conn *i = c->server->conns; i != NULL; i = i->next)
        if (i != c && !i->dead && (i->phase == one || i->phase == other)
            && (found == NULL || i->deadline_ns <= found->deadline_ns))
            found = i;
    return found;
}

/* More of a body has come. */
static void note_arrived(struct conn *c)
{
    struct server *s = c->server;
    size_t n = c->call->body_bytes.len;
    struct conn *late;

    s->n_arrived += n - c->n_arrived;
    c->n_arrived = n;
    s->swollen |= s->n_arrived > MUCH;
    while (s->n_arrived / BODIES_MAX > s->opt.max_body
           && (late = soonest(c, CONN_BODY, CONN_BODY)) != NULL)
        end_late(late);
}

static bool step_body(struct conn *c)
{
    struct slice in = strbuf_slice(&c->in);
    enum read_state state;

    if (c->head.chunked) {
        state = chunk_read(&c->chunks, &in, &c->call->body_bytes);
    } else {
        size_t n = c->body_left < in.len ? (size_t)c->body_left : in.len;
        strbuf_put(&c->call->body_bytes, (struct slice){ in.at, n });
        c->body_left -= n;
        in = slice_from(in, n);
        state = c->body_left == 0 ? READ_DONE : READ_MORE;
    }
    if (c->in.len > in.len)
        drop_front(c, c->in.len - in.len);
    if (state == READ_MORE) {
        note_arrived(c);
        return false;
    }
    body_over(c);
    c->phase = CONN_CALL;
    c->deadline_ns = 0;
    if (state == READ_BAD) {
        c->keep_alive = false;
        call_refuse(c->call, refusal_of_status(c->chunks.status), NULL, "%s",
                    c->chunks.fault);
    } else {
        call_dispatch(c->call);
    }
    return true;
}

static bool step_call(struct conn *c)
{
    if (!c->call->over)
        c->call->more = call_pump(c->call, PIECES_MAX);
    if (!c->call->over)
        return false;
    call_close(c->call);
    c->call = NULL;
    c->n_sent = 0;
    c->head = (struct http_head){ 0 };
    if (c->keep_alive && c->server->state != SERVE_FAILED) {
        c->phase = CONN_HEAD;
        set_deadline(c, IDLE_S);
        return true;
    }
    conn_finish(c);
    return false;
}

static void advance(struct conn *c)
{
    static bool (*const steps[])(struct conn *) = {
        [CONN_HEAD] = step_head, [CONN_BODY] = step_body,
        [CONN_CALL] = step_call,
    };

    if (c->advancing)
        return;
    c->advancing = true;
    while (!c->dead && c->phase != CONN_CLOSING && steps[c->phase](c))
        ;
    c->advancing = false;
}

/* ---- bytes in ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = handle->data;

    (void)suggested;
    *buf = uv_buf_init(c->server->read_buffer, READ_BUFFER_SIZE);
}

/* The client has nothing more to say, and by our rule does not listen. */
static void on_end(struct conn *c)
{
    c->ended = true;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->call != NULL || c->shut || conn_backlog(c) == 0) {
        conn_close(c);
        return;
    }
    conn_finish(c);
    conn_settle(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = conn_of(stream);

    if (n == 0 || c->dead)
        return;
    if (n < 0) {
        if (n == UV_EOF)
            on_end(c);
        else
            conn_close(c);
        return;
    }
    if (c->phase == CONN_CLOSING)
        return;
    strbuf_put(&c->in, (struct slice){ buf->base, (size_t)n });
    if (c->in.failed)
        conn_close(c);
    else
        conn_settle(c);
}

/* A client that sends far ahead waits until its call is answered. */
static void set_reading(struct conn *c)
{
    bool wanted = c->phase == CONN_CLOSING || c->in.len < IN_MAX;

    if (c->ended || wanted == c->reading)
        return;
    c->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        conn_close(c);
}

void conn_settle(struct conn *c)
{
    if (c->dead || c->advancing)
        return;
    do {
        advance(c);
        if (!c->dead)
            flush(c);
    } while (!c->dead && c->call != NULL && c->call->more
             && conn_backlog(c) <= PIECES_MAX);
    if (c->dead)
        return;
    set_reading(c);
    if (c->phase == CONN_CLOSING)
        strbuf_drop(&c->in);             /* it may stay for a while */
    if (!c->dead && c->phase == CONN_CLOSING && conn_backlog(c) == 0)
        say_goodbye(c);
}

void conn_tick(struct conn *c, int64_t now_ns)
{
    if (c->dead)
        return;
    if (c->deadline_ns != 0 && now_ns > c->deadline_ns) {
        end_late(c);
        return;
    }
    if (c->call != NULL) {
        call_tick(c->call, now_ns);
        conn_settle(c);
    }
}

/* ---- the beginning ---- */

static void enlist(struct server *s, struct conn *c)
{
    c->next = s->conns;
    if (s->conns != NULL)
        s->conns->prev = c;
    s->conns = c;
    s->n_conns++;
}

/* Left alone the system takes megabytes from us before it says that a client
 * does not read; its job would have run to its end by then.  A smaller buffer
 * would do that, too, but slows long replies: it must hold all that is under
 * way. */
static void limit_unsent(const struct conn *c)
{
    int fd, most = UNSENT_MAX;

    if (uv_fileno((const uv_handle_t *)&c->tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

void conn_accept(struct server *s)
{
    struct conn *c = calloc(1, sizeof *c);

    /* Until it is accepted, libuv listens no longer: the tick tries again. */
    s->door_stuck = c == NULL || uv_tcp_init(&s->loop, &c->tcp) != 0;
    if (s->door_stuck) {
        free(c);
        return;
    }
    c->server = s;
    c->tcp.data = c;
    enlist(s, c);
    set_deadline(c, s->opt.head_s);
    struct conn *late = s->n_conns <= s->max_conns ? NULL
        : soonest(c, CONN_HEAD, CONN_CLOSING);
    if (late != NULL)
        conn_close(late);
    if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->tcp) != 0
        || (s->n_conns > s->max_conns && late == NULL)) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    limit_unsent(c);
    set_reading(c);
}
