/* Text that grows.  Failure sticks: a writer puts piece after piece and asks
 * once, at the end, whether all of it is there.  So the code that writes stays
 * as plain as what it writes, and no check is forgotten. */
#include "base/strbuf.h"
#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 64 };

void strbuf_drop(struct strbuf *b)
{
    free(b->at);
    *b = (struct strbuf){ .limit = b->limit };
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->failed = false;
}

bool strbuf_reserve(struct strbuf *b, size_t extra)
{
    uint64_t need;

    if (b->failed)
        return false;
    /* One byte more than asked: strbuf_cstr puts its NUL there, so that it
     * never has to allocate. */
    if (!checked_add(&need, b->len, extra) || !checked_add(&need, need, 1)
        || need > PTRDIFF_MAX || (b->limit != 0 && need - 1 > b->limit)) {
        b->failed = true;
        return false;
    }
    if (need <= b->cap)
        return true;

    /* By half, not twice: the second copy of a large text is what hurts. */
    uint64_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap + b->cap / 2;
    if (cap < need)
        cap = need;
    char *grown = realloc(b->at, (size_t)cap);
    if (grown == NULL) {
        b->failed = true;
        return false;
    }
    b->at = grown;
    b->cap = (size_t)cap;
    return true;
}

void strbuf_put(struct strbuf *b, struct slice s)
{
    if (s.len == 0 || !strbuf_reserve(b, s.len))
        return;
    memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
}

void strbuf_puts(struct strbuf *b, const char *text)
{
    strbuf_put(b, slice_of(text));
}

void strbuf_putc(struct strbuf *b, char c)
{
    strbuf_put(b, (struct slice){ &c, 1 });
}

void strbuf_put_utf8(struct strbuf *b, unsigned code_point)
{
    char bytes[4];
    strbuf_put(b, (struct slice){ bytes, utf8_encode(bytes, code_point) });
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    assert(len >= 0);
    if (strbuf_reserve(b, (size_t)len)) {
        vsnprintf(b->at + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void strbuf_put_visible(struct strbuf *b, struct slice s)
{
    while (s.len > 0 && !b->failed) {
        char shown[SENTENCE_CHAR_SIZE];
        size_t shown_len;
        s = slice_from(s, sentence_char(s, shown, &shown_len));
        strbuf_put(b, (struct slice){ shown, shown_len });
    }
}

const char *strbuf_cstr(struct strbuf *b)
{
    if (b->failed)
        return NULL;
    if (b->cap == 0)
        return "";
    b->at[b->len] = '\0';
    return b->at;
}
