/* Methods of lists, tuples and dicts.  Those that would change their object
 * are there by name only: the sandbox hides them.
 *
 * Because lists and dicts cannot change, views of them need no copies and a
 * walk over one never meets a surprise. */
#include "text/template_run.h"

static struct val l_count(struct run *r, const struct call *c)
{
    int64_t n = 0;
    for (size_t i = 0; i < c->self.list->n; i++) {
        bool equal;
        if (!val_equal(r, c->self.list->at[i], c->arg[0], &equal))
            return val_of_kind(VAL_FAIL);
        n += equal;
    }
    return val_int(n);
}

/* A position counted from the end when negative, cut to [0, n]. */
static bool position(struct run *r, struct val v, int64_t n, int64_t absent,
                     int64_t *out)
{
    *out = absent;
    if (v.kind == VAL_MISSING)
        return true;
    if (!to_index(r, v, out))
        return false;
    if (*out < 0)
        *out = *out + n < 0 ? 0 : *out + n;
    if (*out > n)
        *out = n;
    return true;
}

static struct val l_index(struct run *r, const struct call *c)
{
    int64_t n = (int64_t)c->self.list->n, from, to;
    if (!position(r, c->arg[1], n, 0, &from)
        || !position(r, c->arg[2], n, n, &to))
        return val_of_kind(VAL_FAIL);
    for (int64_t i = from; i < to; i++) {
        bool equal;
        if (!val_equal(r, c->self.list->at[i], c->arg[0], &equal))
            return val_of_kind(VAL_FAIL);
        if (equal)
            return val_int(i);
    }
    return run_error(r, "value is not in %s", val_type_name(c->self));
}

static struct val l_copy(struct run *r, const struct call *c)
{
    return val_to_list(r, c->self);
}

struct table table_list_methods(void)
{
    static const struct builtin rows[] = {
        { "count", l_count, "value /" },
        { "index", l_index, "value start? stop? /" },
        { "copy", l_copy, "" },
        { "append", NULL, "!" },  { "clear", NULL, "!" },
        { "extend", NULL, "!" },  { "insert", NULL, "!" },
        { "pop", NULL, "!" },     { "remove", NULL, "!" },
        { "reverse", NULL, "!" }, { "sort", NULL, "!" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}

struct table table_tuple_methods(void)
{
    static const struct builtin rows[] = {
        { "count", l_count, "value /" },
        { "index", l_index, "value start? stop? /" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}

static struct val view(const struct call *c, enum view kind)
{
    return (struct val){ .kind = VAL_VIEW, .flag = (uint8_t)kind,
                         .dict = c->self.dict };
}

static struct val d_items(struct run *r, const struct call *c)
{
    (void)r;
    return view(c, VIEW_ITEMS);
}

static struct val d_keys(struct run *r, const struct call *c)
{
    (void)r;
    return view(c, VIEW_KEYS);
}

static struct val d_values(struct run *r, const struct call *c)
{
    (void)r;
    return view(c, VIEW_VALUES);
}

static struct val d_get(struct run *r, const struct call *c)
{
    struct val found;
    if (!dict_get(r, c->self.dict, c->arg[0], &found))
        return val_of_kind(VAL_FAIL);
    if (found.kind != VAL_MISSING)
        return found;
    return c->arg[1].kind != VAL_MISSING ? c->arg[1] : val_none();
}

static struct val d_copy(struct run *r, const struct call *c)
{
    struct val out = dict_new(r);
    for (uint32_t i = 0; !val_failed(out) && i < c->self.dict->n; i++)
        if (!dict_set(r, out.dict, c->self.dict->at[i].key,
                      c->self.dict->at[i].value))
            return val_of_kind(VAL_FAIL);
    return out;
}

static struct val d_fromkeys(struct run *r, const struct call *c)
{
    return dict_from_keys(r, c->arg[0], c->arg[1]);
}

struct table table_dict_methods(void)
{
    static const struct builtin rows[] = {
        { "items", d_items, "" },   { "keys", d_keys, "" },
        { "values", d_values, "" }, { "get", d_get, "key default? /" },
        { "copy", d_copy, "" },
        { "fromkeys", d_fromkeys, "iterable value? /" },
        { "clear", NULL, "!" },     { "pop", NULL, "!" },
        { "popitem", NULL, "!" },   { "setdefault", NULL, "!" },
        { "update", NULL, "!" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}
