/* Tests: what stands behind `is`.
 *
 * Undefined is most things to most tests, as in the reference: it can be
 * called, walked and measured, and only its use fails.  A bool is a number,
 * but no integer; a mapping is a sequence. */
#include "text/template_run.h"

static struct val t_odd(struct run *r, const struct call *c)
{
    struct val m = val_binary(r, OP_MOD, c->self, val_int(2));
    return val_failed(m) ? m : val_compare(r, OP_EQ, m, val_int(1));
}

static struct val t_even(struct run *r, const struct call *c)
{
    struct val m = val_binary(r, OP_MOD, c->self, val_int(2));
    return val_failed(m) ? m : val_compare(r, OP_EQ, m, val_int(0));
}

static struct val t_divisibleby(struct run *r, const struct call *c)
{
    struct val m = val_binary(r, OP_MOD, c->self, c->arg[0]);
    return val_failed(m) ? m : val_compare(r, OP_EQ, m, val_int(0));
}

static struct val t_defined(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind != VAL_UNDEF);
}

static struct val t_undefined(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_UNDEF);
}

/* `value in env.filters`: a dict look-up. */
static struct val named(struct run *r, struct table t, struct val name)
{
    uint64_t hash;
    if (!val_hash(r, name, &hash))
        return val_of_kind(VAL_FAIL);
    return val_bool(name.kind == VAL_STR
                    && table_find(t, val_slice(name)) != NULL);
}

static struct val t_filter(struct run *r, const struct call *c)
{
    return named(r, table_filters(), c->self);
}

static struct val t_test(struct run *r, const struct call *c)
{
    return named(r, table_tests(), c->self);
}

static struct val t_none(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_NONE);
}

static struct val t_boolean(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_BOOL);
}

static struct val t_false(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_BOOL && !c->self.boolean);
}

static struct val t_true(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_BOOL && c->self.boolean);
}

static struct val t_integer(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_INT || c->self.kind == VAL_BIG);
}

static struct val t_float(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_FLOAT);
}

static struct val t_lower(struct run *r, const struct call *c)
{
    return call_str_method(r, val_to_str(r, c->self), "islower");
}

static struct val t_upper(struct run *r, const struct call *c)
{
    return call_str_method(r, val_to_str(r, c->self), "isupper");
}

static struct val t_string(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_STR);
}

static struct val t_mapping(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.kind == VAL_DICT);
}

static struct val t_number(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(val_is_number(c->self) || c->self.kind == VAL_BIG);
}

/* Has a length and items. */
static struct val t_sequence(struct run *r, const struct call *c)
{
    enum val_kind k = (enum val_kind)c->self.kind;
    (void)r;
    return val_bool(k == VAL_UNDEF || k == VAL_STR || k == VAL_LIST
                    || k == VAL_TUPLE || k == VAL_DICT || k == VAL_RANGE);
}

static struct val t_iterable(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(val_iterable(c->self) || c->self.kind == VAL_LOOP);
}

static struct val t_callable(struct run *r, const struct call *c)
{
    enum val_kind k = (enum val_kind)c->self.kind;
    (void)r;
    return val_bool(k == VAL_UNDEF || k == VAL_MACRO || k == VAL_FUNCTION
                    || k == VAL_METHOD || k == VAL_LOOP || k == VAL_JOINER);
}

/* Identity.  Small integers and equal strings are one object in Python's eyes
 * (constants are shared); other numbers are not. */
static struct val t_sameas(struct run *r, const struct call *c)
{
    struct val a = c->self, b = c->arg[0];
    (void)r;
    if (a.kind != b.kind)
        return val_bool(false);
    switch ((enum val_kind)a.kind) {
    case VAL_NONE:  return val_bool(true);
    case VAL_BOOL:  return val_bool(a.boolean == b.boolean);
    case VAL_INT:   return val_bool(a.integer == b.integer
                                    && a.integer >= -5 && a.integer <= 256);
    case VAL_STR:
        return val_bool(a.flag == b.flag
                        && slice_eq(val_slice(a), val_slice(b)));
    case VAL_FLOAT: return val_bool(false);
    default:        return val_bool(a.list == b.list);
    }
}

static struct val t_escaped(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(val_is_markup(c->self));
}

static struct val t_in(struct run *r, const struct call *c)
{
    return val_compare(r, OP_IN, c->self, c->arg[0]);
}

static struct val t_eq(struct run *r, const struct call *c)
{
    return val_compare(r, OP_EQ, c->self, c->arg[0]);
}

static struct val t_ne(struct run *r, const struct call *c)
{
    return val_compare(r, OP_NE, c->self, c->arg[0]);
}

static struct val t_gt(struct run *r, const struct call *c)
{
    return val_compare(r, OP_GT, c->self, c->arg[0]);
}

static struct val t_ge(struct run *r, const struct call *c)
{
    return val_compare(r, OP_GE, c->self, c->arg[0]);
}

static struct val t_lt(struct run *r, const struct call *c)
{
    return val_compare(r, OP_LT, c->self, c->arg[0]);
}

static struct val t_le(struct run *r, const struct call *c)
{
    return val_compare(r, OP_LE, c->self, c->arg[0]);
}

struct table table_tests(void)
{
    static const struct builtin rows[] = {
        { "odd", t_odd, "" },             { "even", t_even, "" },
        { "divisibleby", t_divisibleby, "num" },
        { "defined", t_defined, "" },     { "undefined", t_undefined, "" },
        { "filter", t_filter, "" },       { "test", t_test, "" },
        { "none", t_none, "" },           { "boolean", t_boolean, "" },
        { "false", t_false, "" },         { "true", t_true, "" },
        { "integer", t_integer, "" },     { "float", t_float, "" },
        { "lower", t_lower, "" },         { "upper", t_upper, "" },
        { "string", t_string, "" },       { "mapping", t_mapping, "" },
        { "number", t_number, "" },       { "sequence", t_sequence, "" },
        { "iterable", t_iterable, "" },   { "callable", t_callable, "" },
        { "sameas", t_sameas, "other" },  { "escaped", t_escaped, "" },
        { "in", t_in, "seq" },
        { "==", t_eq, "b /" },            { "eq", t_eq, "b /" },
        { "equalto", t_eq, "b /" },       { "!=", t_ne, "b /" },
        { "ne", t_ne, "b /" },            { ">", t_gt, "b /" },
        { "gt", t_gt, "b /" },            { "greaterthan", t_gt, "b /" },
        { ">=", t_ge, "b /" },            { "ge", t_ge, "b /" },
        { "<", t_lt, "b /" },             { "lt", t_lt, "b /" },
        { "lessthan", t_lt, "b /" },      { "<=", t_le, "b /" },
        { "le", t_le, "b /" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}
