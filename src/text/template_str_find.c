/* Methods of strings that search, replace and join.  Positions are code points
 * for the template and bytes in here. */
#include "text/template_str.h"

bool str_arg(struct run *r, struct val v, const char *what, struct slice *out)
{
    if (v.kind == VAL_STR) {
        *out = val_slice(v);
        return true;
    }
    if (v.kind == VAL_UNDEF && v.flag != UNDEF_HINT)
        run_error(r, "%s must be str, not Undefined", what);
    else
        run_error(r, "%s must be str, not %s", what, val_type_name(v));
    return false;
}

/* ---- find, count, startswith ---- */

/* Plain search: every comparison is paid for. */
size_t str_find_last(struct run *r, struct slice s, struct slice what,
                        size_t end)
{
    for (size_t at = end; at >= what.len; at--) {
        const char *from = s.at + at - what.len;
        if (what.len > 0 && *from != what.at[0])
            continue;
        if (!run_bytes(r, what.len))
            break;
        if (memcmp(from, what.at, what.len) == 0)
            return at - what.len;
    }
    return SIZE_MAX;
}

/* The part between optional positions arg[1] and arg[2]; *base: its first code
 * point.  An empty part that begins behind the end is `beyond`. */
static bool window(struct run *r, const struct call *c, struct slice *part,
                   int64_t *base, bool *beyond)
{
    struct slice s = val_slice(c->self);
    int64_t n = (int64_t)c->self.str->chars, at[2] = { 0, n };
    for (int i = 0; i < 2; i++) {
        if (!val_given(c->arg[1 + i]))
            continue;
        if (!to_index(r, c->arg[1 + i], &at[i]))
            return false;
        if (at[i] < 0)
            at[i] = at[i] + n < 0 ? 0 : at[i] + n;
    }
    *beyond = at[0] > n || at[0] > at[1];
    if (at[1] > n)
        at[1] = n;
    if (*beyond)
        at[0] = at[1];
    size_t from = text_offset(s, (size_t)at[0]);
    size_t to = text_offset(s, (size_t)at[1]);
    *part = (struct slice){ s.at + from, to - from };
    *base = at[0];
    return run_bytes(r, 4 * s.len);
}

/* Code point position of arg[0], or -1, or -2 when failed. */
static int64_t find(struct run *r, const struct call *c, bool last)
{
    struct slice part, what;
    int64_t base;
    bool beyond;
    if (!str_arg(r, c->arg[0], "argument", &what)
        || !window(r, c, &part, &base, &beyond))
        return -2;
    if (beyond)
        return -1;
    size_t at = last ? str_find_last(r, part, what, part.len)
                     : slice_find(part, what, 0);
    if (what.len == 0)
        at = last ? part.len : 0;
    else if (at >= part.len)
        return r->err == ERR_OK ? -1 : -2;
    return base + (int64_t)text_chars((struct slice){ part.at, at });
}

struct val s_find(struct run *r, const struct call *c)
{
    int64_t at = find(r, c, false);
    return at == -2 ? val_of_kind(VAL_FAIL) : val_int(at);
}

struct val s_rfind(struct run *r, const struct call *c)
{
    int64_t at = find(r, c, true);
    return at == -2 ? val_of_kind(VAL_FAIL) : val_int(at);
}

struct val s_index(struct run *r, const struct call *c)
{
    int64_t at = find(r, c, false);
    return at >= 0 ? val_int(at) : run_error(r, "substring not found");
}

struct val s_rindex(struct run *r, const struct call *c)
{
    int64_t at = find(r, c, true);
    return at >= 0 ? val_int(at) : run_error(r, "substring not found");
}

struct val s_count(struct run *r, const struct call *c)
{
    struct slice part, what;
    int64_t base, n = 0;
    bool beyond;
    if (!str_arg(r, c->arg[0], "argument", &what)
        || !window(r, c, &part, &base, &beyond))
        return val_of_kind(VAL_FAIL);
    if (beyond)
        return val_int(0);
    if (what.len == 0)
        return val_int((int64_t)text_chars(part) + 1);
    for (size_t at = 0; (at = slice_find(part, what, at)) < part.len;
         at += what.len)
        n++;
    return val_int(n);
}

static struct val affix(struct run *r, const struct call *c, bool end)
{
    struct slice part;
    int64_t base;
    bool beyond, found = false;
    struct val what = c->arg[0];
    const struct val *all = what.kind == VAL_TUPLE ? what.list->at : &what;
    size_t n = what.kind == VAL_TUPLE ? what.list->n : 1;
    if (!window(r, c, &part, &base, &beyond) || !run_steps(r, n))
        return val_of_kind(VAL_FAIL);
    for (size_t i = 0; i < n && !found; i++) {
        struct slice text;
        if (!str_arg(r, all[i], "argument of startswith or endswith", &text))
            return val_of_kind(VAL_FAIL);
        found = !beyond && (end ? slice_ends(part, text)
                                : slice_starts(part, text));
    }
    return val_bool(found);
}

struct val s_startswith(struct run *r, const struct call *c)
{
    return affix(r, c, false);
}

struct val s_endswith(struct run *r, const struct call *c)
{
    return affix(r, c, true);
}

static struct val remove_affix(struct run *r, const struct call *c, bool end)
{
    struct slice s = val_slice(c->self), what;
    if (!str_arg(r, c->arg[0], "argument", &what))
        return val_of_kind(VAL_FAIL);
    size_t from = 0, to = s.len;
    if (end && slice_ends(s, what))
        to -= what.len;
    else if (!end && slice_starts(s, what))
        from = what.len;
    return str_like(str_part(r, c->self, from, to), c->self);
}

struct val s_removeprefix(struct run *r, const struct call *c)
{
    return remove_affix(r, c, false);
}

struct val s_removesuffix(struct run *r, const struct call *c)
{
    return remove_affix(r, c, true);
}

/* ---- replace and join ---- */

/* `to` in front of every character and at the end, `most` times. */
static void replace_nothing(struct build *b, struct slice s, struct slice to,
                            int64_t most)
{
    for (size_t at = 0; most != 0 && b->r->err == ERR_OK && !b->buf.failed;
         most--) {
        build_put(b, to);
        if (at == s.len)
            return;
        size_t n = utf8_decode(slice_from(s, at), &(uint32_t){ 0 }, NULL);
        strbuf_put(&b->buf, (struct slice){ s.at + at, n });
        at += n;
        if (most == 1) {
            build_put(b, slice_from(s, at));
            return;
        }
    }
    if (most == 0)
        build_put(b, s);
}

struct val str_replace(struct run *r, struct val of, struct slice from,
                       struct slice to, int64_t most)
{
    struct slice s = val_slice(of);
    struct build b;
    size_t at = 0, next;
    if (!run_bytes(r, s.len))
        return val_of_kind(VAL_FAIL);
    build_begin(&b, r);
    if (from.len == 0) {
        replace_nothing(&b, s, to, most);
        return build_end(&b);
    }
    while (most-- != 0 && r->err == ERR_OK && !b.buf.failed
           && (next = slice_find(s, from, at)) < s.len) {
        build_put(&b, (struct slice){ s.at + at, next - at });
        build_put(&b, to);
        at = next + from.len;
    }
    build_put(&b, slice_from(s, at));
    return build_end(&b);
}

struct val s_replace(struct run *r, const struct call *c)
{
    struct slice from, to;
    int64_t most = -1;
    struct val with = c->arg[1];
    if (val_is_markup(c->self))
        with = str_escape(r, with);
    if (val_failed(with)
        || !str_arg(r, c->arg[0], "replace() argument 1", &from)
        || !str_arg(r, with, "replace() argument 2", &to)
        || (c->arg[2].kind != VAL_MISSING && !to_index(r, c->arg[2], &most)))
        return val_of_kind(VAL_FAIL);
    return str_like(str_replace(r, c->self, from, to, most < 0 ? -1 : most),
                    c->self);
}

struct val s_join(struct run *r, const struct call *c)
{
    struct iter *it = iter_open(r, c->arg[0]);
    struct val item;
    struct build b;
    size_t n = 0;
    int more = it == NULL ? -1 : 1;
    build_begin(&b, r);
    while (more > 0 && (more = iter_next(r, it, &item)) > 0) {
        if (val_is_markup(c->self))
            item = str_escape(r, item);
        if (item.kind != VAL_STR) {
            run_error(r, "sequence item %zu: expected str instance, %s found",
                      n, val_type_name(item));
            break;
        }
        if (n++ > 0)
            build_put(&b, val_slice(c->self));
        build_put(&b, val_slice(item));
    }
    return str_like(build_end(&b), c->self);
}
