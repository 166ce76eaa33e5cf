/* Who asks, as far as a browser tells.
 *
 * A server on 127.0.0.1 is reachable from every page that its user opens: by a
 * form or fetch to http://localhost:8080 (Origin tells), and by a name of the
 * attacker's that suddenly resolves to 127.0.0.1 (Host tells).  A token stops
 * both, since a page does not have it.  Without tokens this file does: only
 * names of this machine, only pages that come from it. */
#include "serve/origin.h"

bool origin_is_loopback(struct slice host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct slice name = slice_of(names[i]);
        if (host.len < name.len
            || !head_same((struct slice){ host.at, name.len }, name))
            continue;
        struct slice rest = slice_from(host, name.len);
        if (rest.len == 0)
            return true;
        bool is_port = rest.at[0] == ':' && rest.len <= 6;
        for (size_t k = 1; k < rest.len; k++)
            is_port &= rest.at[k] >= '0' && rest.at[k] <= '9';
        return is_port;
    }
    return false;
}

static bool is_allowed(const struct origins *o, struct slice origin)
{
    for (size_t i = 0; i < o->n; i++)
        if (slice_is(origin, o->allowed[i]) || strcmp(o->allowed[i], "*") == 0)
            return true;
    return false;
}

static bool is_local_origin(struct slice origin)
{
    struct slice scheme[] = { SLICE("http://"), SLICE("https://") };

    for (size_t i = 0; i < 2; i++)
        if (slice_starts(origin, scheme[i]))
            return origin_is_loopback(slice_from(origin, scheme[i].len));
    return false;
}

bool origin_admits(const struct origins *o, const struct http_head *h)
{
    struct slice origin = head_field(h, "origin");

    if (!o->guards)
        return true;
    if (h->host.at != NULL && !origin_is_loopback(h->host))
        return false;
    return origin.at == NULL || is_local_origin(origin)
        || is_allowed(o, origin);
}

/* Whatever headers the page wants to send (OpenAI's client in a browser sends a
 * dozen of its own): they are not what protects us. */
static void put_preflight(const struct http_head *h, struct strbuf *out)
{
    struct slice wanted = head_field(h, "access-control-request-headers");

    strbuf_puts(out, "Access-Control-Allow-Methods: GET, POST, DELETE\r\n"
                "Access-Control-Max-Age: 600\r\n"
                "Access-Control-Allow-Headers: ");
    if (wanted.len > 0)
        strbuf_put(out, wanted);
    else
        strbuf_puts(out, "Authorization, Content-Type, X-Request-Id, "
                    "X-Correlation-Id");
    strbuf_puts(out, "\r\n");
}

void origin_put_headers(const struct origins *o, const struct http_head *h,
                        struct strbuf *out)
{
    struct slice origin = head_field(h, "origin");

    if (o->n == 0)
        return;
    strbuf_puts(out, "Vary: Origin\r\n");
    if (origin.at == NULL || !is_allowed(o, origin))
        return;
    strbuf_puts(out, "Access-Control-Allow-Origin: ");
    strbuf_put(out, origin);
    strbuf_puts(out, "\r\nAccess-Control-Expose-Headers: X-Request-Id, "
                "X-Correlation-Id, X-Ignored-Fields, Retry-After\r\n");
    if (slice_is(h->method, "OPTIONS"))
        put_preflight(h, out);
}

bool origin_asks_first(const struct origins *o, const struct http_head *h)
{
    struct slice origin = head_field(h, "origin");

    return slice_is(h->method, "OPTIONS") && origin.at != NULL
        && is_allowed(o, origin);
}
