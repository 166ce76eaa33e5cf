/* Operators.  Integers are 64 bits wide: a result beyond is an error that says
 * so, never a wrong number. */
#include "text/template_run.h"

#include "base/checked.h"

#include <math.h>

static struct val too_big(struct run *r)
{
    return run_error(r, "integers beyond 64 bits are not supported");
}

static struct val unsupported(struct run *r, const char *op, struct val a,
                              struct val b)
{
    if (a.kind == VAL_UNDEF || b.kind == VAL_UNDEF)
        return run_undefined(r, a.kind == VAL_UNDEF ? a : b);
    if (a.kind == VAL_BIG || b.kind == VAL_BIG)
        return too_big(r);
    return run_error(r, "unsupported operand type(s) for %s: '%s' and '%s'", op,
                     val_type_name(a), val_type_name(b));
}

/* ---- numbers ---- */

/* Quotient and remainder rounded down. */
static struct val divide_whole(struct run *r, enum op op, int64_t a, int64_t b)
{
    if (b == 0)
        return run_error(r, "integer division or modulo by zero");
    if (b == -1)                             /* INT64_MIN / -1 overflows */
        return op == OP_MOD ? val_int(0) : val_unary(r, OP_SUB, val_int(a));
    int64_t q = a / b, m = a % b;
    if (m != 0 && (m < 0) != (b < 0)) {
        q--;
        m += b;
    }
    return val_int(op == OP_MOD ? m : q);
}

/* Python's floor division of floats: the quotient is put right by the
 * remainder, not by floor alone, which may be one off. */
static struct val divide_float(struct run *r, enum op op, double a, double b)
{
    if (b == 0)
        return run_error(r, "float division by zero");
    double m = fmod(a, b), q = (a - m) / b;
    if (m != 0 && (m < 0) != (b < 0)) {
        m += b;
        q -= 1;
    } else if (m == 0) {
        m = copysign(0, b);
    }
    if (op == OP_MOD)
        return val_float(m);
    if (q == 0)
        return val_float(copysign(0, a / b));
    double whole = floor(q);
    return val_float(q - whole > 0.5 ? whole + 1 : whole);
}

static struct val power_float(struct run *r, double a, double b)
{
    if (a == 0 && b < 0)
        return run_error(r, "0.0 cannot be raised to a negative power");
    if (a < 0 && b != floor(b) && isfinite(a) && isfinite(b))
        return run_error(r, "complex numbers are not supported");
    double p = pow(a, b);
    if (isinf(p) && isfinite(a) && isfinite(b))
        return run_error(r, "numerical result out of range");
    return val_float(p);
}

static struct val power_whole(struct run *r, int64_t a, int64_t b)
{
    int64_t out = 1;
    if (b < 0)
        return power_float(r, (double)a, (double)b);
    for (; b > 0; b >>= 1) {
        if ((b & 1) && !checked_mul_i64(&out, out, a))
            return too_big(r);
        if (b > 1 && !checked_mul_i64(&a, a, a))
            return too_big(r);
    }
    return val_int(out);
}

/* Exact up to 2^53; beyond, rounded from 64 bits. */
static struct val quotient(struct run *r, struct val a, struct val b)
{
    if (val_number(b) == 0)
        return run_error(r, "division by zero");
    if (val_is_whole(a) && val_is_whole(b))
        return val_float((double)((long double)val_whole(a)
                                  / (long double)val_whole(b)));
    return val_float(val_number(a) / val_number(b));
}

static struct val whole_binary(struct run *r, enum op op, int64_t a, int64_t b)
{
    int64_t out;
    bool fits;
    switch (op) {
    case OP_ADD: fits = checked_add_i64(&out, a, b); break;
    case OP_SUB: fits = checked_sub_i64(&out, a, b); break;
    case OP_MUL: fits = checked_mul_i64(&out, a, b); break;
    case OP_POW: return power_whole(r, a, b);
    default:     return divide_whole(r, op, a, b);
    }
    return fits ? val_int(out) : too_big(r);
}

static struct val float_binary(struct run *r, enum op op, double a, double b)
{
    switch (op) {
    case OP_ADD: return val_float(a + b);
    case OP_SUB: return val_float(a - b);
    case OP_MUL: return val_float(a * b);
    case OP_POW: return power_float(r, a, b);
    default:     return divide_float(r, op, a, b);
    }
}

/* ---- sequences ---- */

static struct val add_lists(struct run *r, struct val a, struct val b)
{
    size_t n = a.list->n + b.list->n;
    struct val out = list_new(r, (enum val_kind)a.kind, n);
    if (val_failed(out) || !run_steps(r, n / 4 + 1))
        return val_of_kind(VAL_FAIL);
    if (a.list->n > 0)
        memcpy(out.list->at, a.list->at, a.list->n * sizeof(struct val));
    if (b.list->n > 0)
        memcpy(out.list->at + a.list->n, b.list->at,
               b.list->n * sizeof(struct val));
    out.list->n = n;
    return out;
}

static struct val repeat_list(struct run *r, struct val a, int64_t times)
{
    size_t n;
    if (times < 0)
        times = 0;
    if (!checked_size(&n, a.list->n, (size_t)times))
        n = SIZE_MAX;
    struct val out = list_new(r, (enum val_kind)a.kind, n);
    if (val_failed(out) || !run_steps(r, n / 4 + 1))
        return val_of_kind(VAL_FAIL);
    for (size_t i = 0; i < n; i++)
        out.list->at[i] = a.list->at[i % a.list->n];
    out.list->n = n;
    return out;
}

/* Markup escapes what is added to it, on either side. */
static struct val add_strings(struct run *r, struct val a, struct val b)
{
    bool markup = val_is_markup(a) || val_is_markup(b);
    if (markup) {
        a = str_escape(r, a);
        b = val_failed(a) ? a : str_escape(r, b);
        if (val_failed(b))
            return b;
    }
    struct val out = str_concat(r, a, b);
    out.flag = markup ? VAL_MARKUP : 0;
    return out;
}

static struct val repeat(struct run *r, struct val a, struct val times)
{
    if (a.kind == VAL_STR)
        return str_like(str_repeat(r, a, val_whole(times)), a);
    return repeat_list(r, a, val_whole(times));
}

static bool is_repeatable(struct val v)
{
    return v.kind == VAL_STR || v.kind == VAL_LIST || v.kind == VAL_TUPLE;
}

struct val val_binary(struct run *r, enum op op, struct val a, struct val b)
{
    static const char *const names[] = {
        [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/",
        [OP_FLOORDIV] = "//", [OP_MOD] = "%", [OP_POW] = "** or pow()"
    };
    if (val_is_number(a) && val_is_number(b)) {
        if (op == OP_DIV)
            return quotient(r, a, b);
        if (val_is_whole(a) && val_is_whole(b))
            return whole_binary(r, op, val_whole(a), val_whole(b));
        return float_binary(r, op, val_number(a), val_number(b));
    }
    if (op == OP_ADD && a.kind == b.kind && is_repeatable(a))
        return a.kind == VAL_STR ? add_strings(r, a, b) : add_lists(r, a, b);
    if (op == OP_MUL && is_repeatable(a) && val_is_whole(b))
        return repeat(r, a, b);
    if (op == OP_MUL && is_repeatable(b) && val_is_whole(a))
        return repeat(r, b, a);
    if (op == OP_MOD && a.kind == VAL_STR)
        return format_percent(r, a, b);
    return unsupported(r, names[op], a, b);
}

struct val val_unary(struct run *r, enum op op, struct val v)
{
    int64_t out;
    if (v.kind == VAL_FLOAT)
        return val_float(op == OP_SUB ? -v.number : v.number);
    if (val_is_whole(v)) {
        if (op == OP_ADD)
            return val_int(val_whole(v));
        return checked_sub_i64(&out, 0, val_whole(v)) ? val_int(out)
                                                      : too_big(r);
    }
    if (v.kind == VAL_UNDEF)
        return run_undefined(r, v);
    return run_error(r, "bad operand type for unary %c: '%s'",
                     op == OP_SUB ? '-' : '+', val_type_name(v));
}
