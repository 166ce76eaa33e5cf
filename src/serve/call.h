/* One request and its reply, as a route sees them.
 *
 * A route's handler is called once, when the request is complete.  It answers
 * in one of three ways, at once or later:
 *
 *   call_reply, call_refuse     a whole reply;
 *   call_stream_open, then call_stream_data ..., then call_stream_end;
 *   call_run (run.h) or call_work first: pieces, or the work's end, arrive in
 *   a function of the route's, which answers in either of the ways above.
 *
 *   1. Exactly one reply.  After call_reply, call_refuse or call_stream_end the
 *      call may be gone when the handler returns to the server, not before.
 *   2. When the client goes away first, its jobs are cancelled, no piece
 *      arrives any more, `cleanup` runs and the call is gone.
 *   3. Everything here runs on the loop's thread and must not block.
 *
 * Owner: the connection. */
#ifndef OSMIA_SERVE_CALL_H
#define OSMIA_SERVE_CALL_H

#include "base/arena.h"
#include "base/json.h"
#include "serve/http_head.h"
#include "serve/refusal.h"
#include "serve/route.h"

struct conn;
struct server;

enum { CALL_ID_MAX = 64 };

struct call {
    struct server       *server;
    const struct route  *route;
    const struct http_head *head;
    struct slice         part;          /* what stands for {} in the path */
    struct slice         body;
    const struct json   *json;          /* see enum route_body */
    uint32_t             principal;     /* whose token it was; 0: no tokens */
    char                 id[CALL_ID_MAX + 1];   /* request id, echoed */
    struct arena         arena;         /* lives as long as the call */

    /* The route's own: run once, when the call ends in whatever way. */
    void               (*cleanup)(void *arg);
    void                *cleanup_arg;

    /* private */
    struct conn         *conn;
    struct strbuf        raw, body_bytes, headers;
    struct run          *runs;          /* jobs that run for it */
    bool                 more;          /* they have more than was taken */
    struct errand       *errand;        /* see call_work */
    int64_t              started_ns, wrote_ns;
    int                  status;        /* 0: nothing was answered yet */
    uint64_t             told;          /* progress: layers told of, + 1 */
    bool                 streams, chunked, over;
};

/* A header of the reply to come.  The value must have no control characters. */
void call_header(struct call *c, const char *name, const char *value);

/* A whole reply; the bytes are copied.  A failed buffer ends the connection. */
void call_reply(struct call *c, int status, const char *type,
                const struct strbuf *body);
void call_reply_json(struct call *c, int status, const struct strbuf *body);

/* The error reply, in the route's shape.  `param`: the field at fault, or NULL
 * (the worker's own shape leaves it out).  In an open stream: an event of the
 * same shape; the caller ends the stream. */
void call_refuse(struct call *c, enum refusal r, const char *param,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same for an error of the lower floors, with its own sentence. */
void call_refuse_why(struct call *c, const char *param,
                     const struct err_info *why);

/* Run `work` on another thread, then `done` on the loop's (unless the client has
 * gone).  For what takes longer than a millisecond: rendering and tokenizing
 * long prompts.  `work` may use the call's body, json, arena and principal, and
 * what never changes (tokenizer, chat template); it must not answer.  One at a
 * time. */
void call_work(struct call *c, void (*work)(struct call *c, void *arg),
               void (*done)(struct call *c, void *arg), void *arg);

/* Server-sent events.  Each data becomes "data: ...\n\n"; it must hold no line
 * feed (JSON text has none).  A keep-alive comment is sent by the server
 * whenever ten seconds pass without an event. */
void call_stream_open(struct call *c);
void call_stream_data(struct call *c, const struct strbuf *data);
/* "data: [DONE]", and the reply is over. */
void call_stream_end(struct call *c);

#endif
