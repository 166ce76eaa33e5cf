/* Which route a request belongs to. */
#ifndef OSMIA_SERVE_ROUTER_H
#define OSMIA_SERVE_ROUTER_H

#include "base/strbuf.h"
#include "serve/route.h"

/* The routes, in any order; ends with NULL. */
typedef const struct route *const *route_list;

/* The route of a method and a path; *part becomes what stands for "{}", as it
 * was written.  A HEAD is a GET, but where that would be a stream.  NULL: none;
 * then *known says whether the path answers to another method.
 *
 * Fixed parts of a path are compared as they stand: a proxy that lets only some
 * paths pass must not be led by the nose with "/%76%31/shutdown". */
const struct route *router_find(route_list routes, struct slice method,
                                struct slice path, struct slice *part,
                                bool *known);

/* A part without its percent codes, at most as long; what is no code stays. */
size_t router_decode(struct slice part, char *out);

/* Append the methods a path answers to, for the header Allow: "GET, POST". */
void router_put_methods(struct strbuf *out, route_list routes,
                        struct slice path);

#endif
