/* Matching paths.  One walk over some twenty rows for each request: a tree
 * would be longer than what it saves. */
#include "serve/router.h"
/* The first part of *path, '/' not included, is taken off. */
static struct slice take_part(struct slice *path)
{
    struct slice rest = slice_from(*path, 1);
    size_t len = slice_find(rest, SLICE("/"), 0);
    struct slice part = { rest.at, len };

    *path = slice_from(rest, len);
    return part;
}

static bool matches(const char *pattern, struct slice path, struct slice *part)
{
    struct slice p = slice_of(pattern);

    while (slice_starts(p, SLICE("/")) && slice_starts(path, SLICE("/"))) {
        struct slice all = slice_from(path, 1);
        struct slice wanted = take_part(&p), given = take_part(&path);
        if (slice_is(wanted, "{..}") && given.len > 0) {
            *part = all;
            return true;
        }
        if (slice_is(wanted, "{}") && given.len > 0)
            *part = given;
        else if (!slice_eq(wanted, given))
            return false;
    }
    return p.len == 0 && path.len == 0;
}

static bool route_matches(const struct route *r, struct slice path,
                          struct slice *part)
{
    for (size_t i = 0; i < ROUTE_PATHS && r->paths[i] != NULL; i++)
        if (matches(r->paths[i], path, part))
            return true;
    return false;
}

static bool takes_head(const struct route *r)
{
    return strcmp(r->method, "GET") == 0 && !r->streams;
}

const struct route *router_find(route_list routes, struct slice method,
                                struct slice path, struct slice *part,
                                bool *known)
{
    *known = false;
    for (; *routes != NULL; routes++) {
        if (!route_matches(*routes, path, part))
            continue;
        if (slice_is(method, (*routes)->method)
            || (slice_is(method, "HEAD") && takes_head(*routes)))
            return *routes;
        *known = true;
    }
    return NULL;
}

void router_put_methods(struct strbuf *out, route_list routes,
                        struct slice path)
{
    struct slice part;
    size_t before = out->len;

    for (; *routes != NULL; routes++) {
        if (!route_matches(*routes, path, &part))
            continue;
        if (out->len > before)
            strbuf_puts(out, ", ");
        strbuf_puts(out, (*routes)->method);
        if (takes_head(*routes))
            strbuf_puts(out, ", HEAD");
    }
}

size_t router_decode(struct slice part, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < part.len; i++) {
        int high = -1, low = -1;
        if (part.at[i] == '%' && i + 2 < part.len) {
            high = hex_digit(part.at[i + 1]);
            low = hex_digit(part.at[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[n++] = (char)(16 * high + low);
            i += 2;
        } else {
            out[n++] = part.at[i];
        }
    }
    return n;
}

enum route_errors route_errors_of(struct slice path)
{
    static const char *const openai[] = {
        "/v1/chat/", "/v1/completions", "/v1/models",
    };

    for (size_t i = 0; i < sizeof openai / sizeof *openai; i++)
        if (slice_starts(path, slice_of(openai[i])))
            return ROUTE_OPENAI;
    return ROUTE_WORKER;
}
