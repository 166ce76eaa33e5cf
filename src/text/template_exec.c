/* Statements.
 *
 * Output has one buffer: the caller's.  A macro, a set block or a filter block
 * remembers where its output begins and takes it back out at its end
 * (`capture`), so captures nest like calls and a `break` out of one only has to
 * leave the text where it is cut off. */
#include "text/template_run.h"

#include "base/limits.h"

/* ---- frames and scopes ---- */

struct frame *frame_push(struct run *r, struct frame *parent, size_t n)
{
    struct frame *f = NULL;
    for (struct frame **at = &r->spare; *at != NULL; at = &(*at)->parent)
        if ((*at)->n == n) {
            f = *at;
            *at = f->parent;
            break;
        }
    if (f == NULL)
        f = run_take(r, 1, sizeof *f + n * sizeof f->slots[0]);
    if (f == NULL || !run_steps(r, n / 4 + 1))
        return NULL;
    f->parent = parent;
    f->n = n;
    f->captured = false;
    for (size_t i = 0; i < n; i++)
        f->slots[i] = val_missing();
    r->frame = f;
    return f;
}

/* Only frames nobody remembers are used again; few sizes occur, so the list of
 * spare ones stays short. */
void frame_pop(struct run *r, struct frame *back)
{
    struct frame *f = r->frame;
    if (!f->captured) {
        f->parent = r->spare;
        r->spare = f;
    }
    r->frame = back;
}

void frame_capture(struct frame *f)
{
    for (; f != NULL && !f->captured; f = f->parent)
        f->captured = true;
}

static struct val *slot_at(struct run *r, struct place at)
{
    struct frame *f = r->frame;
    for (unsigned i = 0; i < at.hops; i++)
        f = f->parent;
    return &f->slots[at.slot];
}

bool scope_enter(struct run *r, const struct scope *s)
{
    for (size_t i = 0; i < s->n_loads; i++) {
        const struct load *l = &s->loads[i];
        struct val *slot = &r->frame->slots[l->slot];
        if (l->kind == LOAD_PARAM)
            continue;
        *slot = val_missing();
        if (l->kind == LOAD_ALIAS) {
            *slot = *slot_at(r, l->from);
        } else if (l->kind == LOAD_RESOLVE) {
            const struct entry *e = dict_find_str(
                r->context, (struct slice){ l->name->at, l->name->len });
            if (e != NULL)
                *slot = e->value;
        }
    }
    return run_steps(r, s->n_loads);
}

void scope_leave(struct run *r, const struct scope *s)
{
    for (size_t i = 0; i < s->n_loads; i++)
        r->frame->slots[s->loads[i].slot] = val_missing();
}

/* ---- assignment ---- */

static bool assign_attribute(struct run *r, const struct node *target,
                             struct val v)
{
    struct val ns = *slot_at(r, target->at), name = target->list->value;
    if (ns.kind != VAL_NAMESPACE)
        return run_refuse(r, "cannot assign attribute on"
                                       " non-namespace object");
    if (name.str->len > 0 && name.str->at[0] == '_')
        return run_refuse(r, "attributes that begin with an"
                                       " underscore cannot be stored");
    return dict_set(r, ns.dict, name, v);
}

/* Unpacking: as many values as targets, no more and no fewer. */
static bool assign_tuple(struct run *r, struct val *slots, uint32_t shift,
                         const struct node *target, struct val v)
{
    struct iter *it = iter_open(r, v);
    const struct node *part = target->list;
    struct val item;
    int more = 0;
    if (it == NULL)
        return false;
    for (; part != NULL; part = part->next) {
        if ((more = iter_next(r, it, &item)) <= 0)
            break;
        if (!assign(r, slots, shift, part, item))
            return false;
    }
    if (part == NULL)
        more = iter_next(r, it, &item);
    if (more < 0)
        return false;
    if (part != NULL || more > 0) {
        run_error(r, part != NULL ? "not enough values to unpack"
                                  : "too many values to unpack");
        return false;
    }
    return true;
}

bool assign(struct run *r, struct val *slots, uint32_t shift,
            const struct node *target, struct val v)
{
    r->at = target;
    if (target->kind == NODE_TUPLE)
        return assign_tuple(r, slots, shift, target, v);
    if (target->kind == NODE_NSREF)
        return assign_attribute(r, target, v);
    slots[target->at.slot - shift] = v;
    if ((target->flags & NODE_TOPLEVEL) && r->t->has_blocks)
        return dict_set(r, r->context, target->value, v);
    return true;
}

static enum flow assigned(bool ok)
{
    return ok ? FLOW_NEXT : FLOW_FAIL;
}

/* ---- captures ---- */

static enum flow exec_macro(struct run *r, const struct node *n)
{
    struct val v = macro_new(r, n, n->value);
    if (val_failed(v))
        return FLOW_FAIL;
    r->frame->slots[n->at.slot] = v;
    if ((n->flags & NODE_TOPLEVEL) && r->t->has_blocks
        && !dict_set(r, r->context, n->value, v))
        return FLOW_FAIL;
    return FLOW_NEXT;
}

struct val macro_new(struct run *r, const struct node *n, struct val name)
{
    struct macro *m = run_take(r, 1, sizeof *m);
    if (m == NULL)
        return val_of_kind(VAL_FAIL);
    *m = (struct macro){ .node = n, .frame = r->frame, .name = name };
    frame_capture(r->frame);
    return (struct val){ .kind = VAL_MACRO, .macro = m };
}

/* A piece of output that must be text already. */
static enum flow write_text(struct run *r, struct val v)
{
    if (val_failed(v))
        return FLOW_FAIL;
    if (v.kind != VAL_STR) {
        run_error(r, "expected text, %s found", val_type_name(v));
        return FLOW_FAIL;
    }
    return assigned(run_write(r, val_slice(v)));
}

static enum flow exec_call_block(struct run *r, const struct node *n)
{
    struct val caller = macro_new(r, n, val_none());
    struct args args = { 0 };
    if (val_failed(caller))
        return FLOW_FAIL;
    if (n->a == NULL)
        return write_text(r, call_value(r, caller, &args));
    struct val callee = eval(r, n->a->a);
    struct val name = str_share(r, SLICE("caller"));
    if (val_failed(callee) || val_failed(name) || !call_args(r, n->a, &args))
        return FLOW_FAIL;
    struct keyword *kw = run_take(r, args.n_kw + 1, sizeof *kw);
    if (kw == NULL)
        return FLOW_FAIL;
    for (size_t i = 0; i < args.n_kw; i++) {
        kw[i] = args.kw[i];
        if (val_is_text(kw[i].name, "caller")) {
            run_error(r, "got multiple values for keyword argument 'caller'");
            return FLOW_FAIL;
        }
    }
    kw[args.n_kw] = (struct keyword){ name, caller };
    args.kw = kw;
    args.n_kw++;
    r->at = n;
    return write_text(r, call_value(r, callee, &args));
}

/* The body of a set or filter block as a string; *flow as it ended. */
static struct val exec_captured(struct run *r, const struct node *n,
                                enum flow *flow)
{
    size_t mark = r->out->len;
    *flow = scope_enter(r, n->scope) ? exec_list(r, n->body) : FLOW_FAIL;
    if (*flow == FLOW_NEXT)
        return capture(r, mark);
    r->out->len = mark;
    return val_of_kind(VAL_FAIL);
}

/* Filters around a captured text. */
static struct val eval_around(struct run *r, const struct node *filters,
                              struct val text)
{
    struct val outer = r->block_text;
    r->block_text = text;
    struct val v = eval(r, filters);
    r->block_text = outer;
    return v;
}

static enum flow exec_filter_block(struct run *r, const struct node *n)
{
    enum flow flow;
    struct val text = exec_captured(r, n, &flow);
    if (flow == FLOW_NEXT)
        flow = val_failed(text) ? FLOW_FAIL
                                : write_text(r, eval_around(r, n->a, text));
    scope_leave(r, n->scope);
    return flow;
}

static enum flow exec_set_block(struct run *r, const struct node *n)
{
    enum flow flow;
    struct val text = exec_captured(r, n, &flow);
    if (flow != FLOW_NEXT)
        return flow;
    if (!val_failed(text) && n->b != NULL)
        text = eval_around(r, n->b, text);
    if (val_failed(text))
        return FLOW_FAIL;
    flow = assigned(assign(r, r->frame->slots, 0, n->a, text));
    scope_leave(r, n->scope);
    return flow;
}

/* ---- the other statements ---- */

static enum flow exec_set(struct run *r, const struct node *n)
{
    struct val v = eval(r, n->b);
    return assigned(!val_failed(v) && assign(r, r->frame->slots, 0, n->a, v));
}

static enum flow exec_if(struct run *r, const struct node *n)
{
    struct val test = eval(r, n->a);
    if (val_failed(test))
        return FLOW_FAIL;
    if (val_true(test))
        return exec_list(r, n->body);
    for (const struct node *arm = n->list; arm != NULL; arm = arm->next) {
        test = eval(r, arm->a);
        if (val_failed(test))
            return FLOW_FAIL;
        if (val_true(test))
            return exec_list(r, arm->body);
    }
    return exec_list(r, n->other);
}

static enum flow exec_with(struct run *r, const struct node *n)
{
    if (!scope_enter(r, n->scope))
        return FLOW_FAIL;
    for (const struct node *pair = n->list; pair != NULL; pair = pair->next)
        if (exec_set(r, pair) == FLOW_FAIL)
            return FLOW_FAIL;
    enum flow flow = exec_list(r, n->body);
    scope_leave(r, n->scope);
    return flow;
}

static enum flow exec_autoescape(struct run *r, const struct node *n)
{
    bool outer = r->autoescape;
    if (!scope_enter(r, n->scope))
        return FLOW_FAIL;
    struct val on = eval(r, n->a);
    if (val_failed(on))
        return FLOW_FAIL;
    r->autoescape = val_true(on);
    enum flow flow = exec_list(r, n->body);
    r->autoescape = outer;
    scope_leave(r, n->scope);
    return flow;
}

/* A block sees the context, not the variables around it. */
static enum flow exec_block(struct run *r, const struct node *n)
{
    struct frame *here = r->frame;
    if (n->flags & NODE_SCOPED) {
        run_error(r, "scoped blocks are not supported");
        return FLOW_FAIL;
    }
    if (frame_push(r, NULL, n->scope->n_slots) == NULL)
        return FLOW_FAIL;
    enum flow flow = scope_enter(r, n->scope) ? exec_list(r, n->body)
                                              : FLOW_FAIL;
    r->frame = here;
    return flow;
}

static enum flow exec_print(struct run *r, const struct node *n)
{
    struct val v = eval(r, n->a);
    r->at = n->a;
    if (r->autoescape && !val_failed(v))
        v = str_escape(r, v);
    else if (v.kind != VAL_STR)
        v = val_to_str(r, v);
    return assigned(!val_failed(v) && run_write(r, val_slice(v)));
}

static enum flow exec(struct run *r, const struct node *n)
{
    r->at = n;
    switch ((enum node_kind)n->kind) {
    case NODE_TEXT:         return assigned(run_write(r, val_slice(n->value)));
    case NODE_PRINT:        return exec_print(r, n);
    case NODE_IF:           return exec_if(r, n);
    case NODE_SET:          return exec_set(r, n);
    case NODE_SET_BLOCK:    return exec_set_block(r, n);
    case NODE_MACRO:        return exec_macro(r, n);
    case NODE_CALL_BLOCK:   return exec_call_block(r, n);
    case NODE_FILTER_BLOCK: return exec_filter_block(r, n);
    case NODE_WITH:         return exec_with(r, n);
    case NODE_AUTOESCAPE:   return exec_autoescape(r, n);
    case NODE_BLOCK:        return exec_block(r, n);
    case NODE_BREAK:        return FLOW_BREAK;
    case NODE_CONTINUE:     return FLOW_CONTINUE;
    case NODE_FOR: {
        struct val src = eval(r, n->b);
        return val_failed(src) ? FLOW_FAIL : exec_for(r, n, src, 0);
    }
    default:
        run_error(r, "'%.*s': there is nothing a template could be loaded"
                     " from", (int)n->value.str->len, n->value.str->at);
        return FLOW_FAIL;
    }
}

enum flow exec_list(struct run *r, const struct node *n)
{
    enum flow flow = FLOW_NEXT;
    if (n != NULL && !run_deeper(r))
        return FLOW_FAIL;
    const struct node *first = n;
    for (; n != NULL && flow == FLOW_NEXT; n = n->next)
        flow = run_steps(r, 1) ? exec(r, n) : FLOW_FAIL;
    if (first != NULL)
        r->depth--;
    return flow;
}
