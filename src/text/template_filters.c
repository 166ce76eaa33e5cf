/* Filters on single values, and the table of all filters.
 *
 * int and float take text as Python's constructors do (spaces around, single
 * underscores between digits, signs, inf and nan) and fall back to the given
 * default where those raise. */
#include "text/template_filters.h"

#include "base/clock.h"
#include "base/json.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct val f_abs(struct run *r, const struct call *c)
{
    struct val v = c->self;
    if (v.kind == VAL_FLOAT)
        return val_float(fabs(v.number));
    if (val_is_whole(v))
        return val_whole(v) < 0 ? val_unary(r, OP_SUB, v)
                                : val_int(val_whole(v));
    return run_error(r, "bad operand type for abs(): '%s'", val_type_name(v));
}

struct val f_attr(struct run *r, const struct call *c)
{
    if (c->self.kind == VAL_UNDEF)
        return run_undefined(r, c->self);
    if (c->arg[0].kind != VAL_STR)
        return run_error(r, "attribute name must be string, not '%s'",
                         val_type_name(c->arg[0]));
    if (c->self.kind == VAL_DICT) {       /* no way back to the items */
        const struct builtin *row = table_find(table_dict_methods(),
                                               val_slice(c->arg[0]));
        if (row == NULL)
            return (struct val){ .kind = VAL_UNDEF, .flag = UNDEF_ATTRIBUTE,
                                 .of = VAL_DICT, .str = c->arg[0].str };
    }
    return get_attr(r, c->self, c->arg[0]);
}

struct val f_default(struct run *r, const struct call *c)
{
    if (c->self.kind == VAL_UNDEF
        || (arg_true(c->arg[1], false) && !val_true(c->self)))
        return c->arg[0].kind == VAL_MISSING ? str_share(r, SLICE(""))
                                             : c->arg[0];
    return c->self;
}

struct val f_length(struct run *r, const struct call *c)
{
    int64_t n = val_len(r, c->self);
    if (n == -1)
        return run_error(r, "object of type '%s' has no len()",
                         val_type_name(c->self));
    return n < 0 ? val_of_kind(VAL_FAIL) : val_int(n);
}

struct val f_string(struct run *r, const struct call *c)
{
    return val_soft_str(r, c->self);
}

struct val f_safe(struct run *r, const struct call *c)
{
    struct val v = val_soft_str(r, c->self);
    v.flag = VAL_MARKUP;
    return v;
}

struct val f_escape(struct run *r, const struct call *c)
{
    return str_escape(r, c->self);
}

struct val f_forceescape(struct run *r, const struct call *c)
{
    struct val v = val_to_str(r, c->self);
    return val_failed(v) ? v : str_escape(r, v);
}

/* ---- numbers from text ---- */

static struct slice trimmed(struct slice s)
{
    s.len = text_rstrip_len(s);
    return slice_from(s, text_lspace_len(s));
}

/* Copy without underscores, which must stand between digits. */
static bool plain_digits(struct slice s, char *out, size_t size)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '_') {
            bool between = i > 0 && i + 1 < s.len && s.at[i - 1] != '_';
            if (!between || strchr(hex, s.at[i - 1]) == NULL
                || s.at[i + 1] == '\0' || strchr(hex, s.at[i + 1]) == NULL)
                return false;
            continue;
        }
        if (n + 1 >= size || s.at[i] == '\0')
            return false;
        out[n++] = s.at[i];
    }
    out[n] = '\0';
    return n > 0;
}

static bool special_double(const char *text, double *out)
{
    static const struct { const char *word; double value; } words[] = {
        { "inf", INFINITY }, { "infinity", INFINITY }, { "nan", NAN }
    };
    bool minus = *text == '-';
    char lower[16];
    size_t n = 0;
    text += *text == '-' || *text == '+';
    for (; n < sizeof lower - 1 && text[n] != '\0'; n++)
        lower[n] = (char)(text[n] | 0x20);
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(lower, words[i].word) == 0) {
            *out = minus ? -words[i].value : words[i].value;
            return true;
        }
    return false;
}

/* [sign] digits [. digits] [e [sign] digits], digits on one side at least; put
 * into JSON's shape, which base reads without looking at the locale. */
static bool json_shape(const char *text, struct strbuf *out)
{
    if (*text == '-')
        strbuf_putc(out, '-');
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789"), skip = strspn(text, "0");
    if (whole > 0 && skip == whole)
        skip--;
    strbuf_put(out, whole > 0 ? (struct slice){ text + skip, whole - skip }
                              : SLICE("0"));
    text += whole;
    size_t fraction = *text == '.' ? strspn(text + 1, "0123456789") : 0;
    if (fraction > 0)
        strbuf_put(out, (struct slice){ text, fraction + 1 });
    text += *text == '.' ? fraction + 1 : 0;
    if (whole + fraction == 0)
        return false;
    if ((*text | 0x20) == 'e') {
        size_t sign = text[1] == '-' || text[1] == '+';
        size_t power = strspn(text + 1 + sign, "0123456789");
        if (power == 0)
            return false;
        strbuf_put(out, (struct slice){ text, 1 + sign + power });
        text += 1 + sign + power;
    }
    return *text == '\0';
}

bool text_to_double(struct slice s, double *out)
{
    char text[400];
    struct strbuf json = { 0 };
    struct json_reader reader;
    struct json_token t;
    if (!plain_digits(trimmed(s), text, sizeof text))
        return false;
    if (special_double(text, out))
        return true;
    bool ok = json_shape(text, &json) && !json.failed;
    if (ok) {
        json_reader_init(&reader, strbuf_slice(&json), 1);
        ok = json_next(&reader, &t, NULL) == ERR_OK;
    }
    if (ok)
        *out = t.number == 0 && text[0] == '-' ? -0.0 : t.number;
    strbuf_drop(&json);
    return ok;
}

enum whole text_to_whole(struct slice s, int64_t base, int64_t *out)
{
    char text[400];
    s = trimmed(s);
    bool minus = s.len > 0 && s.at[0] == '-';
    if (s.len > 0 && (s.at[0] == '-' || s.at[0] == '+'))
        s = slice_from(s, 1);
    char kind = s.len > 1 && s.at[0] == '0' ? (char)(s.at[1] | 0x20) : '\0';
    int prefix = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (prefix != 0 && (base == prefix || base == 0)) {
        base = prefix;
        s = slice_from(s, 2);
        if (s.len > 0 && s.at[0] == '_')
            s = slice_from(s, 1);
    }
    if (base == 0)
        base = 10;
    if (!plain_digits(s, text, sizeof text) || strchr("+- \t\n", text[0]))
        return WHOLE_BAD;
    char *end;
    long long v = strtoll(text, &end, (int)base);
    if (*end != '\0')
        return WHOLE_BAD;
    if (v == LLONG_MAX)
        return WHOLE_BIG;
    *out = minus ? -v : v;
    return WHOLE_OK;
}

static struct val whole_of_float(struct run *r, double d, bool *bad)
{
    *bad = isnan(d) || isinf(d);
    if (*bad)
        return val_missing();
    if (fabs(d) >= 9.2e18)
        return run_error(r, "integers beyond 64 bits are not supported");
    return val_int((int64_t)d);
}

struct val f_int(struct run *r, const struct call *c)
{
    struct val v = c->self, otherwise = c->arg[0];
    int64_t base = 10, whole;
    double d;
    bool bad = true;
    if (otherwise.kind == VAL_MISSING)
        otherwise = val_int(0);
    if (c->arg[1].kind != VAL_MISSING)
        base = val_is_whole(c->arg[1]) ? val_whole(c->arg[1]) : -1;
    if (v.kind == VAL_UNDEF)
        return run_undefined(r, v);
    if (val_is_whole(v))
        return val_int(val_whole(v));
    if (v.kind == VAL_FLOAT) {
        struct val out = whole_of_float(r, v.number, &bad);
        if (bad && isinf(v.number))
            return run_error(r, "cannot convert float infinity to integer");
        return bad ? otherwise : out;
    }
    if (v.kind != VAL_STR)
        return otherwise;
    /* A base that is none counts as text that is no number. */
    enum whole w = base == 0 || (base >= 2 && base <= 36)
        ? text_to_whole(val_slice(v), base, &whole) : WHOLE_BAD;
    if (w == WHOLE_OK)
        return val_int(whole);
    if (w == WHOLE_BIG)
        return run_error(r, "integers beyond 64 bits are not supported");
    if (!text_to_double(val_slice(v), &d))
        return otherwise;
    struct val out = whole_of_float(r, d, &bad);
    return bad ? otherwise : out;
}

struct val f_float(struct run *r, const struct call *c)
{
    double d;
    if (c->self.kind == VAL_UNDEF)
        return run_undefined(r, c->self);
    if (val_is_number(c->self))
        return val_float(val_number(c->self));
    if (c->self.kind == VAL_STR && text_to_double(val_slice(c->self), &d))
        return val_float(d);
    return c->arg[0].kind == VAL_MISSING ? val_float(0) : c->arg[0];
}

/* ---- rounding ---- */

/* Correct to the last bit: through the decimal digits, ties to even, as both
 * Python and the C library round exact decimals. */
static double round_decimal(double v, int64_t digits)
{
    char text[400];
    double out;
    if (!isfinite(v) || digits > 340)
        return v;
    if (digits < 0) {
        if (digits < -308)
            return copysign(0, v);
        double power = pow(10, (double)-digits);
        double scaled = v / power, whole = nearbyint(scaled);
        return whole * power;
    }
    int n = snprintf(text, sizeof text, "%.*f", (int)digits, v);
    if (n < 0 || (size_t)n >= sizeof text)
        return v;
    for (char *at = text; *at != '\0'; at++)
        if ((*at < '0' || *at > '9') && *at != '-')
            *at = '.';                       /* the locale's point */
    return text_to_double((struct slice){ text, (size_t)n }, &out) ? out : v;
}

static struct val round_whole(struct run *r, int64_t v, int64_t digits)
{
    if (digits >= 0)
        return val_int(v);
    int64_t power = 1;
    for (int64_t i = digits; i < 0; i++) {
        if (power > INT64_MAX / 10)
            return val_int(0);
        power *= 10;
    }
    struct val m = val_binary(r, OP_MOD, val_int(v), val_int(power));
    int64_t low = v - m.integer, half = power / 2;
    bool odd = (low / power) % 2 != 0;
    bool up = m.integer > half || (m.integer == half && odd && power > 1);
    return up ? val_binary(r, OP_ADD, val_int(low), val_int(power))
              : val_int(low);
}

struct val f_round(struct run *r, const struct call *c)
{
    int64_t digits = 0;
    struct val method = c->arg[1], v = c->self;
    bool common = method.kind == VAL_MISSING || val_is_text(method, "common");
    bool up = val_is_text(method, "ceil");
    if (!common && !up && !val_is_text(method, "floor"))
        return run_error(r, "method must be common, ceil or floor");
    if (!val_is_number(v))
        return v.kind == VAL_UNDEF ? run_undefined(r, v)
            : run_error(r, "type %s doesn't define __round__ method",
                        val_type_name(v));
    if (common && c->arg[0].kind == VAL_NONE)
        return val_is_whole(v) ? val_int(val_whole(v))
                               : f_int(r, &(struct call){
                                     .self = val_float(nearbyint(v.number)),
                                     .arg = { val_missing(), val_missing() } });
    if (c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &digits))
        return val_of_kind(VAL_FAIL);
    if (common)
        return val_is_whole(v) ? round_whole(r, val_whole(v), digits)
                               : val_float(round_decimal(v.number, digits));
    struct val power = val_binary(r, OP_POW, val_int(10), val_int(digits));
    struct val scaled = val_failed(power) ? power
                                          : val_binary(r, OP_MUL, v, power);
    if (val_failed(scaled))
        return scaled;
    if (scaled.kind == VAL_FLOAT) {
        bool bad;
        scaled = whole_of_float(r, up ? ceil(scaled.number)
                                      : floor(scaled.number), &bad);
        if (bad)
            return run_error(r, "cannot convert float to integer");
    }
    return val_failed(scaled) ? scaled : val_binary(r, OP_DIV, scaled, power);
}

/* ---- sizes and odds and ends ---- */

struct val f_filesizeformat(struct run *r, const struct call *c)
{
    static const char letters[] = "kMGTPEZY";
    bool binary = arg_true(c->arg[0], false);
    double base = binary ? 1024 : 1000, unit = base, bytes = 0;
    struct build b;
    if (c->self.kind == VAL_STR
        ? !text_to_double(val_slice(c->self), &bytes)
        : !val_is_number(c->self))
        return c->self.kind == VAL_UNDEF ? run_undefined(r, c->self)
                                         : run_error(r, "not a number");
    if (c->self.kind != VAL_STR)
        bytes = val_number(c->self);
    build_begin(&b, r);
    if (bytes == 1) {
        strbuf_puts(&b.buf, "1 Byte");
    } else if (bytes < base) {
        strbuf_printf(&b.buf, "%lld Bytes",
                      (long long)(bytes < -9.2e18 ? -9.2e18 : bytes));
    } else {
        int i = 0;
        for (; i < 7; i++) {
            unit *= base;
            if (bytes < unit)
                break;
        }
        if (i == 7)
            unit *= base;
        put_fixed(&b.buf, base * bytes / unit, 1);
        strbuf_printf(&b.buf, " %c%sB", binary && i == 0 ? 'K' : letters[i],
                      binary ? "i" : "");
    }
    return build_end(&b);
}

/* Any item will do; which one is not meant to be foreseen. */
struct val f_random(struct run *r, const struct call *c)
{
    int64_t n = val_len(r, c->self);
    if (n == -2)
        return val_of_kind(VAL_FAIL);
    if (n == -1)
        return run_error(r, "object of type '%s' has no len()",
                         val_type_name(c->self));
    if (n == 0)
        return undef_hint(r, "No random item, sequence was empty.");
    return get_item(r, c->self, val_int((clock_ns() >> 4) % n));
}

struct val f_format(struct run *r, const struct call *c)
{
    const struct args *a = c->args;
    struct val format = val_soft_str(r, c->self);
    if (a->n > 0 && a->n_kw > 0)
        return run_error(r, "can't handle positional and keyword arguments at"
                            " the same time");
    if (val_failed(format))
        return format;
    if (a->n_kw == 0)
        return format_percent(r, format, tuple_of(r, a->n, a->at));
    struct val map = dict_new(r);
    for (size_t i = 0; !val_failed(map) && i < a->n_kw; i++)
        if (!dict_set(r, map.dict, a->kw[i].name, a->kw[i].value))
            return val_of_kind(VAL_FAIL);
    return val_failed(map) ? map : format_percent(r, format, map);
}

struct table table_filters(void)
{
    static const struct builtin rows[] = {
#define X(name, function, params) { #name, f_##function, params },
        FILTER_LIST(X)
#undef X
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}
