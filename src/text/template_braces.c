/* str.format: replacement fields in braces.  Attributes and items in fields go
 * through the sandbox's rules like everywhere else. */
#include "text/template_format.h"

#include "text/template_filters.h"

struct braces {
    struct run        *r;
    const struct args *args;
    int64_t            next;       /* automatic numbering; -1: manual */
    bool               markup;
};

static bool error(struct braces *b, const char *what)
{
    run_error(b->r, "%s", what);
    return false;
}

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

/* The argument a field begins with. */
static bool first_value(struct braces *b, struct slice name, bool whole,
                        struct val *out)
{
    int64_t i = 0;
    if (all_digits(name) || (name.len == 0 && whole)) {
        if ((name.len == 0) != (b->next >= 0) && b->next != 0)
            return error(b, "cannot switch between manual and automatic field"
                            " numbering");
        if (name.len == 0)
            i = b->next++;
        else if (b->next = -1, text_to_whole(name, 10, &i) != WHOLE_OK)
            return error(b, "Too many decimal digits in format string");
        if ((uint64_t)i >= b->args->n)
            return error(b, "Replacement index out of range for positional"
                            " args tuple");
        *out = b->args->at[i];
        return true;
    }
    for (size_t k = 0; k < b->args->n_kw; k++)
        if (slice_eq(val_slice(b->args->kw[k].name), name)) {
            *out = b->args->kw[k].value;
            return true;
        }
    run_error(b->r, "KeyError: '%.*s'", (int)(name.len < 100 ? name.len : 100),
              name.at);
    return false;
}

/* .name or [key] behind the first part. */
static bool step(struct braces *b, struct slice *rest, struct val *v)
{
    bool attr = rest->at[0] == '.';
    struct slice body = slice_from(*rest, 1);
    size_t end = 0;
    while (end < body.len && (attr ? body.at[end] != '.' && body.at[end] != '['
                                   : body.at[end] != ']'))
        end++;
    if (!attr && end == body.len)
        return error(b, "Missing ']' in format string");
    struct slice name = { body.at, end };
    if (name.len == 0)
        return error(b, "Empty attribute in format string");
    *rest = slice_from(body, attr ? end : end + 1);
    if (!attr && rest->len > 0 && rest->at[0] != '.' && rest->at[0] != '[')
        return error(b, "Only '.' or '[' may follow ']' in format field"
                        " specifier");
    int64_t i = 0;
    struct val key;
    if (!attr && all_digits(name) && text_to_whole(name, 10, &i) == WHOLE_OK)
        key = val_int(i);
    else
        key = str_share(b->r, name);
    if (!val_failed(key))
        key = attr ? get_attr(b->r, *v, key) : get_item(b->r, *v, key);
    *v = key;
    return !val_failed(key);
}

static bool field_value(struct braces *b, struct slice field, struct val *out)
{
    size_t end = 0;
    while (end < field.len && field.at[end] != '.' && field.at[end] != '[')
        end++;
    struct slice rest = slice_from(field, end);
    if (!first_value(b, (struct slice){ field.at, end }, rest.len == 0, out))
        return false;
    while (rest.len > 0)
        if (!step(b, &rest, out))
            return false;
    return true;
}

/* A replacement field split up. */
struct field {
    struct slice name, spec;
    char         conversion;     /* 0: none */
};

/* The field whose '{' stands before `s`; *len: bytes up to and with its '}'. */
static bool split_field(struct braces *b, struct slice s, struct field *out,
                        size_t *len)
{
    size_t i = 0, depth = 1, brackets = 0;
    *out = (struct field){ 0 };
    while (i < s.len && (brackets > 0 || strchr("}:!", s.at[i]) == NULL
                         || s.at[i] == '\0')) {
        if (s.at[i] == '{')
            return error(b, "unexpected '{' in field name");
        brackets = s.at[i] == '[' ? 1 : s.at[i] == ']' ? 0 : brackets;
        i++;
    }
    out->name = (struct slice){ s.at, i };
    if (i < s.len && s.at[i] == '!') {
        if (i + 2 >= s.len || (s.at[i + 2] != '}' && s.at[i + 2] != ':'))
            return error(b, "expected ':' after conversion specifier");
        out->conversion = s.at[i + 1];
        i += 2;
    }
    size_t from = i + 1;
    if (i < s.len && s.at[i] == ':')
        for (i++; i < s.len; i++) {
            depth += s.at[i] == '{';
            depth -= s.at[i] == '}';
            if (depth == 0)
                break;
        }
    if (i >= s.len)
        return error(b, "expected '}' before end of string");
    if (i > from)
        out->spec = (struct slice){ s.at + from, i - from };
    *len = i + 1;
    return true;
}

static bool convert(struct braces *b, char how, struct val *v)
{
    if (how == 0)
        return true;
    if (how == 's')
        *v = val_to_str(b->r, *v);
    else if (how == 'r' || how == 'a')
        *v = val_repr(b->r, *v);
    else
        return error(b, "Unknown conversion specifier");
    return !val_failed(*v);
}

static struct val expand(struct braces *b, struct slice s, int depth);

static bool put_field(struct braces *b, struct build *out,
                      const struct field *f, int depth)
{
    struct val v, spec, text;
    if (!field_value(b, f->name, &v) || !convert(b, f->conversion, &v))
        return false;
    spec = expand(b, f->spec, depth - 1);
    if (val_failed(spec))
        return false;
    if (b->markup && val_is_markup(v)) {
        if (spec.str->len > 0)
            return error(b, "Unsupported format specification for Markup.");
        text = v;
    } else {
        text = format_value(b->r, v, val_slice(spec));
        if (b->markup && !val_failed(text))
            text = str_escape(b->r, text);
    }
    if (val_failed(text))
        return false;
    build_put(out, val_slice(text));
    return true;
}

/* Text with its fields replaced; fields in specifications nest once. */
static struct val expand(struct braces *b, struct slice s, int depth)
{
    struct build out;
    build_begin(&out, b->r);
    if (depth < 0)
        error(b, "Max string recursion exceeded");
    for (size_t i = 0; i < s.len && b->r->err == ERR_OK;) {
        char c = s.at[i];
        if (c != '{' && c != '}') {
            size_t from = i;
            while (i < s.len && s.at[i] != '{' && s.at[i] != '}')
                i++;
            build_put(&out, (struct slice){ s.at + from, i - from });
            continue;
        }
        if (i + 1 < s.len && s.at[i + 1] == c) {
            build_put(&out, (struct slice){ s.at + i, 1 });
            i += 2;
            continue;
        }
        struct field f;
        size_t len = 0;
        if (c == '}' || i + 1 == s.len)
            error(b, c == '}' ? "Single '}' encountered in format string"
                              : "Single '{' encountered in format string");
        else if (split_field(b, slice_from(s, i + 1), &f, &len)
                 && run_steps(b->r, 1))
            put_field(b, &out, &f, depth);
        i += len + 1;
    }
    return build_end(&out);
}

struct val format_braces(struct run *r, struct val format,
                         const struct args *args)
{
    struct braces b = { .r = r, .args = args,
                        .markup = val_is_markup(format) };
    return str_like(expand(&b, val_slice(format), 2), format);
}
