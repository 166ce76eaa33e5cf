/* `format % values`, as Python's printf-style formatting.
 *
 * The right side is a tuple of values, a mapping for %(name)s, or one value.
 * Too few values are an error, and so are too many, unless the right side
 * could have been a mapping: Python counts lists among those. */
#include "text/template_format.h"

struct percent {
    struct run  *r;
    struct build b;
    struct slice left;
    struct val   args;          /* a tuple, a mapping, or one value */
    size_t       used;
    bool         markup;
};

/* Whether the right side may serve `%(name)s` and need not be used up. */
static bool is_mapping(struct val v)
{
    return v.kind == VAL_DICT || v.kind == VAL_LIST || v.kind == VAL_RANGE
        || v.kind == VAL_UNDEF;
}

static bool next_value(struct percent *p, struct val *out)
{
    size_t n = p->args.kind == VAL_TUPLE ? p->args.list->n : 1;
    if (p->used >= n) {
        run_error(p->r, "not enough arguments for format string");
        return false;
    }
    *out = p->args.kind == VAL_TUPLE ? p->args.list->at[p->used] : p->args;
    p->used++;
    return true;
}

static char next_char(struct percent *p)
{
    if (p->left.len == 0)
        return '\0';
    char c = p->left.at[0];
    p->left = slice_from(p->left, 1);
    return c;
}

static bool incomplete(struct percent *p)
{
    run_error(p->r, "incomplete format");
    return false;
}

/* (name): the value it stands for. */
static bool keyed_value(struct percent *p, struct val *out)
{
    size_t end = 0, depth = 1;
    while (end < p->left.len) {
        depth += p->left.at[end] == '(';
        depth -= p->left.at[end] == ')';
        if (depth == 0)
            break;
        end++;
    }
    if (depth != 0) {
        run_error(p->r, "incomplete format key");
        return false;
    }
    if (p->args.kind != VAL_DICT) {
        run_error(p->r, "format requires a mapping");
        return false;
    }
    struct slice name = { p->left.at, end };
    const struct entry *e = dict_find_str(p->args.dict, name);
    if (e == NULL) {
        run_error(p->r, "KeyError: '%.*s'", (int)(end < 100 ? end : 100),
                  name.at);
        return false;
    }
    *out = e->value;
    p->left = slice_from(p->left, end + 1);
    return true;
}

/* Digits or `*`. */
static bool read_amount(struct percent *p, char *c, int64_t *out)
{
    struct val v;
    if (*c == '*') {
        if (!next_value(p, &v))
            return false;
        if (!val_is_whole(v)) {
            run_error(p->r, "* wants int");
            return false;
        }
        *out = val_whole(v);
        *c = next_char(p);
    } else {
        for (*out = 0; *c >= '0' && *c <= '9'; *c = next_char(p))
            if ((*out = *out * 10 + (*c - '0')) > 1 << 24)
                break;
    }
    if (*out > 1 << 20 || *out < -(1 << 20)) {
        run_fail(p->r, ERR_LIMIT, "a width or precision above %d", 1 << 20);
        return false;
    }
    return true;
}

static bool read_spec(struct percent *p, struct spec *s, struct val *v)
{
    bool left = false, zero = false;
    *s = (struct spec){ .fill = ' ', .precision = -1 };
    *v = val_missing();
    char c = next_char(p);
    if (c == '(') {
        if (!keyed_value(p, v))
            return false;
        c = next_char(p);
    }
    for (; c != '\0' && strchr("-+ #0", c) != NULL; c = next_char(p)) {
        left = left || c == '-';
        zero = zero || c == '0';
        s->alternate = s->alternate || c == '#';
        if (c == '+' || (c == ' ' && s->sign == 0))
            s->sign = c;
    }
    if (!read_amount(p, &c, &s->width))
        return false;
    if (s->width < 0) {
        left = true;
        s->width = -s->width;
    }
    if (c == '.') {
        c = next_char(p);
        if (!read_amount(p, &c, &s->precision))
            return false;
        if (s->precision < 0)
            s->precision = 0;
    }
    if (c == 'h' || c == 'l' || c == 'L')
        c = next_char(p);
    s->type = c;
    s->align = left ? '<' : zero ? '=' : '>';
    s->fill = zero && !left ? '0' : ' ';
    return c != '\0' || incomplete(p);
}

static bool put_string(struct percent *p, struct spec *s, struct val v)
{
    struct val text = s->type == 's' ? val_to_str(p->r, v)
                                     : val_repr(p->r, v);
    if (p->markup && !val_failed(text))
        text = str_escape(p->r, s->type == 's' ? v : text);
    if (val_failed(text))
        return false;
    if (s->align == '=')
        s->align = '>';
    s->fill = ' ';
    return put_text(&p->b, s, val_slice(text));
}

static bool real_number_required(struct percent *p, char type, struct val v)
{
    if (v.kind == VAL_UNDEF)
        run_undefined(p->r, v);
    else
        run_error(p->r, "%%%c format: a real number is required, not %s", type,
                  val_type_name(v));
    return false;
}

static bool put_integer(struct percent *p, struct spec *s, struct val v)
{
    bool decimal = strchr("diu", s->type) != NULL;
    if (v.kind == VAL_FLOAT && decimal) {
        if (!(v.number > -9.2e18 && v.number < 9.2e18)) {
            run_error(p->r, "cannot convert float to a 64-bit integer");
            return false;
        }
        v = val_int((int64_t)v.number);
    }
    if (!val_is_whole(v))
        return real_number_required(p, s->type, v);
    if (decimal)
        s->type = 'd';
    return put_whole(&p->b, s, val_whole(v));
}

static bool put_one_char(struct percent *p, struct spec *s, struct val v)
{
    s->align = s->align == '=' ? '>' : s->align;
    s->fill = ' ';
    if (v.kind == VAL_STR && v.str->chars == 1)
        return put_padded(&p->b, s, val_slice(v), s->align);
    if (!val_is_whole(v)) {
        run_error(p->r, "%%c requires int or char");
        return false;
    }
    s->precision = -1;
    return put_whole(&p->b, s, val_whole(v));
}

static bool put_value(struct percent *p, struct spec *s, struct val v)
{
    switch (s->type) {
    case 's':
    case 'r':
    case 'a': return put_string(p, s, v);
    case 'c': return put_one_char(p, s, v);
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X':
        return put_integer(p, s, v);
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
        if (!val_is_number(v))
            return real_number_required(p, s->type, v);
        return put_real(&p->b, s, val_number(v));
    default:
        run_error(p->r, "unsupported format character '%c' (0x%x)",
                  s->type >= ' ' && s->type < 127 ? s->type : '?',
                  (unsigned)(unsigned char)s->type);
        return false;
    }
}

static bool put_conversion(struct percent *p)
{
    struct spec s;
    struct val v;
    if (!read_spec(p, &s, &v))
        return false;
    if (s.type == '%') {
        build_put(&p->b, SLICE("%"));
        return true;
    }
    if (v.kind == VAL_MISSING && !next_value(p, &v))
        return false;
    return put_value(p, &s, v);
}

struct val format_percent(struct run *r, struct val format, struct val args)
{
    struct percent p = { .r = r, .left = val_slice(format), .args = args,
                         .markup = val_is_markup(format) };
    bool ok = true;
    build_begin(&p.b, r);
    while (ok && p.left.len > 0) {
        size_t at = slice_find(p.left, SLICE("%"), 0);
        build_put(&p.b, (struct slice){ p.left.at, at });
        if (at == p.left.len)
            break;
        p.left = slice_from(p.left, at + 1);
        ok = put_conversion(&p) && run_steps(r, 1);
    }
    size_t n = args.kind == VAL_TUPLE ? args.list->n : 1;
    if (ok && p.used < n && !is_mapping(args))
        run_error(r, "not all arguments converted during string formatting");
    return str_like(build_end(&p.b), format);
}
