/* Calls: arguments, rows of the tables, macros, and what else can be called.
 *
 * Built-in functions are rows with a parameter list in words; `bind` lays the
 * arguments of a call out in that order, so a function only looks at arg[0],
 * arg[1] ... and never at keywords.  Macros have their parameters in the tree
 * and their own rules: too few arguments are undefined, too many an error,
 * unless the body mentions varargs or kwargs. */
#include "text/template_run.h"

#include "base/limits.h"

const struct builtin *table_find(struct table t, struct slice name)
{
    for (size_t i = 0; i < t.n; i++)
        if (slice_is(name, t.rows[i].name))
            return &t.rows[i];
    return NULL;
}

/* ---- evaluating arguments ---- */

static size_t count(const struct node *n)
{
    size_t i = 0;
    for (; n != NULL; n = n->next)
        i++;
    return i;
}

/* *expr: its items behind the others. */
static bool spread_list(struct run *r, const struct node *n, struct list *into)
{
    struct val v = eval(r, n);
    struct iter *it = val_failed(v) ? NULL : iter_open(r, v);
    struct val item;
    int more = it == NULL ? -1 : 1;
    while (it != NULL && (more = iter_next(r, it, &item)) > 0)
        if (!list_push(r, into, item))
            return false;
    return more == 0;
}

/* **expr: a mapping with names for keys. */
static bool spread_dict(struct run *r, const struct node *n,
                        struct keyword **kw, size_t *n_kw)
{
    struct val v = eval(r, n);
    if (val_failed(v))
        return false;
    if (v.kind != VAL_DICT) {
        run_error(r, "argument after ** must be a mapping, not %s",
                  val_type_name(v));
        return false;
    }
    struct keyword *all = run_take(r, *n_kw + v.dict->n + 1, sizeof *all);
    if (all == NULL)
        return false;
    for (size_t i = 0; i < *n_kw; i++)
        all[i] = (*kw)[i];
    for (uint32_t i = 0; i < v.dict->n; i++) {
        struct val key = v.dict->at[i].key;
        if (key.kind != VAL_STR) {
            run_error(r, "keywords must be strings");
            return false;
        }
        for (size_t k = 0; k < *n_kw; k++)
            if (slice_eq(val_slice((*kw)[k].name), val_slice(key))) {
                run_error(r, "got multiple values for a keyword argument");
                return false;
            }
        all[*n_kw + i] = (struct keyword){ key, v.dict->at[i].value };
    }
    *kw = all;
    *n_kw += v.dict->n;
    return true;
}

bool call_args(struct run *r, const struct node *n, struct args *out)
{
    size_t n_kw = count(n->other), i = 0;
    struct val list = list_new(r, VAL_LIST, count(n->list));
    struct keyword *kw = run_take(r, n_kw + 1, sizeof *kw);
    if (val_failed(list) || kw == NULL)
        return false;
    for (const struct node *c = n->list; c != NULL; c = c->next) {
        struct val v = eval(r, c);
        if (val_failed(v) || !list_push(r, list.list, v))
            return false;
    }
    for (const struct node *c = n->other; c != NULL; c = c->next) {
        kw[i] = (struct keyword){ c->value, eval(r, c->a) };
        if (val_failed(kw[i++].value))
            return false;
    }
    if ((n->b != NULL && !spread_list(r, n->b, list.list))
        || (n->c != NULL && !spread_dict(r, n->c, &kw, &n_kw)))
        return false;
    *out = (struct args){ list.list->at, list.list->n, kw, n_kw };
    return true;
}

/* ---- binding them to a row's parameters ---- */

/* One word of a row's parameter list. */
struct param {
    struct slice name;
    bool         optional, keyword;
};

/* Take the next name off a parameter list. */
static bool next_param(struct slice *spec, struct param *out)
{
    if (spec->len == 0)
        return false;
    size_t end = slice_find(*spec, SLICE(" "), 0);
    out->name = (struct slice){ spec->at, end };
    *spec = slice_from(*spec, end < spec->len ? end + 1 : end);
    out->optional = slice_ends(out->name, SLICE("?"));
    out->name.len -= out->optional;
    return true;
}

/* Parameter i: by position, else by name. */
static bool bind_one(struct run *r, struct call *c, const struct param *p,
                     size_t i, size_t *used)
{
    const struct args *a = c->args;
    c->arg[i] = i < a->n ? a->at[i] : val_missing();
    for (size_t k = 0; p->keyword && k < a->n_kw; k++) {
        if (!slice_eq(val_slice(a->kw[k].name), p->name))
            continue;
        if (i < a->n) {
            run_error(r, "%s() got multiple values for argument '%.*s'",
                      c->row->name, (int)p->name.len, p->name.at);
            return false;
        }
        c->arg[i] = a->kw[k].value;
        ++*used;
    }
    if (c->arg[i].kind == VAL_MISSING && !p->optional) {
        run_error(r, "%s() missing argument '%.*s'", c->row->name,
                  (int)p->name.len, p->name.at);
        return false;
    }
    return true;
}

/* Lay the arguments out in the row's order.  False: an error is recorded. */
static bool bind(struct run *r, struct call *c)
{
    struct slice spec = slice_of(c->row->params);
    bool has_mark = slice_find(spec, SLICE("/"), 0) < spec.len;
    struct param p = { .keyword = !has_mark };
    size_t n = 0, used = 0;
    while (next_param(&spec, &p)) {
        if (slice_is(p.name, "/"))
            p.keyword = true;
        else if (!bind_one(r, c, &p, n++, &used))
            return false;
    }
    if (c->args->n > n || used < c->args->n_kw) {
        run_error(r, c->args->n > n ? "%s() got too many arguments"
                                    : "%s() got an unexpected keyword argument",
                  c->row->name);
        return false;
    }
    while (n < ARGS_MAX)
        c->arg[n++] = val_missing();
    return true;
}

struct val call_row(struct run *r, const struct builtin *row, struct val self,
                    const struct args *args)
{
    struct call c = { .self = self, .args = args, .row = row };
    if (row->params[0] != '*' && !bind(r, &c))
        return val_of_kind(VAL_FAIL);
    if (!run_deeper(r))
        return val_of_kind(VAL_FAIL);
    struct val v = row->run(r, &c);
    r->depth--;
    return v;
}

static struct val call_named(struct run *r, struct table t, const char *what,
                             struct val name, struct val v,
                             const struct args *args)
{
    const struct builtin *row = NULL;
    if (name.kind == VAL_STR)
        row = table_find(t, val_slice(name));
    if (row == NULL)
        return run_error(r, "No %s named '%.*s'.", what,
                         name.kind == VAL_STR ? (int)name.str->len : 0,
                         name.kind == VAL_STR ? name.str->at : "");
    return call_row(r, row, v, args);
}

struct val call_filter(struct run *r, struct val name, struct val v,
                       const struct args *args)
{
    return call_named(r, table_filters(), "filter", name, v, args);
}

struct val call_test(struct run *r, struct val name, struct val v,
                     const struct args *args)
{
    return call_named(r, table_tests(), "test", name, v, args);
}

/* ---- macros ---- */

/* Give a macro's parameters what the call has for them. */
static void bind_macro(const struct macro *m, struct frame *f,
                       const struct args *args)
{
    size_t i = 0;
    for (const struct node *p = m->node->list; p != NULL; p = p->next, i++) {
        struct val v = i < args->n ? args->at[i] : val_missing();
        for (size_t k = 0; i >= args->n && k < args->n_kw; k++)
            if (slice_eq(val_slice(args->kw[k].name), val_slice(p->value)))
                v = args->kw[k].value;
        f->slots[p->at.slot] = v;
    }
}

/* Whether keyword k went to a parameter. */
static bool is_bound(const struct macro *m, const struct args *args, size_t k)
{
    size_t i = 0;
    for (const struct node *p = m->node->list; p != NULL; p = p->next, i++)
        if (i >= args->n
            && slice_eq(val_slice(args->kw[k].name), val_slice(p->value)))
            return true;
    return false;
}

/* caller, kwargs and varargs. */
static bool bind_specials(struct run *r, const struct macro *m, struct frame *f,
                          const struct args *args)
{
    const struct node *n = m->node;
    size_t n_params = count(n->list);
    struct val rest = dict_new(r), caller = undef_hint(r, "No caller defined");
    if (val_failed(rest) || val_failed(caller))
        return false;
    for (size_t k = 0; k < args->n_kw; k++) {
        struct val name = args->kw[k].name;
        if (is_bound(m, args, k))
            continue;
        if ((n->flags & NODE_CALLER) && val_is_text(name, "caller")) {
            if (args->kw[k].value.kind != VAL_NONE)
                caller = args->kw[k].value;
        } else if (!dict_set(r, rest.dict, name, args->kw[k].value)) {
            return false;
        }
    }
    if (rest.dict->n > 0 && !(n->flags & NODE_KWARGS)) {
        struct slice name = val_slice(rest.dict->at[0].key);
        run_error(r, "macro takes no keyword argument '%.*s'",
                  (int)(name.len < 100 ? name.len : 100), name.at);
        return false;
    }
    if (args->n > n_params && !(n->flags & NODE_VARARGS)) {
        run_error(r, "macro takes not more than %zu argument(s)", n_params);
        return false;
    }
    if (n->flags & NODE_CALLER)
        f->slots[n->scope->special] = caller;
    if (n->flags & NODE_KWARGS)
        f->slots[n->scope->kwargs] = rest;
    if (n->flags & NODE_VARARGS) {
        bool more = args->n > n_params;
        struct val v = tuple_of(r, more ? args->n - n_params : 0,
                                more ? args->at + n_params : NULL);
        f->slots[n->scope->varargs] = v;
        return !val_failed(v);
    }
    return true;
}

/* Defaults are evaluated inside the macro at each call: they see parameters to
 * their left, and the outer variables as they are now. */
static bool fill_defaults(struct run *r, const struct node *n)
{
    for (const struct node *p = n->list; p != NULL; p = p->next) {
        if (r->frame->slots[p->at.slot].kind != VAL_MISSING)
            continue;
        struct val v = p->b != NULL
            ? eval(r, p->b) : undef_hint(r, "parameter was not provided");
        if (val_failed(v))
            return false;
        r->frame->slots[p->at.slot] = v;
    }
    return true;
}

/* A macro's value is the text its body writes.  The output goes back to where
 * it was on every way out, also when the body failed halfway. */
static struct val call_macro(struct run *r, const struct macro *m,
                             const struct args *args)
{
    struct frame *here = r->frame;
    size_t mark = r->out->len;
    struct frame *f = frame_push(r, m->frame, m->node->scope->n_slots);
    if (f == NULL)
        return val_of_kind(VAL_FAIL);
    bind_macro(m, f, args);
    struct val v = val_of_kind(VAL_FAIL);
    if (bind_specials(r, m, f, args) && scope_enter(r, m->node->scope)
        && fill_defaults(r, m->node)
        && exec_list(r, m->node->body) != FLOW_FAIL)
        v = capture(r, mark);
    r->out->len = mark;
    frame_pop(r, here);
    return v;
}

/* loop(items): the recursive loop's text for these. */
static struct val call_loop(struct run *r, const struct loop *l,
                            const struct args *args)
{
    struct frame *here = r->frame;
    size_t mark = r->out->len;
    if (l->recurse == NULL)
        return run_error(r, "The loop must have the 'recursive' marker to be"
                            " called recursively.");
    if (args->n != 1 || args->n_kw != 0)
        return run_error(r, "loop() takes one argument");
    r->frame = l->frame;
    enum flow flow = exec_for(r, l->recurse, args->at[0], l->depth0 + 1);
    struct val v = flow == FLOW_FAIL ? val_of_kind(VAL_FAIL)
                                     : capture(r, mark);
    r->out->len = mark;
    r->frame = here;
    return v;
}

static struct val call_joiner(struct run *r, struct joiner *j,
                              const struct args *args)
{
    if (args->n + args->n_kw > 0)
        return run_error(r, "joiner() takes no arguments");
    bool first = !j->used;
    j->used = true;
    return first ? str_share(r, SLICE("")) : j->sep;
}

/* What calls itself is counted: templates recurse over JSON schemas, whose
 * depth the request decides. */
static struct val call_nested(struct run *r, struct val callee,
                              const struct args *args)
{
    if (r->calls >= LIMIT_TEMPLATE_CALLS)
        return run_fail(r, ERR_LIMIT, "more than %d macro calls inside each"
                                      " other", LIMIT_TEMPLATE_CALLS);
    r->calls++;
    struct val v = callee.kind == VAL_MACRO ? call_macro(r, callee.macro, args)
                                            : call_loop(r, callee.loop, args);
    r->calls--;
    return v;
}

struct val call_value(struct run *r, struct val callee, const struct args *args)
{
    switch ((enum val_kind)callee.kind) {
    case VAL_MACRO:
    case VAL_LOOP:
        return call_nested(r, callee, args);
    case VAL_FUNCTION:
        return call_row(r, callee.function, callee, args);
    case VAL_METHOD:
        return call_row(r, callee.method->row, callee.method->self, args);
    case VAL_JOINER:
        return call_joiner(r, callee.joiner, args);
    case VAL_UNDEF:
        return run_undefined(r, callee);
    default:
        return run_error(r, "'%s' object is not callable",
                         val_type_name(callee));
    }
}
