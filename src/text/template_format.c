/* One value by one format specification.
 *
 * `%` and str.format have the same fields under other letters; both fill a
 * struct spec and come here.  Numbers are put together from sign, prefix and
 * digits, as zeros go between them and other fill characters in front.  The C
 * library formats the digits of floats: it rounds exactly, as Python does; its
 * decimal point is the locale's and is put right afterwards. */
#include "text/template_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH_MAX = 1 << 20, PRECISION_MAX = 1000 };

/* ---- reading a specification ---- */

static bool is_align(char c)
{
    return c == '<' || c == '>' || c == '^' || c == '=';
}

static bool read_number(struct run *r, struct slice *s, int64_t *out)
{
    size_t n = 0;
    int64_t v = 0;
    while (n < s->len && s->at[n] >= '0' && s->at[n] <= '9' && v < WIDTH_MAX)
        v = v * 10 + (s->at[n++] - '0');
    if (v >= WIDTH_MAX) {
        run_fail(r, ERR_LIMIT, "a width or precision above %d", WIDTH_MAX);
        return false;
    }
    if (n > 0)
        *out = v;
    *s = slice_from(*s, n);
    return true;
}

static bool take(struct slice *s, char c)
{
    if (s->len == 0 || s->at[0] != c)
        return false;
    *s = slice_from(*s, 1);
    return true;
}

/* A fill character counts only when an alignment follows it. */
static void read_align(struct slice *s, struct spec *out)
{
    uint32_t cp;
    if (s->len == 0)
        return;
    size_t n = utf8_decode(*s, &cp, NULL);
    if (n < s->len && is_align(s->at[n])) {
        out->fill = cp;
        out->align = s->at[n];
        *s = slice_from(*s, n + 1);
    } else if (is_align(s->at[0])) {
        out->align = s->at[0];
        *s = slice_from(*s, 1);
    }
}

bool spec_read(struct run *r, struct slice text, struct spec *out)
{
    struct slice s = text;
    *out = (struct spec){ .fill = ' ', .precision = -1 };
    read_align(&s, out);
    bool has_fill = text.len - s.len > 1;    /* not the alignment alone */
    if (take(&s, '+'))
        out->sign = '+';
    else if (take(&s, ' '))
        out->sign = ' ';
    else if (take(&s, '-'))
        out->sign = '-';
    out->alternate = take(&s, '#');
    if (take(&s, '0')) {
        out->fill = has_fill ? out->fill : '0';
        out->align = out->align != 0 ? out->align : '=';
    }
    if (!read_number(r, &s, &out->width))
        return false;
    if (take(&s, ','))
        out->group = ',';
    else if (take(&s, '_'))
        out->group = '_';
    if (take(&s, '.')) {
        if (!read_number(r, &s, &out->precision))
            return false;
        if (out->precision < 0)
            return run_refuse(r, "Format specifier missing"
                                            " precision");
    }
    if (s.len == 1)
        out->type = s.at[0];
    if (s.len > 1)
        run_error(r, "Invalid format specifier");
    return s.len <= 1;
}

/* ---- padding ---- */

bool put_padded(struct build *b, const struct spec *s, struct slice text,
                char align)
{
    int64_t n = (int64_t)text_chars(text);
    int64_t pad = s->width > n ? s->width - n : 0;
    int64_t left = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
    if (!run_steps(b->r, (size_t)pad / 16 + 1))
        return false;
    for (int64_t i = 0; i < left; i++)
        build_cp(b, s->fill);
    build_put(b, text);
    for (int64_t i = left; i < pad; i++)
        build_cp(b, s->fill);
    return b->r->err == ERR_OK;
}

bool put_text(struct build *b, const struct spec *s, struct slice text)
{
    if (s->precision >= 0)
        text.len = text_offset(text, (size_t)s->precision);
    return put_padded(b, s, text, s->align != 0 ? s->align : '<');
}

/* A number in parts: sign and prefix stay in front of the zeros. */
static bool put_parts(struct build *b, const struct spec *s, const char *sign,
                      struct slice digits)
{
    char align = s->align != 0 ? s->align : '>';
    struct strbuf all = { 0 };
    struct slice head = slice_of(sign);
    bool ok = true;
    if (align == '=') {
        struct spec rest = *s;
        rest.width -= (int64_t)head.len;
        build_put(b, head);
        return put_padded(b, &rest, digits, '>');
    }
    strbuf_put(&all, head);
    strbuf_put(&all, digits);
    if (all.failed)
        ok = b->buf.failed = true;
    else
        ok = put_padded(b, s, strbuf_slice(&all), align);
    strbuf_drop(&all);
    return ok;
}

static const char *sign_text(const struct spec *s, bool minus)
{
    return minus ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
}

/* Put `group` between every `each` digits of the whole part, after filling
 * with zeros to the width when zeros fill. */
static void put_grouped(struct strbuf *out, struct slice digits, char group,
                        int each, int64_t width)
{
    int64_t n = (int64_t)digits.len, zeros = 0;
    while (n + zeros + (n + zeros - 1) / each < width)
        zeros++;
    /* A separator is never first: one more zero goes in front of it. */
    for (int64_t i = 0; i < n + zeros; i++) {
        if (i > 0 && (n + zeros - i) % each == 0)
            strbuf_putc(out, group);
        strbuf_putc(out, i < zeros ? '0' : digits.at[i - zeros]);
    }
}

/* ---- integers ---- */

/* %c and {:c}: a code point. */
static bool put_char(struct build *b, const struct spec *s, int64_t v)
{
    char utf8[4];
    if (v < 0 || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return run_refuse(b->r, "%%c arg not in range(0x110000)");
    size_t n = utf8_encode(utf8, (uint32_t)v);
    return put_padded(b, s, (struct slice){ utf8, n },
                      s->align != 0 ? s->align : '<');
}

bool put_whole(struct build *b, const struct spec *s, int64_t v)
{
    static const struct { char type; int base; const char *prefix; } bases[] = {
        { 'b', 2, "0b" }, { 'o', 8, "0o" }, { 'x', 16, "0x" }, { 'X', 16, "0X" }
    };
    char digits[72], head[8];
    int base = 10, n = 0;
    const char *prefix = "";
    if (s->type == 'c')
        return put_char(b, s, v);
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        if (bases[i].type == s->type) {
            base = bases[i].base;
            prefix = bases[i].prefix;
        }
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    const char *letters = s->type == 'X' ? "0123456789ABCDEF"
                                         : "0123456789abcdef";
    do
        digits[71 - n++] = letters[u % (uint64_t)base];
    while ((u /= (uint64_t)base) > 0);
    snprintf(head, sizeof head, "%s%s", sign_text(s, v < 0),
             s->alternate ? prefix : "");
    struct strbuf all = { 0 };
    struct slice text = { digits + 72 - n, (size_t)n };
    for (int64_t i = n; i < s->precision; i++)     /* %.5d */
        strbuf_putc(&all, '0');
    if (s->group != 0)
        put_grouped(&all, text, s->group, base == 10 ? 3 : 4,
                    s->align == '=' && s->fill == '0'
                        ? s->width - (int64_t)strlen(head) : 0);
    else
        strbuf_put(&all, text);
    bool ok = !all.failed;
    if (ok)
        ok = put_parts(b, s, head, strbuf_slice(&all));
    else
        b->buf.failed = true;
    strbuf_drop(&all);
    return ok;
}

/* ---- floats ---- */

/* printf with the C locale's point. */
static void put_c_number(struct strbuf *out, const char *form, int precision,
                         double v)
{
    char text[1500];
    int n = snprintf(text, sizeof text, form, precision, v);
    if (n < 0 || (size_t)n >= sizeof text) {
        out->failed = true;
        return;
    }
    for (int i = 0; i < n; i++)
        if (strchr("0123456789+-eEinfaNFA", text[i]) == NULL)
            text[i] = '.';
    strbuf_put(out, (struct slice){ text, (size_t)n });
}

void put_fixed(struct strbuf *out, double v, int digits)
{
    put_c_number(out, "%.*f", digits, v);
}

/* Digits of |v| by type. */
static void put_digits(struct strbuf *out, const struct spec *s, double v)
{
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    char type = s->type == 'n' ? 'g' : s->type;
    if (type == 0 && s->precision < 0) {
        put_float(out, v);
        return;
    }
    if (type == '%') {
        put_fixed(out, v * 100, precision);
        strbuf_putc(out, '%');
        return;
    }
    char form[8];
    snprintf(form, sizeof form, "%%%s.*%c", s->alternate ? "#" : "",
             type == 0 ? 'g' : type);
    put_c_number(out, form, precision, v);
    if (type == 0 && isfinite(v)
        && strspn(strbuf_cstr(out), "0123456789") == out->len)
        strbuf_puts(out, ".0");
}

bool put_real(struct build *b, const struct spec *s, double v)
{
    struct strbuf digits = { 0 }, all = { 0 };
    const char *sign = sign_text(s, signbit(v) && !isnan(v));
    if (s->precision > PRECISION_MAX)
        return !val_failed(run_fail(b->r, ERR_LIMIT, "a precision above %d",
                                    PRECISION_MAX));
    put_digits(&digits, s, fabs(v));
    struct slice text = strbuf_slice(&digits);
    if (s->group != 0 && !digits.failed && isfinite(v)) {
        size_t whole = strspn(strbuf_cstr(&digits), "0123456789");
        int64_t rest = (int64_t)(strlen(sign) + text.len - whole);
        int64_t zeros = s->align == '=' && s->fill == '0' ? s->width - rest
                                                          : 0;
        put_grouped(&all, (struct slice){ text.at, whole }, s->group, 3, zeros);
        strbuf_put(&all, slice_from(text, whole));
        text = strbuf_slice(&all);
    }
    bool ok = !digits.failed && !all.failed;
    if (ok)
        ok = put_parts(b, s, sign, text);
    else
        b->buf.failed = true;
    strbuf_drop(&digits);
    strbuf_drop(&all);
    return ok;
}

/* ---- format(value, spec) ---- */

static bool wrong_type(struct run *r, char type, struct val v)
{
    run_error(r, "Unknown format code '%c' for object of type '%s'", type,
              val_type_name(v));
    return false;
}

static bool put_number(struct build *b, struct spec *s, struct val v)
{
    if (val_is_whole(v) && (s->type == 0 || strchr("bcdoxXn", s->type))) {
        if (s->precision >= 0)
            return run_refuse(b->r, "Precision not allowed in"
                                              " integer format specifier");
        return put_whole(b, s, val_whole(v));
    }
    if (s->type != 0 && strchr("eEfFgGn%", s->type) == NULL)
        return wrong_type(b->r, s->type, v);
    return put_real(b, s, val_number(v));
}

static bool put_str(struct build *b, const struct spec *s, struct val v)
{
    if (s->type != 0 && s->type != 's')
        return wrong_type(b->r, s->type, v);
    if (s->sign != 0 || s->group != 0 || s->alternate
        || (s->align == '=' && s->fill != '0'))
        return run_refuse(b->r, "not allowed in string format"
                                          " specifier");
    struct spec plain = *s;
    if (s->align == '=')
        plain.align = '<';
    return put_text(b, &plain, val_slice(v));
}

struct val format_value(struct run *r, struct val v, struct slice text)
{
    struct spec s;
    struct build b;
    if (text.len == 0)
        return val_to_str(r, v);
    if (!spec_read(r, text, &s))
        return val_of_kind(VAL_FAIL);
    if (v.kind != VAL_STR && !val_is_number(v))
        return run_error(r, "unsupported format string passed to"
                            " %s.__format__", val_type_name(v));
    build_begin(&b, r);
    if (v.kind == VAL_STR)
        put_str(&b, &s, v);
    else
        put_number(&b, &s, v);
    return build_end(&b);
}
