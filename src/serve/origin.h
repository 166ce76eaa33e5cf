/* Browsers: which pages may talk to this worker.
 *
 * Without tokens everything that reaches the loopback address is served, so that
 * a page from elsewhere must not get there through a visitor's browser: foreign
 * Origins and foreign Hosts (a name rebound to 127.0.0.1) are refused.  With
 * tokens the token decides, and CORS headers only say what was allowed. */
#ifndef OSMIA_SERVE_ORIGIN_H
#define OSMIA_SERVE_ORIGIN_H

#include "base/strbuf.h"
#include "serve/http_head.h"

struct origins {
    bool               guards;       /* no tokens: refuse what is foreign */
    const char *const *allowed;      /* [n]; "*": all */
    size_t             n;
};

/* Is a request with this head to be answered at all? */
bool origin_admits(const struct origins *o, const struct http_head *h);

/* Append the headers by which a browser shows the reply to its page; nothing
 * when the page's origin is not on the list. */
void origin_put_headers(const struct origins *o, const struct http_head *h,
                        struct strbuf *out);

/* A pre-flight question ("OPTIONS" with an allowed Origin)? */
bool origin_asks_first(const struct origins *o, const struct http_head *h);
/* "localhost", "127.0.0.1" ... with or without a port? */
bool origin_is_loopback(struct slice host);

#endif
