/* What the connection does with calls. */
#ifndef OSMIA_SERVE_CALL_OWN_H
#define OSMIA_SERVE_CALL_OWN_H

#include "serve/conn.h"

/* A call for the head just read; the connection's bytes become the call's, what
 * stands behind the head is given back.  NULL: out of memory. */
struct call *call_open(struct conn *c);
/* Before the body: find the route, check origin and token, size and type.
 * False: it has been refused. */
bool         call_admit(struct call *c);
/* The body is complete: parse it, ask the route. */
void         call_dispatch(struct call *c);
/* Log it, run its cleanup, end its jobs, free it. */
void         call_close(struct call *c);
/* Send a keep-alive comment if it streams and has been silent for long. */
void         call_tick(struct call *c, int64_t now_ns);

#endif
