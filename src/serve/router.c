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
        struct slice wanted = take_part(&p), given = take_part(&path);
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

const struct route *router_find(route_list routes, struct slice method,
                                struct slice path, struct slice *part,
                                bool *known)
{
    *known = false;
    for (; *routes != NULL; routes++) {
        if (!route_matches(*routes, path, part))
            continue;
        if (slice_is(method, (*routes)->method))
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
    }
}
