/* A connection: bytes in, calls, bytes out.
 *
 *   HEAD --complete--> BODY --complete--> CALL --answered--> HEAD   (kept alive)
 *     |                  |                  |                CLOSING (else)
 *     +--- malformed ----+------------------+---> CLOSING
 *
 *   1. At most one call at a time; what a client sends ahead waits in `in`,
 *      bounded.
 *   2. Whoever calls into a route settles the connection afterwards
 *      (conn_settle): only then are bytes sent and calls freed, so that a route
 *      never loses the call under its hands.
 *   3. What all clients together have sent of incomplete bodies is bounded, as
 *      is their number: the one whose time is over soonest makes place.
 *   4. A FIN counts as gone, like a reset: an unanswered call is given up.
 *
 * Owner: the server.  Loop thread. */
#ifndef OSMIA_SERVE_CONN_H
#define OSMIA_SERVE_CONN_H

#include "serve/call.h"
#include "serve/http_chunk.h"
#include "serve/server_own.h"

enum conn_phase { CONN_HEAD, CONN_BODY, CONN_CALL, CONN_CLOSING };

struct conn {
    uv_tcp_t          tcp;
    struct server    *server;
    struct conn      *next, *prev;
    enum conn_phase   phase;
    bool              reading, ended, dead, advancing, shut;
    bool              keep_alive;
    int64_t           deadline_ns;      /* of the phase; 0: none */

    struct strbuf     in;
    struct http_head  head;
    struct chunk_reader chunks;
    uint64_t          body_left;
    size_t            n_arrived;        /* bytes of an incomplete body */
    struct call      *call;

    struct strbuf     out, flying;      /* to send; being sent */
    size_t            n_sent;           /* of the call's bytes */
    uv_write_t        write;
    uv_shutdown_t     shutdown;
    bool              writing;
};

/* A client is at the door. */
void   conn_accept(struct server *s);
/* Look at the clock. */
void   conn_tick(struct conn *c, int64_t now_ns);
/* Append bytes to be sent by the next conn_settle. */
void   conn_put(struct conn *c, struct slice bytes);
/* Bytes that the client has not taken yet. */
size_t conn_backlog(const struct conn *c);
/* Send, and go on with the next call when this one has been answered. */
void   conn_settle(struct conn *c);
/* Close as soon as what was written is sent. */
void   conn_finish(struct conn *c);
/* Close at once. */
void   conn_close(struct conn *c);

#endif
