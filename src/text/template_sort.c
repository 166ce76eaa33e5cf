/* Sorting and grouping.
 *
 * Comparing may fail (1 < 'a' is an error), so the C library's qsort cannot be
 * used; it is not stable either.  A merge from the bottom up is, and needs no
 * recursion.  Which pairs are compared is not Python's choice, but whether all
 * values can be ordered does not depend on it. */
#include "text/template_filters.h"

struct pair {
    struct val key, item;
};

struct pairs {
    const struct pair *at;
    size_t             n;
};

/* Merge two sorted runs into `out`.  Stable: the right one goes first only when
 * it is less (reversed: when the left one is). */
static bool merge(struct run *r, struct pairs left, struct pairs right_run,
                  struct pair *out, bool reverse)
{
    const struct pair *a = left.at, *b = right_run.at;
    size_t n_a = left.n, n_b = right_run.n;

    while (n_a > 0 && n_b > 0) {
        bool right;
        if (!(reverse ? val_less(r, a->key, b->key, &right)
                      : val_less(r, b->key, a->key, &right)))
            return false;
        if (right) {
            *out++ = *b++;
            n_b--;
        } else {
            *out++ = *a++;
            n_a--;
        }
    }
    memcpy(out, a, n_a * sizeof *a);
    memcpy(out + n_a, b, n_b * sizeof *b);
    return true;
}

bool sort_by(struct run *r, struct list *items, struct list *keys,
             bool reverse)
{
    size_t n = items->n;
    struct pair *from = run_take(r, n + 1, sizeof *from);
    struct pair *to = run_take(r, n + 1, sizeof *to);
    if (from == NULL || to == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        from[i] = (struct pair){ keys->at[i], items->at[i] };
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t mid = i + width < n ? i + width : n;
            size_t end = i + 2 * width < n ? i + 2 * width : n;
            struct pairs left = { from + i, mid - i };
            struct pairs right = { from + mid, end - mid };
            if (!merge(r, left, right, to + i, reverse))
                return false;
        }
        struct pair *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) {
        keys->at[i] = from[i].key;
        items->at[i] = from[i].item;
    }
    return true;
}

bool reverse_arg(struct run *r, struct val v, bool *out)
{
    int64_t n = 0;
    bool ok = v.kind == VAL_MISSING || to_index(r, v, &n);
    *out = n != 0;
    return ok;
}

/* The keys of all items; NULL: failed. */
static struct list *keys_of(struct run *r, const struct list *items,
                            const struct getter *get)
{
    struct val keys = list_new(r, VAL_LIST, items->n);
    for (size_t i = 0; !val_failed(keys) && i < items->n; i++) {
        struct val key = getter_get(r, get, items->at[i]);
        if (val_failed(key) || !list_push(r, keys.list, key))
            return NULL;
    }
    return val_failed(keys) ? NULL : keys.list;
}

/* One item's key for `sort`: a list of what the attributes ("a,b") give, so
 * that items are compared as lists are: equal ones need no order. */
static struct val multi_key(struct run *r, struct val item,
                            struct val attribute, bool lower)
{
    struct slice path = SLICE("");
    struct val key = list_new(r, VAL_LIST, 1);
    bool named = attribute.kind == VAL_STR;
    if (named)
        path = val_slice(attribute);
    for (size_t at = 0, end; !val_failed(key) && at <= path.len; at = end + 1) {
        end = slice_find(path, SLICE(","), at);
        struct getter get = { attribute, val_missing(), lower };
        if (named)
            get.attribute = str_share(r, (struct slice){ path.at + at,
                                                         end - at });
        struct val v = val_failed(get.attribute) ? get.attribute
                                                 : getter_get(r, &get, item);
        if (val_failed(v) || !list_push(r, key.list, v))
            return val_of_kind(VAL_FAIL);
    }
    return key;
}

static struct list *multi_keys(struct run *r, const struct list *items,
                               struct val attribute, bool lower)
{
    struct val keys = list_new(r, VAL_LIST, items->n);
    for (size_t i = 0; !val_failed(keys) && i < items->n; i++) {
        struct val key = multi_key(r, items->at[i], attribute, lower);
        if (val_failed(key) || !list_push(r, keys.list, key))
            return NULL;
    }
    return val_failed(keys) ? NULL : keys.list;
}

struct val f_sort(struct run *r, const struct call *c)
{
    bool lower = !arg_true(c->arg[1], false), reverse;
    struct val all = val_to_list(r, c->self);
    struct list *keys = val_failed(all) ? NULL
        : multi_keys(r, all.list, c->arg[2], lower);
    if (keys == NULL || !reverse_arg(r, c->arg[0], &reverse)
        || !sort_by(r, all.list, keys, reverse))
        return val_of_kind(VAL_FAIL);
    return all;
}

struct val f_dictsort(struct run *r, const struct call *c)
{
    bool by_value = val_is_text(c->arg[1], "value"), reverse;
    if (!by_value && c->arg[1].kind != VAL_MISSING
        && !val_is_text(c->arg[1], "key"))
        return run_error(r, "You can only sort by either \"key\" or \"value\"");
    if (c->self.kind == VAL_UNDEF)
        return run_undefined(r, c->self);
    if (c->self.kind != VAL_DICT)
        return run_error(r, "'%s' object has no attribute 'items'",
                         val_type_name(c->self));
    struct val view = { .kind = VAL_VIEW, .flag = VIEW_ITEMS,
                        .dict = c->self.dict };
    struct val all = val_to_list(r, view);
    struct getter get = { val_int(by_value), val_missing(),
                          !arg_true(c->arg[0], false) };
    struct list *keys = val_failed(all) ? NULL : keys_of(r, all.list, &get);
    if (keys == NULL || !reverse_arg(r, c->arg[2], &reverse)
        || !sort_by(r, all.list, keys, reverse))
        return val_of_kind(VAL_FAIL);
    return all;
}

/* ---- groupby ---- */

/* Items of one key become (grouper, list); the grouper is the first item's own
 * attribute, not its lower-case key. */
static struct val group(struct run *r, const struct getter *get,
                        const struct list *items, size_t from, size_t to)
{
    struct getter real = *get;
    real.lower = false;
    struct val list = list_new(r, VAL_LIST, to - from);
    for (size_t i = from; !val_failed(list) && i < to; i++)
        if (!list_push(r, list.list, items->at[i]))
            return val_of_kind(VAL_FAIL);
    struct val key = val_failed(list) ? list
                   : getter_get(r, &real, items->at[from]);
    if (val_failed(key))
        return key;
    struct val out = tuple_of(r, 2, (struct val[]){ key, list });
    if (!val_failed(out))
        out.flag = VAL_GROUP;
    return out;
}

struct val f_groupby(struct run *r, const struct call *c)
{
    struct getter get = { c->arg[0], c->arg[1], !arg_true(c->arg[2], false) };
    struct val all = val_to_list(r, c->self), out = list_new(r, VAL_LIST, 4);
    struct list *keys = val_failed(all) ? NULL : keys_of(r, all.list, &get);
    if (keys == NULL || val_failed(out)
        || !sort_by(r, all.list, keys, false))
        return val_of_kind(VAL_FAIL);
    for (size_t from = 0, to; from < keys->n; from = to) {
        bool equal = true;
        for (to = from + 1; to < keys->n; to++) {
            if (!val_equal(r, keys->at[from], keys->at[to], &equal))
                return val_of_kind(VAL_FAIL);
            if (!equal)
                break;
        }
        struct val g = group(r, &get, all.list, from, to);
        if (val_failed(g) || !list_push(r, out.list, g))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}
