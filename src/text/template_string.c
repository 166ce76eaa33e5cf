/* Strings: making, joining, escaping.
 *
 * A string is a view of bytes that stay for the whole run: of the request, of
 * the template, or of the arena.  So parts are taken without copying, and only
 * joins, replacements and the like make new bytes. */
#include "text/template_run.h"

#include "base/checked.h"

size_t text_chars(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xC0) != 0x80;
    return n;
}

size_t text_offset(struct slice s, size_t i)
{
    size_t at = 0;
    for (; at < s.len; at++)
        if (((unsigned char)s.at[at] & 0xC0) != 0x80 && i-- == 0)
            break;
    return at;
}

static struct val make(struct run *r, struct slice s, size_t chars,
                       struct grow *grow)
{
    struct str *str = run_take(r, 1, sizeof *str);
    if (str == NULL)
        return val_of_kind(VAL_FAIL);
    *str = (struct str){ s.at, s.len, chars, grow };
    return val_str(str);
}

struct val str_share(struct run *r, struct slice s)
{
    return run_bytes(r, s.len) ? make(r, s, text_chars(s), NULL)
                               : val_of_kind(VAL_FAIL);
}

struct val str_new(struct run *r, struct slice s)
{
    char *copy = run_take(r, s.len + 1, 1);
    if (copy == NULL)
        return val_of_kind(VAL_FAIL);
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    return str_share(r, (struct slice){ copy, s.len });
}

struct val str_part(struct run *r, struct val of, size_t from, size_t to)
{
    struct slice s = { of.str->at + from, to - from };
    if (of.str->chars == of.str->len)
        return make(r, s, s.len, NULL);
    return str_share(r, s);
}

/* The first join of a string makes a buffer with a little room; each later one
 * that does not fit makes it half as large again, so that n joins cost n. */
struct val str_concat(struct run *r, struct val a, struct val b)
{
    struct slice x = val_slice(a), y = val_slice(b);
    struct grow *g = a.str->grow;
    size_t chars = a.str->chars + b.str->chars;
    if (!run_bytes(r, y.len))
        return val_of_kind(VAL_FAIL);
    if (g == NULL || x.at + x.len != g->at + g->used
        || y.len > g->cap - g->used) {
        size_t total = x.len + y.len;
        size_t cap = total + (g != NULL ? total / 2 : 32);
        g = run_take(r, 1, sizeof *g);
        char *at = g != NULL ? run_take(r, cap, 1) : NULL;
        if (at == NULL || !run_bytes(r, x.len))
            return val_of_kind(VAL_FAIL);
        if (x.len > 0)
            memcpy(at, x.at, x.len);
        *g = (struct grow){ .at = at, .used = x.len, .cap = cap };
    }
    if (y.len > 0)
        memcpy(g->at + g->used, y.at, y.len);
    g->used += y.len;
    return make(r, (struct slice){ g->at, x.len + y.len }, chars, g);
}

struct val str_repeat(struct run *r, struct val s, int64_t n)
{
    struct slice x = val_slice(s);
    size_t total;
    if (n <= 0 || x.len == 0)
        return str_share(r, SLICE(""));
    if (!checked_size(&total, x.len, (size_t)n))
        total = SIZE_MAX;
    char *at = run_take(r, total, 1);
    if (at == NULL || !run_bytes(r, total))
        return val_of_kind(VAL_FAIL);
    for (size_t i = 0; i < total; i += x.len)
        memcpy(at + i, x.at, x.len);
    return make(r, (struct slice){ at, total }, s.str->chars * (size_t)n, NULL);
}

/* ---- building ---- */

void build_begin(struct build *b, struct run *r)
{
    /* What cannot be copied into the arena afterwards need not be built. */
    size_t left = RUN_MEMORY - r->arena.total;
    *b = (struct build){ .r = r, .buf = { .limit = left + 1 } };
}

void build_put(struct build *b, struct slice s)
{
    if (b->r->err != ERR_OK || !run_bytes(b->r, s.len))
        return;
    if (!b->buf.failed && s.len > b->buf.limit - b->buf.len)
        run_no_room(b->r, RUN_MEMORY);
    else
        strbuf_put(&b->buf, s);
}

void build_cp(struct build *b, uint32_t cp)
{
    char utf8[4];
    size_t n = utf8_encode(utf8, cp);
    strbuf_put(&b->buf, (struct slice){ utf8, n });
}

struct val build_end(struct build *b)
{
    struct val out = val_of_kind(VAL_FAIL);
    /* A buffer that failed near its limit failed because of it. */
    if (b->buf.failed)
        run_no_room(b->r, b->buf.len + 4096 > b->buf.limit ? RUN_MEMORY : 0);
    else if (b->r->err == ERR_OK)
        out = str_new(b->r, strbuf_slice(&b->buf));
    strbuf_drop(&b->buf);
    return out;
}

/* ---- markup ---- */

struct val str_like(struct val out, struct val like)
{
    if (out.kind == VAL_STR)
        out.flag = val_is_markup(like) ? VAL_MARKUP : 0;
    return out;
}

struct val str_escape(struct run *r, struct val v)
{
    struct build b;
    v = val_soft_str(r, v);
    if (val_failed(v) || val_is_markup(v))
        return v;
    build_begin(&b, r);
    struct slice s = val_slice(v);
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *as = s.at[i] == '&' ? "&amp;" : s.at[i] == '<' ? "&lt;"
                       : s.at[i] == '>' ? "&gt;" : s.at[i] == '"' ? "&#34;"
                       : s.at[i] == '\'' ? "&#39;" : NULL;
        if (as == NULL)
            continue;
        build_put(&b, (struct slice){ s.at + from, i - from });
        build_put(&b, slice_of(as));
        from = i + 1;
    }
    build_put(&b, slice_from(s, from));
    v = build_end(&b);
    v.flag = VAL_MARKUP;
    return v;
}
