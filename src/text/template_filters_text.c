/* Filters on text.  Most take any value and make it a string first; markup
 * stays markup where Jinja says soft_str and becomes plain where it says str.
 */
#include "text/template_filters.h"
#include "text/template_str.h"

struct val f_lower(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    return val_failed(v) ? v : str_case(r, v, CASE_LOWER);
}

struct val f_upper(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    return val_failed(v) ? v : str_case(r, v, CASE_UPPER);
}

struct val f_capitalize(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    return val_failed(v) ? v : str_case(r, v, CASE_CAPITAL);
}

/* A word begins behind a run of - spaces ( { [ <. */
static size_t word_break(struct slice s)
{
    if (s.len > 0 && s.at[0] != '\0' && strchr("-({[<", s.at[0]) != NULL)
        return 1;
    return text_space_len(s);
}

static void put_title_word(struct build *b, struct slice word)
{
    uint32_t cp, up[3];
    size_t len = utf8_decode(word, &cp, NULL), n = unicode_upper(cp, up);
    for (size_t i = 0; i < n; i++)
        build_cp(b, up[i]);
    put_case(b, slice_from(word, len), CASE_LOWER);
}

struct val f_title(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    struct build b;
    if (val_failed(v))
        return v;
    struct slice s = val_slice(v);
    build_begin(&b, r);
    for (size_t at = 0; at < s.len && r->err == ERR_OK;) {
        size_t n = word_break(slice_from(s, at)), end = at;
        if (n > 0) {
            strbuf_put(&b.buf, (struct slice){ s.at + at, n });
            at += n;
            continue;
        }
        while (end < s.len && word_break(slice_from(s, end)) == 0)
            end++;
        put_title_word(&b, (struct slice){ s.at + at, end - at });
        at = end;
    }
    return build_end(&b);
}

struct val f_trim(struct run *r, const struct call *c)
{
    struct call strip = *c;
    strip.self = val_soft_str(r, c->self);
    return val_failed(strip.self) ? strip.self : s_strip(r, &strip);
}

struct val f_replace(struct run *r, const struct call *c)
{
    int64_t most = -1;
    struct val s = val_to_str(r, c->self);
    struct val from = val_failed(s) ? s : val_to_str(r, c->arg[0]);
    struct val to = val_failed(from) ? from : val_to_str(r, c->arg[1]);
    if (val_failed(to)
        || (val_given(c->arg[2]) && !to_index(r, c->arg[2], &most)))
        return val_of_kind(VAL_FAIL);
    return str_replace(r, s, val_slice(from), val_slice(to),
                       most < 0 ? -1 : most);
}

struct val f_center(struct run *r, const struct call *c)
{
    int64_t width = 80;
    struct val v = val_soft_str(r, c->self), space = str_share(r, SLICE(" "));
    if (val_failed(v) || val_failed(space)
        || (c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &width)))
        return val_of_kind(VAL_FAIL);
    return str_pad(r, v, width, space, 1);
}

/* ---- indent ---- */

static bool read_indention(struct run *r, const struct call *c, struct val *out)
{
    int64_t n = 4;
    if (c->arg[0].kind == VAL_STR) {
        *out = c->arg[0];
        return true;
    }
    if (c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &n))
        return false;
    struct val space = str_share(r, SLICE(" "));
    *out = val_failed(space) ? space : str_repeat(r, space, n);
    return !val_failed(*out);
}

/* Lines are split as str.splitlines does, so that other line breaks than \n
 * turn into \n; the newline Jinja appends keeps the last line, empty or not. */
struct val f_indent(struct run *r, const struct call *c)
{
    struct val indention, s = c->self;
    bool first = arg_true(c->arg[1], false), blank = arg_true(c->arg[2], false);
    struct build b;
    if (!read_indention(r, c, &indention))
        return val_of_kind(VAL_FAIL);
    if (s.kind != VAL_STR)
        return val_binary(r, OP_ADD, s, str_share(r, SLICE("\n")));
    if (val_is_markup(s))
        indention = str_escape(r, indention);
    struct val lines = val_failed(indention) ? indention
        : split_lines(r, str_concat(r, s, str_share(r, SLICE("\n"))), false);
    if (val_failed(lines))
        return lines;
    build_begin(&b, r);
    for (size_t i = 0; i < lines.list->n; i++) {
        struct slice line = val_slice(lines.list->at[i]);
        if (i > 0)
            build_put(&b, SLICE("\n"));
        if (i == 0 ? first : blank || line.len > 0)
            build_put(&b, val_slice(indention));
        build_put(&b, line);
    }
    return str_like(build_end(&b), s);
}

/* ---- truncate, wordcount ---- */

/* Without the last word: up to the last space, if there is one. */
static struct val drop_word(struct run *r, struct val v)
{
    struct slice s = val_slice(v);
    size_t at = s.len;
    while (at > 0 && s.at[at - 1] != ' ')
        at--;
    return at > 0 ? str_like(str_part(r, v, 0, at - 1), v) : v;
}

struct val f_truncate(struct run *r, const struct call *c)
{
    int64_t length = 255, leeway = 5;
    struct val end = c->arg[2], s = c->self;
    if (end.kind == VAL_MISSING)
        end = str_share(r, SLICE("..."));
    if ((c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &length))
        || (val_given(c->arg[3]) && !to_index(r, c->arg[3], &leeway))
        || val_failed(end))
        return val_of_kind(VAL_FAIL);
    int64_t n = val_len(r, s), n_end = val_len(r, end);
    if (n < 0 || n_end < 0)
        return n == -2 ? val_of_kind(VAL_FAIL)
                       : run_error(r, "truncate needs a string");
    if (length < n_end || leeway < 0)
        return run_error(r, "expected length >= %lld and leeway >= 0",
                         (long long)n_end);
    if (n <= length + leeway)
        return s;
    struct val part[3] = { val_none(), val_int(length - n_end), val_none() };
    struct val cut = get_slice(r, s, part);
    if (val_failed(cut))
        return cut;
    if (!arg_true(c->arg[1], false)) {
        if (cut.kind != VAL_STR)
            return run_error(r, "truncate needs a string");
        cut = drop_word(r, cut);
    }
    return val_failed(cut) ? cut : val_binary(r, OP_ADD, cut, end);
}

struct val f_wordcount(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    int64_t n = 0;
    bool in_word = false;
    if (val_failed(v) || !run_bytes(r, 4 * v.str->len))
        return val_of_kind(VAL_FAIL);
    struct slice s = val_slice(v);
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        at += utf8_decode(slice_from(s, at), &cp, NULL);
        bool word = text_is_word(cp);
        n += word && !in_word;
        in_word = word;
    }
    return val_int(n);
}

/* ---- for the web ---- */

static bool is_unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-'
        || c == '~';
}

/* Percent-encoding of UTF-8; in a query a space is a plus and / is escaped. */
static void put_quoted(struct build *b, struct slice s, bool query)
{
    if (!run_bytes(b->r, 4 * s.len))
        return;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (is_unreserved(c) || (c == '/' && !query))
            strbuf_putc(&b->buf, (char)c);
        else if (c == ' ' && query)
            strbuf_putc(&b->buf, '+');
        else
            strbuf_printf(&b->buf, "%%%02X", c);
    }
}

static bool put_query_pair(struct build *b, struct val pair)
{
    struct val parts = val_to_list(b->r, pair);
    if (val_failed(parts))
        return false;
    if (parts.list->n != 2)
        return run_refuse(b->r, "expected pairs");
    for (int i = 0; i < 2; i++) {
        struct val text = val_to_str(b->r, parts.list->at[i]);
        if (val_failed(text))
            return false;
        if (i > 0)
            strbuf_putc(&b->buf, '=');
        put_quoted(b, val_slice(text), true);
    }
    return true;
}

struct val f_urlencode(struct run *r, const struct call *c)
{
    struct val v = c->self, item;
    struct build b;
    bool first = true;
    if (v.kind == VAL_STR || !val_iterable(v)) {
        v = val_to_str(r, v);
        build_begin(&b, r);
        if (!val_failed(v))
            put_quoted(&b, val_slice(v), false);
        return build_end(&b);
    }
    if (v.kind == VAL_DICT)
        v = (struct val){ .kind = VAL_VIEW, .flag = VIEW_ITEMS,
                          .dict = v.dict };
    struct iter *it = iter_open(r, v);
    build_begin(&b, r);
    while (it != NULL && iter_next(r, it, &item) > 0) {
        if (!first)
            strbuf_putc(&b.buf, '&');
        first = false;
        if (!put_query_pair(&b, item))
            break;
    }
    return build_end(&b);
}

static bool is_attribute_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != '\0' && strchr(" \t\n\r\f\v/>=", s.at[i]) != NULL)
            return false;
    return true;
}

struct val f_xmlattr(struct run *r, const struct call *c)
{
    struct build b;
    bool first = true;
    if (c->self.kind != VAL_DICT)
        return c->self.kind == VAL_UNDEF ? run_undefined(r, c->self)
            : run_error(r, "'%s' object has no attribute 'items'",
                        val_type_name(c->self));
    build_begin(&b, r);
    for (uint32_t i = 0; i < c->self.dict->n && r->err == ERR_OK; i++) {
        struct val key = c->self.dict->at[i].key, v = c->self.dict->at[i].value;
        if (v.kind == VAL_NONE || v.kind == VAL_UNDEF)
            continue;
        if (key.kind != VAL_STR
            || !is_attribute_name(val_slice(key))) {
            run_error(r, "Invalid character in attribute name");
            break;
        }
        key = str_escape(r, key);
        v = val_failed(key) ? key : str_escape(r, v);
        if (val_failed(v))
            break;
        if (!first || arg_true(c->arg[0], true))
            build_put(&b, SLICE(" "));
        first = false;
        build_put(&b, val_slice(key));
        build_put(&b, SLICE("=\""));
        build_put(&b, val_slice(v));
        build_put(&b, SLICE("\""));
    }
    return build_end(&b);
}

/* Text without tags and with single spaces. */
struct val f_striptags(struct run *r, const struct call *c)
{
    struct val v = val_to_str(r, c->self);
    struct build b;
    if (val_failed(v) || !run_bytes(r, 4 * v.str->len))
        return val_of_kind(VAL_FAIL);
    struct slice s = val_slice(v);
    size_t at = 0;
    build_begin(&b, r);
    while (at < s.len) {
        size_t open = slice_find(s, SLICE("<"), at);
        bool comment = slice_starts(slice_from(s, open), SLICE("<!--"));
        struct slice close = comment ? SLICE("-->") : SLICE(">");
        size_t from = open + (comment ? 4 : 0);
        size_t end = open < s.len && from <= s.len ? slice_find(s, close, from)
                                                   : s.len;
        if (end == s.len)
            break;
        build_put(&b, (struct slice){ s.at + at, open - at });
        at = end + close.len;
    }
    build_put(&b, slice_from(s, at));
    v = build_end(&b);
    if (!val_failed(v) && slice_find(val_slice(v), SLICE("&"), 0) < v.str->len)
        return run_error(r, "striptags of text with '&' is not supported");
    struct val words = call_str_method(r, v, "split");
    struct call join = { .self = str_share(r, SLICE(" ")), .arg = { words } };
    return val_failed(words) ? words : s_join(r, &join);
}

static struct val not_supported(struct run *r, const struct call *c)
{
    return run_error(r, "the filter '%s' is not supported", c->row->name);
}

struct val f_urlize(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}

struct val f_wordwrap(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}

struct val f_pprint(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}
