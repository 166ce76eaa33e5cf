/* The tojson filter: Python's json.dumps, which transformers puts in place of
 * Jinja's own: no escapes for HTML, letters beyond ASCII as they are.
 *
 * Dicts keep their order unless sort_keys asks; keys that are numbers, bools or
 * none become strings.  NaN and infinities are written as Python writes them,
 * although that is no JSON: the model has learnt it so. */
#include "text/template_filters.h"

#include <math.h>

struct dump {
    struct build b;
    struct run  *r;
    bool         ascii, sort, indented;
    struct slice indent, comma, colon;
    size_t       level;
};

static void put_u(struct strbuf *out, uint32_t unit)
{
    strbuf_printf(out, "\\u%04x", unit);
}

static void put_wide(struct strbuf *out, uint32_t cp)
{
    if (cp < 0x10000) {
        put_u(out, cp);
        return;
    }
    put_u(out, 0xD800 + ((cp - 0x10000) >> 10));
    put_u(out, 0xDC00 + ((cp - 0x10000) & 0x3FF));
}

static void put_escape(struct strbuf *out, unsigned char c)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *at = c != 0 ? strchr(from, c) : NULL;
    if (at == NULL) {
        put_u(out, c);
        return;
    }
    strbuf_putc(out, '\\');
    strbuf_putc(out, to[at - from]);
}

static void put_string(struct dump *d, struct slice s)
{
    struct strbuf *out = &d->b.buf;
    if (!run_bytes(d->r, 2 * s.len))
        return;
    strbuf_putc(out, '"');
    for (size_t at = 0; at < s.len;) {
        unsigned char c = (unsigned char)s.at[at];
        uint32_t cp = c;
        size_t n = c < 0x80 ? 1 : utf8_decode(slice_from(s, at), &cp, NULL);
        if (c < 0x20 || c == '"' || c == '\\' || (c == 0x7F && d->ascii))
            put_escape(out, c);
        else if (c >= 0x80 && d->ascii)
            put_wide(out, cp);
        else
            strbuf_put(out, (struct slice){ s.at + at, n });
        at += n;
    }
    strbuf_putc(out, '"');
}

static void put_double(struct dump *d, double v)
{
    if (isfinite(v))
        put_float(&d->b.buf, v);
    else
        strbuf_puts(&d->b.buf, isnan(v) ? "NaN" : v < 0 ? "-Infinity"
                                                        : "Infinity");
}

static void put_line(struct dump *d)
{
    if (!d->indented || !run_bytes(d->r, d->level * d->indent.len))
        return;
    strbuf_putc(&d->b.buf, '\n');
    for (size_t i = 0; i < d->level && !d->b.buf.failed; i++)
        strbuf_put(&d->b.buf, d->indent);
}

static bool put_scalar(struct dump *d, struct val v)
{
    struct strbuf *out = &d->b.buf;
    switch ((enum val_kind)v.kind) {
    case VAL_NONE:  strbuf_puts(out, "null"); return true;
    case VAL_BOOL:  strbuf_puts(out, v.boolean ? "true" : "false"); return true;
    case VAL_INT:
        strbuf_printf(out, "%lld", (long long)v.integer);
        return true;
    case VAL_BIG:
        strbuf_printf(out, "%llu", (unsigned long long)v.big);
        return true;
    case VAL_FLOAT: put_double(d, v.number); return true;
    case VAL_STR:   put_string(d, val_slice(v)); return true;
    default:        return false;
    }
}

static bool put_value(struct dump *d, struct val v);

static bool put_list(struct dump *d, const struct list *l)
{
    if (l->n == 0) {
        strbuf_puts(&d->b.buf, "[]");
        return true;
    }
    strbuf_putc(&d->b.buf, '[');
    d->level++;
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            strbuf_put(&d->b.buf, d->comma);
        put_line(d);
        if (!put_value(d, l->at[i]))
            return false;
    }
    d->level--;
    put_line(d);
    strbuf_putc(&d->b.buf, ']');
    return true;
}

/* Keys that are no strings are written as JSON, in quotes. */
static bool put_key(struct dump *d, struct val key)
{
    if (key.kind == VAL_STR)
        return put_scalar(d, key);
    strbuf_putc(&d->b.buf, '"');
    bool ok = put_scalar(d, key);
    strbuf_putc(&d->b.buf, '"');
    if (!ok)
        run_error(d->r, "keys must be str, int, float, bool or None, not %s",
                  val_type_name(key));
    return ok;
}

/* The entries in the order they are written; false: failed. */
static bool ordered(struct dump *d, const struct dict *dict,
                    struct list **keys, struct list **values)
{
    struct val k = list_new(d->r, VAL_LIST, dict->n);
    struct val v = list_new(d->r, VAL_LIST, dict->n);
    if (val_failed(k) || val_failed(v))
        return false;
    for (uint32_t i = 0; i < dict->n; i++)
        if (!list_push(d->r, k.list, dict->at[i].key)
            || !list_push(d->r, v.list, dict->at[i].value))
            return false;
    *keys = k.list;
    *values = v.list;
    return !d->sort || sort_by(d->r, v.list, k.list, false);
}

static bool put_dict(struct dump *d, const struct dict *dict)
{
    struct list *keys, *values;
    if (dict->n == 0) {
        strbuf_puts(&d->b.buf, "{}");
        return true;
    }
    if (!ordered(d, dict, &keys, &values))
        return false;
    strbuf_putc(&d->b.buf, '{');
    d->level++;
    for (size_t i = 0; i < keys->n; i++) {
        if (i > 0)
            strbuf_put(&d->b.buf, d->comma);
        put_line(d);
        if (!put_key(d, keys->at[i]))
            return false;
        strbuf_put(&d->b.buf, d->colon);
        if (!put_value(d, values->at[i]))
            return false;
    }
    d->level--;
    put_line(d);
    strbuf_putc(&d->b.buf, '}');
    return true;
}

static bool put_value(struct dump *d, struct val v)
{
    bool ok;
    if (!run_steps(d->r, 1) || d->b.buf.failed || !run_deeper(d->r))
        return false;
    if (v.kind == VAL_LIST || v.kind == VAL_TUPLE)
        ok = put_list(d, v.list);
    else if (v.kind == VAL_DICT)
        ok = put_dict(d, v.dict);
    else if (!(ok = put_scalar(d, v)))
        run_error(d->r, "Object of type %s is not JSON serializable",
                  val_type_name(v));
    d->r->depth--;
    return ok && d->r->err == ERR_OK;
}

/* indent: a number of spaces or a string. */
static bool read_indent(struct dump *d, struct val v)
{
    int64_t n;
    if (!val_given(v))
        return true;
    d->indented = true;
    d->comma = SLICE(",");
    if (v.kind != VAL_STR) {
        if (!to_index(d->r, v, &n))
            return false;
        v = str_repeat(d->r, str_share(d->r, SLICE(" ")), n);
    }
    if (val_failed(v))
        return false;
    d->indent = val_slice(v);
    return true;
}

static bool read_separators(struct dump *d, struct val v)
{
    if (!val_given(v))
        return true;
    struct val parts = val_to_list(d->r, v);
    if (val_failed(parts))
        return false;
    if (parts.list->n != 2 || parts.list->at[0].kind != VAL_STR
        || parts.list->at[1].kind != VAL_STR) {
        run_error(d->r, "separators must be two strings");
        return false;
    }
    d->comma = val_slice(parts.list->at[0]);
    d->colon = val_slice(parts.list->at[1]);
    return true;
}

struct val f_tojson(struct run *r, const struct call *c)
{
    struct dump d = { .r = r, .ascii = arg_true(c->arg[0], false),
                      .sort = arg_true(c->arg[3], false),
                      .comma = SLICE(", "), .colon = SLICE(": ") };
    if (!read_indent(&d, c->arg[1]) || !read_separators(&d, c->arg[2]))
        return val_of_kind(VAL_FAIL);
    build_begin(&d.b, r);
    put_value(&d, c->self);
    return build_end(&d.b);
}
