/* str() and repr(): how values look.
 *
 * Text of containers is Python's to the byte, as templates do print them: which
 * quotes a string gets, which characters are escaped, how a float is written.
 * Recursion is paid for with run.depth; a namespace may hold itself. */
#include "text/template_run.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>

/* ---- numbers ---- */

/* Python's repr: the shortest digits that read back, with an exponent below
 * 1e-4 and from 1e16 on. */
void put_float(struct strbuf *out, double v)
{
    struct strbuf json = { 0 };
    char digits[32];
    int n = 0, point = -1, power = 0;
    if (!isfinite(v)) {
        strbuf_puts(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
        return;
    }
    json_put_double(&json, fabs(v));
    const char *text = strbuf_cstr(&json);
    for (const char *at = text; at != NULL && *at != '\0' && n < 31; at++) {
        if (*at == '.')
            point = n;
        else if (*at == 'e') {
            power = (int)strtol(at + 1, NULL, 10);
            break;
        } else if (n > 0 || *at != '0')
            digits[n++] = *at;
        else if (point >= 0)
            power--;
    }
    if (json.failed)
        out->failed = true;
    if (point < 0)
        point = n;
    point += power;                       /* digits before the point */
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (signbit(v))
        strbuf_putc(out, '-');
    if (n == 0)
        strbuf_puts(out, "0.0");
    else if (point > 16 || point < -3)
        strbuf_printf(out, "%c%s%.*se%+03d", digits[0], n > 1 ? "." : "",
                      n - 1, digits + 1, point - 1);
    else if (point <= 0)
        strbuf_printf(out, "0.%.*s%.*s", -point, "000", n, digits);
    else if (point >= n)
        strbuf_printf(out, "%.*s%.*s.0", n, digits, point - n,
                      "0000000000000000");
    else
        strbuf_printf(out, "%.*s.%.*s", point, digits, n - point,
                      digits + point);
    strbuf_drop(&json);
}

/* ---- strings ---- */

static void put_escaped(struct build *b, uint32_t cp)
{
    const char *form = cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x"
                                                             : "\\U%08x";
    if (cp == '\n' || cp == '\r' || cp == '\t')
        strbuf_puts(&b->buf, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
    else
        strbuf_printf(&b->buf, form, cp);
}

void put_str_repr(struct build *b, struct slice s)
{
    bool single = memchr(s.at, '\'', s.len) != NULL;
    char quote = single && memchr(s.at, '"', s.len) == NULL ? '"' : '\'';
    if (!run_bytes(b->r, s.len))
        return;
    strbuf_putc(&b->buf, quote);
    while (s.len > 0) {
        uint32_t cp;
        size_t n = utf8_decode(s, &cp, NULL);
        if (cp == '\\' || cp == (unsigned char)quote)
            strbuf_putc(&b->buf, '\\');
        if (unicode_is_printable_python(cp))
            strbuf_put(&b->buf, (struct slice){ s.at, n });
        else
            put_escaped(b, cp);
        s = slice_from(s, n);
    }
    strbuf_putc(&b->buf, quote);
}

/* ---- containers ---- */

static bool put_items(struct build *b, const char *open, const struct list *l,
                      const char *close)
{
    strbuf_puts(&b->buf, open);
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            strbuf_puts(&b->buf, ", ");
        if (!put_repr(b, l->at[i]))
            return false;
    }
    strbuf_puts(&b->buf, close);
    return true;
}

/* key: value, or what a view shows. */
static bool put_entry(struct build *b, const struct entry *e, struct val of)
{
    bool view = of.kind == VAL_VIEW, items = view && of.flag == VIEW_ITEMS;
    if (items)
        strbuf_puts(&b->buf, "(");
    if (!(view && of.flag == VIEW_VALUES) && !put_repr(b, e->key))
        return false;
    if (!view || items)
        strbuf_puts(&b->buf, items ? ", " : ": ");
    if (!(view && of.flag == VIEW_KEYS) && !put_repr(b, e->value))
        return false;
    if (items)
        strbuf_puts(&b->buf, ")");
    return true;
}

static bool put_dict(struct build *b, const char *open, struct val v,
                     const char *close)
{
    strbuf_puts(&b->buf, open);
    for (uint32_t i = 0; i < v.dict->n; i++) {
        if (i > 0)
            strbuf_puts(&b->buf, ", ");
        if (!put_entry(b, &v.dict->at[i], v))
            return false;
    }
    strbuf_puts(&b->buf, close);
    return true;
}

static bool put_view(struct build *b, struct val v)
{
    strbuf_puts(&b->buf, val_type_name(v));
    return put_dict(b, "([", v, "])");
}

static bool put_range(struct build *b, const struct range *range)
{
    strbuf_printf(&b->buf, "range(%lld, %lld", (long long)range->start,
                  (long long)range->stop);
    if (range->step != 1)
        strbuf_printf(&b->buf, ", %lld", (long long)range->step);
    strbuf_puts(&b->buf, ")");
    return true;
}

/* ---- objects ---- */

static bool put_macro(struct build *b, const struct macro *m)
{
    strbuf_puts(&b->buf, "<Macro ");
    if (m->name.kind == VAL_STR)
        put_str_repr(b, val_slice(m->name));
    else
        strbuf_puts(&b->buf, "anonymous");
    strbuf_puts(&b->buf, ">");
    return true;
}

static bool put_loop(struct build *b, struct val v)
{
    int64_t n = val_len(b->r, v);
    strbuf_printf(&b->buf, "<LoopContext %lld/%lld>",
                  (long long)v.loop->index0 + 1, (long long)n);
    return n >= 0;
}

/* What Python shows with an address.  Ours is always the same one: no template
 * can depend on it, and real addresses are nobody's business. */
static bool put_object(struct build *b, struct val v)
{
    const char *type = val_type_name(v);
    if (v.kind == VAL_ITER && v.iter->type != NULL)
        type = v.iter->type;
    strbuf_printf(&b->buf, "<%s object at 0x7f0000000000>", type);
    return true;
}

static bool put_kind(struct build *b, struct val v)
{
    switch ((enum val_kind)v.kind) {
    case VAL_UNDEF:     strbuf_puts(&b->buf, "Undefined"); return true;
    case VAL_NONE:      strbuf_puts(&b->buf, "None"); return true;
    case VAL_BOOL:
        strbuf_puts(&b->buf, v.boolean ? "True" : "False");
        return true;
    case VAL_INT:
        strbuf_printf(&b->buf, "%lld", (long long)v.integer);
        return true;
    case VAL_BIG:
        strbuf_printf(&b->buf, "%llu", (unsigned long long)v.big);
        return true;
    case VAL_FLOAT:     put_float(&b->buf, v.number); return true;
    case VAL_STR:
        strbuf_puts(&b->buf, val_is_markup(v) ? "Markup(" : "");
        put_str_repr(b, val_slice(v));
        strbuf_puts(&b->buf, val_is_markup(v) ? ")" : "");
        return true;
    case VAL_LIST:      return put_items(b, "[", v.list, "]");
    case VAL_TUPLE:
        return put_items(b, "(", v.list, v.list->n == 1 ? ",)" : ")");
    case VAL_DICT:      return put_dict(b, "{", v, "}");
    case VAL_VIEW:      return put_view(b, v);
    case VAL_RANGE:     return put_range(b, v.range);
    case VAL_NAMESPACE:
        v.kind = VAL_DICT;
        return put_dict(b, "<Namespace {", v, "}>");
    case VAL_LOOP:      return put_loop(b, v);
    case VAL_MACRO:     return put_macro(b, v.macro);
    case VAL_SELF:
        strbuf_puts(&b->buf, "<TemplateReference None>");
        return true;
    default:            return put_object(b, v);
    }
}

bool put_repr(struct build *b, struct val v)
{
    if (!run_steps(b->r, 1) || !run_deeper(b->r))
        return false;
    if (b->buf.failed)
        return false;
    bool ok = put_kind(b, v);
    b->r->depth--;
    return ok && b->r->err == ERR_OK;
}

struct val val_repr(struct run *r, struct val v)
{
    struct build b;
    build_begin(&b, r);
    put_repr(&b, v);
    return build_end(&b);
}

struct val val_to_str(struct run *r, struct val v)
{
    if (v.kind == VAL_STR) {
        v.flag = 0;
        return v;
    }
    if (v.kind == VAL_UNDEF)
        return str_share(r, SLICE(""));
    return val_repr(r, v);
}

struct val val_soft_str(struct run *r, struct val v)
{
    return v.kind == VAL_STR ? v : val_to_str(r, v);
}
