/* Equality, order and membership.
 *
 * Equality never fails: values of different kinds are different, but for
 * numbers. Order exists among numbers, among strings, and among lists or
 * tuples; all else is an error.  Lists are ordered by their first items that
 * differ, so equal items need no order of their own. */
#include "text/template_run.h"

#include <math.h>

enum order { LESS = -1, SAME = 0, MORE = 1, UNORDERED = 2, NO_ORDER = 3 };

static enum order order_doubles(double a, double b)
{
    return a < b ? LESS : a > b ? MORE : a == b ? SAME : UNORDERED;
}

/* Exactly, as Python does: no rounding of big integers. */
static enum order order_mixed(int64_t i, double d)
{
    if (isnan(d))
        return UNORDERED;
    if (d >= 9223372036854775808.0)
        return LESS;
    if (d < -9223372036854775808.0)
        return MORE;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? LESS : MORE;
    return order_doubles(0, d - (double)whole);
}

static enum order order_numbers(struct val a, struct val b)
{
    if (val_is_whole(a) && val_is_whole(b)) {
        int64_t x = val_whole(a), y = val_whole(b);
        return x < y ? LESS : x > y ? MORE : SAME;
    }
    if (val_is_whole(a))
        return order_mixed(val_whole(a), b.number);
    if (val_is_whole(b)) {
        enum order o = order_mixed(val_whole(b), a.number);
        return o == LESS ? MORE : o == MORE ? LESS : o;
    }
    return order_doubles(a.number, b.number);
}

/* ---- equality ---- */

static bool equal_lists(struct run *r, const struct list *a,
                        const struct list *b, bool *equal)
{
    *equal = a->n == b->n;
    for (size_t i = 0; *equal && i < a->n; i++)
        if (!val_equal(r, a->at[i], b->at[i], equal))
            return false;
    return true;
}

static bool equal_dicts(struct run *r, const struct dict *a,
                        const struct dict *b, bool *equal)
{
    *equal = a->n == b->n;
    for (uint32_t i = 0; *equal && i < a->n; i++) {
        struct val other;
        if (!dict_get(r, b, a->at[i].key, &other))
            return false;
        *equal = other.kind != VAL_MISSING;
        if (*equal && !val_equal(r, a->at[i].value, other, equal))
            return false;
    }
    return true;
}

static bool equal_ranges(const struct range *a, const struct range *b)
{
    return a->n == b->n
        && (a->n == 0 || (a->start == b->start
                          && (a->n == 1 || a->step == b->step)));
}

static bool equal_same_kind(struct run *r, struct val a, struct val b,
                            bool *equal)
{
    switch ((enum val_kind)a.kind) {
    case VAL_NONE:
    case VAL_UNDEF:
        *equal = true;
        return true;
    case VAL_BIG:
        *equal = a.big == b.big;
        return true;
    case VAL_STR:
        *equal = slice_eq(val_slice(a), val_slice(b));
        return run_bytes(r, *equal ? a.str->len : 0);
    case VAL_LIST:
    case VAL_TUPLE:
        return equal_lists(r, a.list, b.list, equal);
    case VAL_DICT:
        return equal_dicts(r, a.dict, b.dict, equal);
    case VAL_RANGE:
        *equal = equal_ranges(a.range, b.range);
        return true;
    case VAL_VIEW:
        *equal = a.dict == b.dict && a.flag == b.flag;
        return true;
    default:
        *equal = a.list == b.list;        /* the same object */
        return true;
    }
}

bool val_equal(struct run *r, struct val a, struct val b, bool *equal)
{
    if (!run_steps(r, 1) || !run_deeper(r))
        return false;
    bool ok = true;
    if (val_is_number(a) && val_is_number(b))
        *equal = order_numbers(a, b) == SAME;
    else if (a.kind != b.kind)
        *equal = false;
    else
        ok = equal_same_kind(r, a, b, equal);
    r->depth--;
    return ok;
}

/* ---- order ---- */

static bool order(struct run *r, struct val a, struct val b, enum order *out);

static bool order_lists(struct run *r, const struct list *a,
                        const struct list *b, enum order *out)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        bool equal;
        if (!val_equal(r, a->at[i], b->at[i], &equal))
            return false;
        if (!equal)
            return order(r, a->at[i], b->at[i], out);
    }
    *out = a->n < b->n ? LESS : a->n > b->n ? MORE : SAME;
    return true;
}

static bool order(struct run *r, struct val a, struct val b, enum order *out)
{
    bool ok = true;
    *out = NO_ORDER;
    if (!run_steps(r, 1) || !run_deeper(r))
        return false;
    if (val_is_number(a) && val_is_number(b)) {
        *out = order_numbers(a, b);
    } else if (a.kind == VAL_STR && b.kind == VAL_STR) {
        /* The order of UTF-8 is that of code points. */
        int c = slice_cmp(val_slice(a), val_slice(b));
        *out = c < 0 ? LESS : c > 0 ? MORE : SAME;
    } else if (a.kind == b.kind
               && (a.kind == VAL_LIST || a.kind == VAL_TUPLE)) {
        ok = order_lists(r, a.list, b.list, out);
    }
    r->depth--;
    return ok;
}

static const char *const op_names[] = {
    [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">="
};

static struct val no_order(struct run *r, enum op op, struct val a,
                           struct val b)
{
    if (a.kind == VAL_UNDEF || b.kind == VAL_UNDEF)
        return run_undefined(r, a.kind == VAL_UNDEF ? a : b);
    return run_error(r, "'%s' not supported between instances of '%s' and '%s'",
                     op_names[op], val_type_name(a), val_type_name(b));
}

bool val_less(struct run *r, struct val a, struct val b, bool *less)
{
    enum order o;
    if (!order(r, a, b, &o))
        return false;
    *less = o == LESS;
    return o != NO_ORDER || !val_failed(no_order(r, OP_LT, a, b));
}

static struct val compare_order(struct run *r, enum op op, struct val a,
                                struct val b)
{
    enum order o;
    if (!order(r, a, b, &o))
        return val_of_kind(VAL_FAIL);
    if (o == NO_ORDER)
        return no_order(r, op, a, b);
    switch (op) {
    case OP_LT: return val_bool(o == LESS);
    case OP_LE: return val_bool(o == LESS || o == SAME);
    case OP_GT: return val_bool(o == MORE);
    default:    return val_bool(o == MORE || o == SAME);
    }
}

struct val val_compare(struct run *r, enum op op, struct val a, struct val b)
{
    bool yes;
    switch (op) {
    case OP_EQ:
    case OP_NE:
        return val_equal(r, a, b, &yes) ? val_bool(yes == (op == OP_EQ))
                                        : val_of_kind(VAL_FAIL);
    case OP_IN:
    case OP_NOT_IN:
        return val_contains(r, b, a, &yes) ? val_bool(yes == (op == OP_IN))
                                           : val_of_kind(VAL_FAIL);
    default:
        return compare_order(r, op, a, b);
    }
}

/* ---- membership ---- */

static bool contains_item(struct run *r, struct val in, struct val what,
                          bool *found)
{
    struct iter *it = iter_open(r, in);
    struct val item;
    int more = it == NULL ? -1 : 1;
    *found = false;
    while (!*found && more > 0 && (more = iter_next(r, it, &item)) > 0)
        if (!val_equal(r, item, what, found))
            return false;
    return more >= 0;
}

bool val_contains(struct run *r, struct val in, struct val what, bool *found)
{
    struct val v;
    switch ((enum val_kind)in.kind) {
    case VAL_STR:
        if (what.kind != VAL_STR) {
            run_error(r, "'in <string>' requires string as left operand, not"
                         " %s", val_type_name(what));
            return false;
        }
        *found = what.str->len == 0
            || slice_find(val_slice(in), val_slice(what), 0) < in.str->len;
        return run_bytes(r, in.str->len);
    case VAL_VIEW:
        if (in.flag != VIEW_KEYS)
            return contains_item(r, in, what, found);
        /* fall through */
    case VAL_DICT:
        if (!dict_get(r, in.dict, what, &v))
            return false;
        *found = v.kind != VAL_MISSING;
        return true;
    default:
        if (val_iterable(in))
            return contains_item(r, in, what, found);
        run_error(r, "argument of type '%s' is not iterable",
                  val_type_name(in));
        return false;
    }
}
