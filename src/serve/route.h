/* A route is a row: what it answers to, what must hold before it is asked, and
 * the function that answers.  Each file of routes/ ends with its row;
 * routes/route_table.c lists them; serve knows none of them by name. */
#ifndef OSMIA_SERVE_ROUTE_H
#define OSMIA_SERVE_ROUTE_H

#include "base/slice.h"

struct call;

/* Where tokens are configured, is one needed here? */
enum route_auth { ROUTE_OPEN, ROUTE_TOKEN };

/* When it answers; before and after, the server itself says 503. */
enum route_when {
    ROUTE_ALWAYS,
    ROUTE_LOADED,        /* the model is there, and stays until the process ends */
    ROUTE_WORK           /* new work: loaded, not shutting down, engine alive */
};

/* A body is read to its end whatever the route says. */
enum route_body {
    ROUTE_NO_BODY,       /* ignored */
    ROUTE_JSON,          /* call->json is an object; anything else: 400, 415 */
    ROUTE_MAYBE_JSON     /* the same, or nothing at all: call->json is NULL */
};

/* The shape of its error bodies. */
enum route_errors { ROUTE_WORKER, ROUTE_OPENAI };

/* The shape for a path that no route answers to, or not like that. */
enum route_errors route_errors_of(struct slice path);

enum { ROUTE_PATHS = 4 };

struct route {
    const char       *method;
    /* Ends with NULL.  "{}" stands for one part, which call->part holds, percent
     * decoded: "/v1/jobs/{}/stream".  "{..}", at the end only: for all the rest,
     * which may have slashes. */
    const char       *paths[ROUTE_PATHS];
    enum route_auth   auth;
    enum route_when   when;
    enum route_body   body;
    enum route_errors errors;
    bool              streams;   /* a GET that cannot be answered to a HEAD */
    void            (*handle)(struct call *c);
};

#endif
