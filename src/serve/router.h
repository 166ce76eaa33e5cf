/* Which route a request belongs to. */
#ifndef OSMIA_SERVE_ROUTER_H
#define OSMIA_SERVE_ROUTER_H

#include "base/strbuf.h"
#include "serve/route.h"

/* The routes, in any order; ends with NULL. */
typedef const struct route *const *route_list;

/* The route of a method and a path; *part becomes what stands for "{}".  NULL:
 * none; then *known says whether the path answers to another method. */
const struct route *router_find(route_list routes, struct slice method,
                                struct slice path, struct slice *part,
                                bool *known);

/* Append the methods a path answers to, for the header Allow: "GET, POST". */
void router_put_methods(struct strbuf *out, route_list routes,
                        struct slice path);

#endif
