/* Numbers between text and double, exactly and in every locale: what is read
 * is the nearest double, what is written is the shortest text that reads back.
 */
#include "base/json_number.h"
#include "base/checked.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A decimal: 0.DIGITS is never formed; the value is DIGITS * 10^exponent.
 *
 * strtod and printf write the locale's decimal point, and a library cannot set
 * the locale.  So no text with a point ever passes between us and them: the
 * point is folded into the exponent here. */
enum {
    /* A double's exact decimal has at most 767 digits; whatever follows can
     * only say "a bit more", which one sticky digit says as well. */
    DIGITS_MAX = 770,
    EXPONENT_MAX = 1 << 20     /* far beyond every double; saturates */
};

struct decimal {
    bool    negative;
    int     n;
    int64_t exponent;
    char    digits[DIGITS_MAX + 1];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Append a digit, fractional or not. */
static void decimal_push(struct decimal *d, char digit, bool fraction)
{
    if (d->n == 0 && digit == '0') {
        d->exponent -= fraction;
    } else if (d->n < DIGITS_MAX) {
        d->digits[d->n++] = digit;
        d->exponent -= fraction;
    } else {
        if (digit != '0')
            d->digits[DIGITS_MAX - 1] |= 1;    /* sticky: '0' becomes '1' */
        d->exponent += !fraction;
    }
}

static double decimal_value(const struct decimal *d)
{
    char text[DIGITS_MAX + 32];
    int64_t e = d->exponent;

    if (d->n == 0)
        return d->negative ? -0.0 : 0.0;
    if (e > EXPONENT_MAX)
        e = EXPONENT_MAX;
    if (e < -EXPONENT_MAX)
        e = -EXPONENT_MAX;
    snprintf(text, sizeof text, "%s%.*se%d", d->negative ? "-" : "", d->n,
             d->digits, (int)e);
    return strtod(text, NULL);
}

/* Up to 15 digits and small powers of ten are exact in a double, so that one
 * rounding remains (Clinger 1990): nearly every number that is met. */
static bool quick_value(double *out, uint64_t magnitude, int64_t exponent)
{
    static const double ten[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,
                                  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
                                  1e18, 1e19, 1e20, 1e21, 1e22 };

    if (magnitude > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return false;
    *out = exponent < 0 ? (double)magnitude / ten[-exponent]
                        : (double)magnitude * ten[exponent];
    return true;
}

/* ---- reading ---- */

/* The three parts of a literal. */
struct literal {
    bool        negative, exact;         /* exact: magnitude holds all digits */
    uint64_t    magnitude;
    const char *whole, *fraction, *exponent, *end;
    int64_t     power;                   /* the exponent's value, saturated */
};

static const char *read_digits(struct literal *l, const char *at,
                               const char *end)
{
    for (; at < end && is_digit(*at); at++) {
        l->exact = l->exact && checked_mul(&l->magnitude, l->magnitude, 10)
                && checked_add(&l->magnitude, l->magnitude,
                               (uint64_t)(*at - '0'));
    }
    return at;
}

static const char *read_exponent(struct literal *l, const char *at,
                                 const char *end)
{
    bool negative = false;

    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    for (; at < end && is_digit(*at); at++) {
        if (l->power < EXPONENT_MAX * (int64_t)1000)
            l->power = l->power * 10 + (*at - '0');
    }
    if (negative)
        l->power = -l->power;
    return at;
}

/* Split by the grammar; false with *bad at the place that breaks it. */
static bool split(struct literal *l, const char *at, const char *end,
                  const char **bad)
{
    if (at < end && *at == '-') {
        l->negative = true;
        at++;
    }
    l->whole = at;
    at = read_digits(l, at, end);
    *bad = at;
    if (at == l->whole)
        return false;
    if (*l->whole == '0' && at - l->whole > 1) {
        *bad = l->whole;
        return false;
    }
    l->fraction = l->exponent = at;
    if (at < end && *at == '.') {
        at = read_digits(l, at + 1, end);
        l->exponent = *bad = at;
        if (!is_digit(at[-1]))
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(l, at + 1, end);
        *bad = at;
        if (!is_digit(at[-1]))
            return false;
    }
    l->end = at;
    return true;
}

static double literal_value(const struct literal *l)
{
    struct decimal d = { .negative = l->negative, .exponent = l->power };
    int64_t n_fraction = l->exponent - l->fraction;
    double value;

    if (n_fraction > 0)
        n_fraction--;                    /* the point itself */
    if (l->exact && quick_value(&value, l->magnitude, l->power - n_fraction))
        return l->negative ? -value : value;
    for (const char *at = l->whole; at < l->fraction; at++)
        decimal_push(&d, *at, false);
    for (const char *at = l->fraction + 1; at < l->exponent; at++)
        decimal_push(&d, *at, true);
    return decimal_value(&d);
}

const char *json_number_read(const char *at, const char *end,
                             struct json_token *t, const char **bad)
{
    struct literal l = { .exact = true };

    if (!split(&l, at, end, bad))
        return NULL;
    uint64_t most = l.negative ? (uint64_t)1 << 63 : UINT64_MAX;
    if (l.end == l.fraction && l.exact && l.magnitude <= most) {
        t->kind = JSON_INT;
        t->integer = (struct json_int){ l.negative, l.magnitude };
        t->number = l.negative ? -(double)l.magnitude : (double)l.magnitude;
    } else {
        t->kind = JSON_FLOAT;
        t->number = literal_value(&l);
    }
    return l.end;
}

/* ---- writing ---- */

/* v's first n_digits significant digits, without zeros at the end. */
static void decimal_from(struct decimal *d, double v, int n_digits)
{
    char text[64];

    snprintf(text, sizeof text, "%.*e", n_digits - 1, v);
    const char *e = strchr(text, 'e');
    *d = (struct decimal){ .negative = text[0] == '-' };
    for (const char *at = text; at < e; at++) {
        if (is_digit(*at))               /* skips the locale's point */
            d->digits[d->n++] = *at;
    }
    d->exponent = strtol(e + 1, NULL, 10) - (d->n - 1);
    while (d->n > 1 && d->digits[d->n - 1] == '0') {
        d->n--;
        d->exponent++;
    }
}

/* As printf's %g would with a point: 0.001, 12.5, 1e+30, 1e-07. */
static void decimal_put(struct strbuf *out, const struct decimal *d)
{
    int64_t point = d->n + d->exponent;  /* digits before the point */

    if (d->negative)
        strbuf_putc(out, '-');
    if (point < -3 || point > 17) {
        strbuf_putc(out, d->digits[0]);
        if (d->n > 1)
            strbuf_putc(out, '.');
        strbuf_put(out, (struct slice){ d->digits + 1, (size_t)d->n - 1 });
        strbuf_printf(out, "e%+03d", (int)point - 1);
    } else if (point <= 0) {
        strbuf_printf(out, "0.%.*s%.*s", (int)-point, "000", d->n, d->digits);
    } else if (point < d->n) {
        strbuf_printf(out, "%.*s.%.*s", (int)point, d->digits,
                      d->n - (int)point, d->digits + point);
    } else {
        strbuf_printf(out, "%.*s%.*s", d->n, d->digits, (int)point - d->n,
                      "00000000000000000");
    }
}

/* Try more and more digits until they read back to v.  Short ones are tried
 * only where they can help: a normal number with so few digits shows them, and
 * zeros, already at the first try. */
static void put_shortest(struct strbuf *out, double v, bool single)
{
    int least = single ? FLT_DIG : DBL_DIG, most = single ? 9 : 17;
    struct decimal d;

    if (!isfinite(v)) {
        strbuf_puts(out, "null");
        return;
    }
    if (fabs(v) < (single ? (double)FLT_MIN : DBL_MIN))
        least = 1;
    for (int n = least; n <= most; n++) {
        decimal_from(&d, v, n);
        double back = decimal_value(&d);
        if (single ? (float)back == (float)v : back == v)
            break;
    }
    decimal_put(out, &d);
}

void json_put_double(struct strbuf *out, double v)
{
    put_shortest(out, v, false);
}

void json_put_float(struct strbuf *out, float v)
{
    put_shortest(out, (double)v, true);
}
