/* Methods of strings: case, classes of characters, padding; and the table of
 * all of them.
 *
 * Case is Python's: full mappings (one letter may become three), a capital
 * sigma by its place in the word, title case for letters that have one.  The
 * classes ask the Unicode tables, not the C library, whose answers depend on
 * the locale. */
#include "text/template_str.h"

/* ---- case ---- */

static bool is_cased(uint32_t cp)
{
    return unicode_has(cp, UNICODE_PROP_CASED);
}

/* Whether a capital sigma at `at` ends a word: cased letters before it and none
 * after it, what is case-ignorable passed over. */
static bool is_final_sigma(struct slice s, size_t at, size_t len)
{
    uint32_t cp;
    size_t i = at;
    bool before = false;
    while (i > 0) {
        i -= text_last_len((struct slice){ s.at, i });
        utf8_decode(slice_from(s, i), &cp, NULL);
        if (!unicode_has(cp, UNICODE_PROP_CASE_IGNORABLE)) {
            before = is_cased(cp);
            break;
        }
    }
    for (i = at + len; before && i < s.len;) {
        i += utf8_decode(slice_from(s, i), &cp, NULL);
        if (!unicode_has(cp, UNICODE_PROP_CASE_IGNORABLE))
            return !is_cased(cp);
    }
    return before;
}

static size_t lower_at(struct slice s, size_t at, size_t len, uint32_t cp,
                       uint32_t out[3])
{
    if (cp == 0x3A3) {
        out[0] = is_final_sigma(s, at, len) ? 0x3C2 : 0x3C3;
        return 1;
    }
    return unicode_lower(cp, out);
}

/* Where a letter goes: the mapping for the character at `at`. */
static size_t map_case(struct slice s, size_t at, enum str_case to,
                       bool in_word, uint32_t out[3])
{
    uint32_t cp;
    size_t len = utf8_decode(slice_from(s, at), &cp, NULL);

    switch (to) {
    case CASE_UPPER:   return unicode_upper(cp, out);
    case CASE_FOLD:    return unicode_fold(cp, out);
    case CASE_TITLE:
        return in_word ? lower_at(s, at, len, cp, out) : unicode_title(cp, out);
    case CASE_CAPITAL:
        return at > 0 ? lower_at(s, at, len, cp, out) : unicode_title(cp, out);
    case CASE_SWAP:
        if (unicode_has(cp, UNICODE_PROP_UPPERCASE))
            return lower_at(s, at, len, cp, out);
        if (unicode_has(cp, UNICODE_PROP_LOWERCASE))
            return unicode_upper(cp, out);
        out[0] = cp;
        return 1;
    default:           return lower_at(s, at, len, cp, out);
    }
}

void put_case(struct build *b, struct slice s, enum str_case to)
{
    bool in_word = false;
    if (!run_bytes(b->r, 8 * s.len))
        return;
    for (size_t at = 0; at < s.len;) {
        uint32_t cp, out[3];
        size_t len = utf8_decode(slice_from(s, at), &cp, NULL);
        size_t n = map_case(s, at, to, in_word, out);
        for (size_t i = 0; i < n; i++)
            build_cp(b, out[i]);
        in_word = is_cased(cp);
        at += len;
    }
}

struct val str_case(struct run *r, struct val of, enum str_case to)
{
    struct build b;
    build_begin(&b, r);
    put_case(&b, val_slice(of), to);
    return str_like(build_end(&b), of);
}

struct val s_lower(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_LOWER);
}

struct val s_upper(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_UPPER);
}

struct val s_title(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_TITLE);
}

struct val s_capitalize(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_CAPITAL);
}

struct val s_casefold(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_FOLD);
}

struct val s_swapcase(struct run *r, const struct call *c)
{
    return str_case(r, c->self, CASE_SWAP);
}

/* ---- classes ---- */

/* isalpha and its kin: every character, and at least one unless `empty`. */
static struct val all_are(struct run *r, const struct call *c,
                          bool (*is)(uint32_t), bool empty)
{
    struct slice s = val_slice(c->self);
    if (!run_bytes(r, 8 * s.len))
        return val_of_kind(VAL_FAIL);
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        at += utf8_decode(slice_from(s, at), &cp, NULL);
        if (!is(cp))
            return val_bool(false);
    }
    return val_bool(s.len > 0 || empty);
}

static bool is_alnum(uint32_t cp)
{
    return unicode_is_alnum_python(cp);
}

static bool is_alpha(uint32_t cp)
{
    return unicode_is_alpha_python(cp);
}

static bool is_ascii(uint32_t cp)
{
    return cp < 0x80;
}

static bool is_decimal(uint32_t cp)
{
    return unicode_is_decimal_python(cp);
}

static bool is_printable(uint32_t cp)
{
    return unicode_is_printable_python(cp);
}

static bool is_space(uint32_t cp)
{
    return unicode_is_space_python(cp);
}

struct val s_isalnum(struct run *r, const struct call *c)
{
    return all_are(r, c, is_alnum, false);
}

struct val s_isalpha(struct run *r, const struct call *c)
{
    return all_are(r, c, is_alpha, false);
}

struct val s_isascii(struct run *r, const struct call *c)
{
    return all_are(r, c, is_ascii, true);
}

struct val s_isdecimal(struct run *r, const struct call *c)
{
    return all_are(r, c, is_decimal, false);
}

struct val s_isdigit(struct run *r, const struct call *c)
{
    return all_are(r, c, unicode_is_digit_python, false);
}

struct val s_isnumeric(struct run *r, const struct call *c)
{
    return all_are(r, c, unicode_is_numeric_python, false);
}

struct val s_isprintable(struct run *r, const struct call *c)
{
    return all_are(r, c, is_printable, true);
}

struct val s_isspace(struct run *r, const struct call *c)
{
    return all_are(r, c, is_space, false);
}

struct val s_isidentifier(struct run *r, const struct call *c)
{
    struct slice s = val_slice(c->self);
    bool digit = s.len > 0 && s.at[0] >= '0' && s.at[0] <= '9';
    struct val words = all_are(r, c, text_is_word, false);
    return digit && !val_failed(words) ? val_bool(false) : words;
}

/* islower, isupper: some letter of this case and none of the others. */
static struct val all_cased(struct run *r, const struct call *c,
                            enum unicode_prop want, enum unicode_prop other)
{
    struct slice s = val_slice(c->self);
    bool some = false;
    if (!run_bytes(r, 8 * s.len))
        return val_of_kind(VAL_FAIL);
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        at += utf8_decode(slice_from(s, at), &cp, NULL);
        if (unicode_has(cp, other) || unicode_gc(cp) == UNICODE_Lt)
            return val_bool(false);
        some = some || unicode_has(cp, want);
    }
    return val_bool(some);
}

struct val s_islower(struct run *r, const struct call *c)
{
    return all_cased(r, c, UNICODE_PROP_LOWERCASE, UNICODE_PROP_UPPERCASE);
}

struct val s_isupper(struct run *r, const struct call *c)
{
    return all_cased(r, c, UNICODE_PROP_UPPERCASE, UNICODE_PROP_LOWERCASE);
}

/* Capitals only at the beginnings of words, and nothing else there. */
struct val s_istitle(struct run *r, const struct call *c)
{
    struct slice s = val_slice(c->self);
    bool some = false, in_word = false;
    if (!run_bytes(r, 8 * s.len))
        return val_of_kind(VAL_FAIL);
    for (size_t at = 0; at < s.len;) {
        uint32_t cp;
        at += utf8_decode(slice_from(s, at), &cp, NULL);
        bool big = unicode_has(cp, UNICODE_PROP_UPPERCASE)
                || unicode_gc(cp) == UNICODE_Lt;
        bool small = unicode_has(cp, UNICODE_PROP_LOWERCASE);
        if ((big && in_word) || (small && !in_word))
            return val_bool(false);
        some = some || big || small;
        in_word = big || small;
    }
    return val_bool(some);
}

/* ---- padding ---- */

struct val str_pad(struct run *r, struct val of, int64_t width,
                   struct val fill, int left_halves)
{
    int64_t n = (int64_t)of.str->chars, pad = width > n ? width - n : 0;
    /* Python's centring: the odd one goes left when the width is odd. */
    int64_t left = left_halves == 1 ? pad / 2 + (pad & width & 1)
                                    : left_halves == 2 ? pad : 0;
    if (pad == 0)
        return of;
    struct val before = str_repeat(r, fill, left);
    struct val after = val_failed(before) ? before
                                          : str_repeat(r, fill, pad - left);
    if (val_failed(after))
        return after;
    return str_like(str_concat(r, str_concat(r, before, of), after), of);
}

static struct val justify(struct run *r, const struct call *c, int left_halves)
{
    int64_t width;
    struct val fill = c->arg[1];
    if (fill.kind == VAL_MISSING)
        fill = str_share(r, SLICE(" "));
    if (val_failed(fill) || !to_index(r, c->arg[0], &width))
        return val_of_kind(VAL_FAIL);
    if (val_is_markup(c->self))
        fill = str_escape(r, fill);
    if (fill.kind != VAL_STR || fill.str->chars != 1)
        return run_error(r, "The fill character must be exactly one character"
                            " long");
    return str_pad(r, c->self, width, fill, left_halves);
}

struct val s_ljust(struct run *r, const struct call *c)
{
    return justify(r, c, 0);
}

struct val s_center(struct run *r, const struct call *c)
{
    return justify(r, c, 1);
}

struct val s_rjust(struct run *r, const struct call *c)
{
    return justify(r, c, 2);
}

/* Zeros go between the sign and the rest. */
struct val s_zfill(struct run *r, const struct call *c)
{
    struct slice s = val_slice(c->self);
    int64_t width;
    if (!to_index(r, c->arg[0], &width))
        return val_of_kind(VAL_FAIL);
    size_t sign = s.len > 0 && (s.at[0] == '-' || s.at[0] == '+');
    struct val zeros = str_repeat(r, str_share(r, SLICE("0")),
                                  width - (int64_t)c->self.str->chars);
    struct val head = str_part(r, c->self, 0, sign);
    struct val tail = str_part(r, c->self, sign, s.len);
    if (val_failed(zeros) || val_failed(head) || val_failed(tail))
        return val_of_kind(VAL_FAIL);
    struct val v = str_concat(r, head, zeros);
    return val_failed(v) ? v : str_like(str_concat(r, v, tail), c->self);
}

/* Columns count from the last line break. */
struct val s_expandtabs(struct run *r, const struct call *c)
{
    struct slice s = val_slice(c->self);
    int64_t tab = 8, column = 0;
    struct build b;
    if (c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &tab))
        return val_of_kind(VAL_FAIL);
    build_begin(&b, r);
    for (size_t i = 0; i < s.len && r->err == ERR_OK && !b.buf.failed; i++) {
        char ch = s.at[i];
        if (ch != '\t') {
            strbuf_putc(&b.buf, ch);
            column = ch == '\n' || ch == '\r' ? 0
                   : column + (((unsigned char)ch & 0xC0) != 0x80);
            continue;
        }
        int64_t n = tab > 0 ? tab - column % tab : 0;
        column += n;
        while (n-- > 0 && !b.buf.failed && run_steps(r, 1))
            strbuf_putc(&b.buf, ' ');
    }
    return str_like(build_end(&b), c->self);
}

/* ---- formatting, and what has no use in a prompt ---- */

struct val s_format(struct run *r, const struct call *c)
{
    return format_braces(r, c->self, c->args);
}

struct val s_format_map(struct run *r, const struct call *c)
{
    static const struct dict none = { 0 };   /* an error when it is asked */
    const struct dict *d = c->arg[0].kind == VAL_DICT ? c->arg[0].dict : &none;
    struct keyword *kw = run_take(r, d->n + 1, sizeof *kw);
    if (kw == NULL)
        return val_of_kind(VAL_FAIL);
    size_t n = 0;
    for (uint32_t i = 0; i < d->n; i++)
        if (d->at[i].key.kind == VAL_STR)
            kw[n++] = (struct keyword){ d->at[i].key, d->at[i].value };
    struct args args = { .kw = kw, .n_kw = n };
    return format_braces(r, c->self, &args);
}

static struct val not_supported(struct run *r, const struct call *c)
{
    return run_error(r, "str.%s() is not supported", c->row->name);
}

struct val s_encode(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}

struct val s_maketrans(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}

struct val s_translate(struct run *r, const struct call *c)
{
    return not_supported(r, c);
}

struct table table_str_methods(void)
{
    static const struct builtin rows[] = {
#define X(name, params) { #name, s_##name, params },
        STR_METHOD_LIST(X)
#undef X
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}

struct val call_str_method(struct run *r, struct val s, const char *name)
{
    struct args none = { 0 };
    if (val_failed(s))
        return s;
    return call_row(r, table_find(table_str_methods(), slice_of(name)), s,
                    &none);
}
