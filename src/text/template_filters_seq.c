/* Filters on sequences.
 *
 * Those that are generators in Jinja are stages here: they do nothing until
 * somebody walks over them, and can be walked once.  It shows: a filter's
 * mistake in its arguments is no error while nobody looks, `if x|select` is
 * always true, and a second loop over the same one is empty. */
#include "text/template_filters.h"

#include "text/template_str.h"

/* ---- attributes of items ---- */

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

static struct val step(struct run *r, const struct getter *g, struct val item,
                       struct val key)
{
    item = get_item(r, item, key);
    if (item.kind == VAL_UNDEF && val_given(g->otherwise))
        return g->otherwise;
    return item;
}

static struct val walk_path(struct run *r, const struct getter *g,
                            struct val item, struct slice path)
{
    for (;;) {
        size_t dot = slice_find(path, SLICE("."), 0);
        struct slice part = { path.at, dot };
        int64_t i = 0;
        struct val key;
        if (all_digits(part) && text_to_whole(part, 10, &i) == WHOLE_OK)
            key = val_int(i);
        else
            key = str_share(r, part);
        item = val_failed(key) ? key : step(r, g, item, key);
        if (val_failed(item) || dot == path.len)
            return item;
        path = slice_from(path, dot + 1);
    }
}

struct val getter_get(struct run *r, const struct getter *g, struct val item)
{
    if (g->attribute.kind == VAL_STR)
        item = walk_path(r, g, item, val_slice(g->attribute));
    else if (val_given(g->attribute))
        item = step(r, g, item, g->attribute);
    if (g->lower && item.kind == VAL_STR)
        item = str_case(r, item, CASE_LOWER);
    return item;
}

/* ---- stages ---- */

/* What map, select and their kin do to each item. */
struct stage {
    struct iter  *from;
    struct getter get;
    bool          by_attribute;
    struct val    name;           /* of a filter or test; MISSING: none */
    struct args   args;           /* behind the name */
    bool          reject;
};

/* What is in hand when the walk begins; errors come no earlier in Jinja. */
struct lazy {
    struct val  src;
    struct args args;
    bool        attr, reject, map, ready;
    struct stage stage;
};

static bool ready_map(struct run *r, struct lazy *l)
{
    struct stage *s = &l->stage;
    const struct args *a = &l->args;
    if (a->n > 0) {
        s->name = a->at[0];
        s->args = (struct args){ a->at + 1, a->n - 1, a->kw, a->n_kw };
        return true;
    }
    for (size_t i = 0; i < a->n_kw; i++) {
        if (val_is_text(a->kw[i].name, "attribute")) {
            s->get.attribute = a->kw[i].value;
            s->by_attribute = true;
        } else if (val_is_text(a->kw[i].name, "default")) {
            s->get.otherwise = a->kw[i].value;
        } else {
            run_error(r, "Unexpected keyword argument");
            return false;
        }
    }
    if (!s->by_attribute)
        run_error(r, "map requires a filter argument");
    return s->by_attribute;
}

static bool ready_select(struct run *r, struct lazy *l)
{
    struct stage *s = &l->stage;
    const struct args *a = &l->args;
    size_t off = l->attr ? 1 : 0;
    s->reject = l->reject;
    if (l->attr && a->n == 0) {
        run_error(r, "Missing parameter for attribute name");
        return false;
    }
    if (l->attr)
        s->get.attribute = a->at[0];
    if (a->n > off) {
        s->name = a->at[off];
        s->args = (struct args){ a->at + off + 1, a->n - off - 1, a->kw,
                                 a->n_kw };
    }
    return true;
}

static int next_mapped(struct run *r, struct stage *s, struct val *item)
{
    int more = iter_next(r, s->from, item);
    if (more <= 0)
        return more;
    *item = s->by_attribute ? getter_get(r, &s->get, *item)
                            : call_filter(r, s->name, *item, &s->args);
    return val_failed(*item) ? -1 : 1;
}

static int next_selected(struct run *r, struct stage *s, struct val *item)
{
    int more;
    while ((more = iter_next(r, s->from, item)) > 0) {
        struct val v = getter_get(r, &s->get, *item);
        if (!val_failed(v) && s->name.kind != VAL_MISSING)
            v = call_test(r, s->name, v, &s->args);
        if (val_failed(v))
            return -1;
        if (val_true(v) != s->reject)
            return 1;
    }
    return more;
}

static int next_lazy(struct run *r, struct iter *it, struct val *item)
{
    struct lazy *l = it->more;
    if (!run_deeper(r))
        return -1;
    int more = 0;
    if (!l->ready) {
        l->ready = true;
        if (!val_true(l->src))             /* nothing is looked at, then */
            l->stage.from = iter_open(r, str_share(r, SLICE("")));
        else if (l->map ? ready_map(r, l) : ready_select(r, l))
            l->stage.from = iter_open(r, l->src);
    }
    if (l->stage.from == NULL)
        more = -1;
    else
        more = l->map ? next_mapped(r, &l->stage, item)
                      : next_selected(r, &l->stage, item);
    r->depth--;
    return more;
}

static struct val lazy(struct run *r, const struct call *c, struct lazy how)
{
    struct lazy *l = run_take(r, 1, sizeof *l);
    if (l == NULL)
        return val_of_kind(VAL_FAIL);
    *l = how;
    l->src = c->self;
    l->args = *c->args;
    l->stage.name = l->stage.get.attribute = l->stage.get.otherwise =
        val_missing();
    return iter_new(r, "generator", next_lazy, c->self, l);
}

struct val f_map(struct run *r, const struct call *c)
{
    return lazy(r, c, (struct lazy){ .map = true });
}

struct val f_select(struct run *r, const struct call *c)
{
    return lazy(r, c, (struct lazy){ .reject = false });
}

struct val f_reject(struct run *r, const struct call *c)
{
    return lazy(r, c, (struct lazy){ .reject = true });
}

struct val f_selectattr(struct run *r, const struct call *c)
{
    return lazy(r, c, (struct lazy){ .attr = true });
}

struct val f_rejectattr(struct run *r, const struct call *c)
{
    return lazy(r, c, (struct lazy){ .attr = true, .reject = true });
}

struct unique {
    struct iter  *from;
    struct getter get;
    struct dict  *seen;
};

static int next_unique(struct run *r, struct iter *it, struct val *item)
{
    struct unique *u = it->more;
    struct val key, found;
    int more;
    if (u->from == NULL && (u->from = iter_open(r, it->src)) == NULL)
        return -1;
    while ((more = iter_next(r, u->from, item)) > 0) {
        key = getter_get(r, &u->get, *item);
        if (val_failed(key) || !dict_get(r, u->seen, key, &found))
            return -1;
        if (found.kind == VAL_MISSING)
            return dict_set(r, u->seen, key, val_none()) ? 1 : -1;
    }
    return more;
}

struct val f_unique(struct run *r, const struct call *c)
{
    struct unique *u = run_take(r, 1, sizeof *u);
    struct val seen = dict_new(r);
    if (u == NULL || val_failed(seen))
        return val_of_kind(VAL_FAIL);
    *u = (struct unique){ .get = { c->arg[1], val_missing(),
                                   !arg_true(c->arg[0], false) },
                          .seen = seen.dict };
    return iter_new(r, "generator", next_unique, c->self, u);
}

/* The list `src` is turned into by a generator, when it is first asked. */
static int next_made(struct run *r, struct iter *it, struct val *item)
{
    struct call *c = it->more;
    if (it->src.kind != VAL_LIST) {
        it->src = c->row->run(r, c);
        if (val_failed(it->src))
            return -1;
    }
    if (it->i >= it->src.list->n)
        return 0;
    *item = it->src.list->at[it->i++];
    return 1;
}

static struct val later(struct run *r, const struct call *c,
                        struct val (*make)(struct run *, const struct call *))
{
    struct call *copy = run_take(r, 1, sizeof *copy);
    struct builtin *row = run_take(r, 1, sizeof *row);
    if (copy == NULL || row == NULL)
        return val_of_kind(VAL_FAIL);
    *row = (struct builtin){ c->row->name, make, "" };
    *copy = *c;
    copy->row = row;
    return iter_new(r, "generator", next_made, val_missing(), copy);
}

static struct val make_items(struct run *r, const struct call *c)
{
    if (c->self.kind == VAL_UNDEF)
        return list_new(r, VAL_LIST, 0);
    if (c->self.kind != VAL_DICT)
        return run_error(r, "Can only get item pairs from a mapping.");
    return val_to_list(r, (struct val){ .kind = VAL_VIEW, .flag = VIEW_ITEMS,
                                        .dict = c->self.dict });
}

struct val f_items(struct run *r, const struct call *c)
{
    return later(r, c, make_items);
}

static struct val make_batch(struct run *r, const struct call *c)
{
    struct val all = val_to_list(r, c->self), out = list_new(r, VAL_LIST, 4);
    struct val row = val_missing();
    int64_t width;
    if (val_failed(all) || val_failed(out))
        return val_of_kind(VAL_FAIL);
    /* The width is asked for when there is something to put into a row. */
    if (all.list->n == 0)
        return out;
    if (!to_index(r, c->arg[0], &width))
        return val_of_kind(VAL_FAIL);
    for (size_t i = 0; i < all.list->n; i++) {
        if (row.kind == VAL_MISSING || (int64_t)row.list->n == width) {
            if (row.kind == VAL_MISSING && width == 0
                && !list_push(r, out.list, list_new(r, VAL_LIST, 0)))
                return val_of_kind(VAL_FAIL);
            row = list_new(r, VAL_LIST, 4);
            if (val_failed(row) || !list_push(r, out.list, row))
                return val_of_kind(VAL_FAIL);
        }
        if (!list_push(r, row.list, all.list->at[i]) || !run_steps(r, 1))
            return val_of_kind(VAL_FAIL);
    }
    while (row.kind == VAL_LIST && val_given(c->arg[1])
           && (int64_t)row.list->n < width)
        if (!list_push(r, row.list, c->arg[1]) || !run_steps(r, 1))
            return val_of_kind(VAL_FAIL);
    return out;
}

struct val f_batch(struct run *r, const struct call *c)
{
    return later(r, c, make_batch);
}

static struct val make_slice(struct run *r, const struct call *c)
{
    struct val all = val_to_list(r, c->self), out = list_new(r, VAL_LIST, 4);
    int64_t n;
    if (val_failed(all) || val_failed(out) || !to_index(r, c->arg[0], &n))
        return val_of_kind(VAL_FAIL);
    if (n == 0)
        return run_error(r, "integer division or modulo by zero");
    int64_t each = (int64_t)all.list->n / n, extra = (int64_t)all.list->n % n;
    size_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        struct val part = list_new(r, VAL_LIST, 0);
        if (val_failed(part) || !run_steps(r, 1))
            return val_of_kind(VAL_FAIL);
        for (int64_t k = 0; k < each + (i < extra); k++)
            if (!list_push(r, part.list, all.list->at[at++]))
                return val_of_kind(VAL_FAIL);
        if ((val_given(c->arg[1]) && i >= extra
             && !list_push(r, part.list, c->arg[1]))
            || !list_push(r, out.list, part))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

struct val f_slice(struct run *r, const struct call *c)
{
    return later(r, c, make_slice);
}

struct val f_reverse(struct run *r, const struct call *c)
{
    if (c->self.kind == VAL_STR) {
        struct val part[3] = { val_none(), val_none(), val_int(-1) };
        return get_slice(r, c->self, part);
    }
    struct val all = val_to_list(r, c->self);
    if (val_failed(all))
        return all;
    for (size_t i = 0, n = all.list->n; i < n / 2; i++) {
        struct val v = all.list->at[i];
        all.list->at[i] = all.list->at[n - 1 - i];
        all.list->at[n - 1 - i] = v;
    }
    if (c->self.kind == VAL_ITER)
        return all;
    struct iter *it = iter_open(r, all);
    if (it == NULL)
        return val_of_kind(VAL_FAIL);
    it->type = "list_reverseiterator";
    return (struct val){ .kind = VAL_ITER, .iter = it };
}

/* ---- to one value ---- */

struct val f_list(struct run *r, const struct call *c)
{
    return val_to_list(r, c->self);
}

struct val f_first(struct run *r, const struct call *c)
{
    struct iter *it = iter_open(r, c->self);
    struct val item;
    int more = it == NULL ? -1 : iter_next(r, it, &item);
    if (more < 0)
        return val_of_kind(VAL_FAIL);
    return more > 0 ? item
                    : undef_hint(r, "No first item, sequence was empty.");
}

struct val f_last(struct run *r, const struct call *c)
{
    if (c->self.kind == VAL_ITER)
        return run_error(r, "'%s' object is not reversible",
                         val_type_name(c->self));
    struct val all = val_to_list(r, c->self);
    if (val_failed(all))
        return all;
    return all.list->n > 0 ? all.list->at[all.list->n - 1]
                           : undef_hint(r, "No last item, sequence was empty.");
}

struct val f_join(struct run *r, const struct call *c)
{
    struct getter get = { c->arg[1], val_missing(), false };
    struct iter *it = iter_open(r, c->self);
    struct val sep = c->arg[0].kind == VAL_MISSING ? str_share(r, SLICE(""))
                                                   : val_to_str(r, c->arg[0]);
    struct val item;
    struct build b;
    bool first = true;
    int more = it == NULL || val_failed(sep) ? -1 : 1;
    build_begin(&b, r);
    while (more > 0 && (more = iter_next(r, it, &item)) > 0) {
        item = getter_get(r, &get, item);
        item = val_failed(item) ? item : val_to_str(r, item);
        if (val_failed(item))
            break;
        if (!first)
            build_put(&b, val_slice(sep));
        build_put(&b, val_slice(item));
        first = false;
    }
    return build_end(&b);
}

struct val f_sum(struct run *r, const struct call *c)
{
    struct getter get = { c->arg[0], val_missing(), false };
    struct iter *it = iter_open(r, c->self);
    struct val sum = c->arg[1].kind == VAL_MISSING ? val_int(0) : c->arg[1];
    struct val item;
    int more = it == NULL ? -1 : 1;
    if (sum.kind == VAL_STR)
        return run_error(r, "sum() can't sum strings [use ''.join(seq)"
                            " instead]");
    while (more > 0 && (more = iter_next(r, it, &item)) > 0) {
        item = getter_get(r, &get, item);
        sum = val_failed(item) ? item : val_binary(r, OP_ADD, sum, item);
        if (val_failed(sum))
            return sum;
    }
    return more < 0 ? val_of_kind(VAL_FAIL) : sum;
}

static struct val extreme(struct run *r, const struct call *c, bool greatest)
{
    struct getter get = { c->arg[1], val_missing(),
                          !arg_true(c->arg[0], false) };
    struct iter *it = iter_open(r, c->self);
    struct val item, best = val_missing(), best_key = val_missing();
    int more = it == NULL ? -1 : 1;
    while (more > 0 && (more = iter_next(r, it, &item)) > 0) {
        struct val key = getter_get(r, &get, item);
        bool better = best.kind == VAL_MISSING;
        if (val_failed(key)
            || (!better && !(greatest ? val_less(r, best_key, key, &better)
                                      : val_less(r, key, best_key, &better))))
            return val_of_kind(VAL_FAIL);
        if (better) {
            best = item;
            best_key = key;
        }
    }
    if (more < 0)
        return val_of_kind(VAL_FAIL);
    return best.kind != VAL_MISSING ? best
        : undef_hint(r, "No aggregated item, sequence was empty.");
}

struct val f_max(struct run *r, const struct call *c)
{
    return extreme(r, c, true);
}

struct val f_min(struct run *r, const struct call *c)
{
    return extreme(r, c, false);
}
