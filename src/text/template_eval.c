/* Expressions: one function for each kind of node.
 *
 * Parts are evaluated in Python's order, and only those it would evaluate:
 * and, or, if and chained comparisons stop where their value is known, so a
 * template may guard a part that would fail.  Before anything that can fail,
 * run.at is set back to the node itself: its parts have moved it, and errors
 * point with it. */
#include "text/template_run.h"

/* A variable that nobody has set is undefined, which is a value, not an error:
 * what is done with it decides. */
static struct val eval_name(struct run *r, const struct node *n)
{
    const struct frame *f = r->frame;
    for (unsigned i = 0; i < n->at.hops; i++)
        f = f->parent;
    struct val v = f->slots[n->at.slot];
    if (v.kind == VAL_MISSING)
        return (struct val){ .kind = VAL_UNDEF, .flag = UNDEF_NAME,
                             .str = n->value.str };
    return v;
}

static struct val eval_sequence(struct run *r, const struct node *n)
{
    enum val_kind kind = n->kind == NODE_LIST ? VAL_LIST : VAL_TUPLE;
    struct val out = list_new(r, kind, 4);
    for (const struct node *c = n->list; c != NULL && !val_failed(out);
         c = c->next) {
        struct val v = eval(r, c);
        if (val_failed(v) || !list_push(r, out.list, v))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

static struct val eval_dict(struct run *r, const struct node *n)
{
    struct val out = dict_new(r);
    for (const struct node *c = n->list; c != NULL && !val_failed(out);
         c = c->next) {
        struct val key = eval(r, c->a);
        struct val v = val_failed(key) ? key : eval(r, c->b);
        r->at = c;
        if (val_failed(v) || !dict_set(r, out.dict, key, v))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

/* a ~ b ~ c: everything becomes text first; markup loses its mark. */
static struct val eval_concat(struct run *r, const struct node *n)
{
    struct build b;
    bool ok = true;
    build_begin(&b, r);
    for (const struct node *c = n->list; ok && c != NULL; c = c->next) {
        struct val v = eval(r, c);
        if (!val_failed(v))
            v = r->autoescape ? str_escape(r, v) : val_to_str(r, v);
        ok = !val_failed(v);
        if (ok)
            build_put(&b, val_slice(v));
    }
    struct val out = build_end(&b);
    if (r->autoescape)
        out.flag = VAL_MARKUP;
    return ok ? out : val_of_kind(VAL_FAIL);
}

/* a < b < c: each part is evaluated once, and only as long as it holds. */
static struct val eval_compare(struct run *r, const struct node *n)
{
    struct val left = eval(r, n->a), out = val_bool(true);
    for (const struct node *c = n->list; c != NULL; c = c->next) {
        if (val_failed(left))
            return left;
        struct val right = eval(r, c->a);
        r->at = n;
        if (val_failed(right))
            return right;
        out = val_compare(r, (enum op)c->op, left, right);
        if (val_failed(out) || !val_true(out))
            return out;
        left = right;
    }
    return out;
}

static struct val eval_cond(struct run *r, const struct node *n)
{
    struct val test = eval(r, n->a);
    if (val_failed(test))
        return test;
    if (val_true(test))
        return eval(r, n->b);
    if (n->c != NULL)
        return eval(r, n->c);
    return undef_hint(r, "the inline if-expression evaluated to false and no"
                         " else section was defined.");
}

/* A slice goes past getitem, as in the reference: what cannot be sliced is an
 * error here, while an index that is not there is undefined. */
static struct val eval_slice(struct run *r, const struct node *n)
{
    const struct node *nodes[3] = { n->b, n->c, n->list };
    struct val part[3], object = eval(r, n->a);
    if (val_failed(object))
        return object;
    for (int i = 0; i < 3; i++) {
        part[i] = nodes[i] != NULL ? eval(r, nodes[i]) : val_none();
        if (val_failed(part[i]))
            return part[i];
    }
    r->at = n;
    return get_slice(r, object, part);
}

static struct val eval_call(struct run *r, const struct node *n)
{
    struct args args;
    struct val callee = eval(r, n->a);
    if (val_failed(callee) || !call_args(r, n, &args))
        return val_of_kind(VAL_FAIL);
    r->at = n;
    return call_value(r, callee, &args);
}

/* Tests are called like filters.  An unknown name got this far only inside an
 * `if`, where the reference, too, waits until it is needed. */
static struct val eval_filter(struct run *r, const struct node *n)
{
    struct args args;
    struct val v = n->a != NULL ? eval(r, n->a) : r->block_text;
    if (val_failed(v) || !call_args(r, n, &args))
        return val_of_kind(VAL_FAIL);
    r->at = n;
    if (n->row == NULL)
        return run_error(r, "No %s named '%.*s'.",
                         n->kind == NODE_FILTER ? "filter" : "test",
                         (int)n->value.str->len, n->value.str->at);
    return call_row(r, n->row, v, &args);
}

static struct val eval_binary(struct run *r, const struct node *n)
{
    struct val a = eval(r, n->a);
    struct val b = val_failed(a) ? a : eval(r, n->b);
    r->at = n;
    return val_failed(b) ? b : val_binary(r, (enum op)n->op, a, b);
}

/* Operations on one part. */
static struct val eval_over(struct run *r, const struct node *n)
{
    struct val v = eval(r, n->a);
    r->at = n;
    if (val_failed(v))
        return v;
    switch ((enum node_kind)n->kind) {
    case NODE_NOT:   return val_bool(!val_true(v));
    case NODE_AND:   return val_true(v) ? eval(r, n->b) : v;
    case NODE_OR:    return val_true(v) ? v : eval(r, n->b);
    case NODE_UNARY: return val_unary(r, (enum op)n->op, v);
    default:         return get_attr(r, v, n->value);
    }
}

static struct val eval_item(struct run *r, const struct node *n)
{
    struct val v = eval(r, n->a);
    struct val key = val_failed(v) ? v : eval(r, n->b);
    r->at = n;
    return val_failed(key) ? key : get_item(r, v, key);
}

static struct val eval_kind(struct run *r, const struct node *n)
{
    switch ((enum node_kind)n->kind) {
    case NODE_TUPLE:
    case NODE_LIST:    return eval_sequence(r, n);
    case NODE_DICT:    return eval_dict(r, n);
    case NODE_CONCAT:  return eval_concat(r, n);
    case NODE_COMPARE: return eval_compare(r, n);
    case NODE_COND:    return eval_cond(r, n);
    case NODE_SLICE:   return eval_slice(r, n);
    case NODE_CALL:    return eval_call(r, n);
    case NODE_FILTER:
    case NODE_TEST:    return eval_filter(r, n);
    case NODE_BINARY:  return eval_binary(r, n);
    case NODE_ITEM:    return eval_item(r, n);
    default:           return eval_over(r, n);
    }
}

/* Names and constants are most of all nodes: they take no depth. */
struct val eval(struct run *r, const struct node *n)
{
    if (!run_steps(r, 1))
        return val_of_kind(VAL_FAIL);
    if (n->kind == NODE_CONST)
        return n->value;
    if (n->kind == NODE_NAME)
        return eval_name(r, n);
    if (!run_deeper(r))
        return val_of_kind(VAL_FAIL);
    r->at = n;
    struct val v = eval_kind(r, n);
    r->depth--;
    return v;
}
