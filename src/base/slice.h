/* A run of bytes somebody else owns.  Never NUL-terminated, may hold NULs. */
#ifndef OSMIA_BASE_SLICE_H
#define OSMIA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *at;
    size_t      len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_eq(a, slice_of(text));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len
        && (prefix.len == 0 || memcmp(a.at, prefix.at, prefix.len) == 0);
}

static inline bool slice_ends(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len
        && (suffix.len == 0
            || memcmp(a.at + a.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* The part from byte `from` on; `from` <= len. */
static inline struct slice slice_from(struct slice a, size_t from)
{
    /* Not NULL + 0: C leaves even that undefined. */
    return (struct slice){ from == 0 ? a.at : a.at + from, a.len - from };
}

/* The value of a hexadecimal digit in either case; -1: it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Three-way comparison by bytes, shorter first: a total order for sorting. */
int slice_cmp(struct slice a, struct slice b);

/* First occurrence of `needle` in `hay` at or after `from`; hay.len if none. */
size_t slice_find(struct slice hay, struct slice needle, size_t from);

/* 64-bit hash of the bytes (xxHash: stable between runs and machines). */
unsigned long long slice_hash(struct slice a);

#endif
