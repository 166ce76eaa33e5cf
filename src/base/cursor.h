/* Reading little-endian values from bytes that may end at any place.  Bounds
 * live here and nowhere else: a take that does not fit changes nothing. */
#ifndef OSMIA_BASE_CURSOR_H
#define OSMIA_BASE_CURSOR_H

#include "base/slice.h"
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    size_t         left;
};

static inline bool cursor_skip(struct cursor *c, uint64_t n)
{
    if (n > c->left)
        return false;
    c->at += n;
    c->left -= (size_t)n;
    return true;
}

static inline bool cursor_take(struct cursor *c, void *out, size_t n)
{
    if (n > c->left)
        return false;
    memcpy(out, c->at, n);
    return cursor_skip(c, n);
}

/* Fixed width values; the machine is little-endian (checked by the build). */
static inline bool cursor_u32(struct cursor *c, uint32_t *out)
{
    return cursor_take(c, out, sizeof *out);
}

static inline bool cursor_u64(struct cursor *c, uint64_t *out)
{
    return cursor_take(c, out, sizeof *out);
}

static inline bool cursor_slice(struct cursor *c, struct slice *out, uint64_t n)
{
    if (n > c->left)
        return false;
    *out = (struct slice){ (const char *)c->at, (size_t)n };
    return cursor_skip(c, n);
}

#endif
