/* A growing run of bytes.  Failure sticks: append as much as you like, look
 * at `failed` once.  A failed buffer ignores further appends. */
#ifndef OSMIA_BASE_STRBUF_H
#define OSMIA_BASE_STRBUF_H

#include "base/slice.h"

struct strbuf {
    char  *at;       /* NUL-terminated after strbuf_cstr only */
    size_t len, cap;
    bool   failed;   /* out of memory, or `limit` would be passed */
    size_t limit;    /* most bytes it may hold; 0: no limit */
};

/* Zero-initialised is empty and valid. */
void strbuf_drop(struct strbuf *b);
void strbuf_clear(struct strbuf *b);                 /* keeps the memory */
bool strbuf_reserve(struct strbuf *b, size_t extra); /* room for extra more */
void strbuf_put(struct strbuf *b, struct slice s);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_put_utf8(struct strbuf *b, unsigned code_point);
void strbuf_printf(struct strbuf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text for people: control characters and invalid UTF-8 as \xNN. */
void strbuf_put_visible(struct strbuf *b, struct slice s);

/* The bytes as a C string ("" when empty); NULL when failed.  Owned by b. */
const char *strbuf_cstr(struct strbuf *b);

static inline struct slice strbuf_slice(const struct strbuf *b)
{
    return (struct slice){ b->at, b->len };
}

#endif
