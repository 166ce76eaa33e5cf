/* For loops: the filter in front of them, looking ahead and back, and their
 * recursive form.
 *
 * A loop reads its source one item ahead at most, when the template asks for
 * `last` or `nextitem`; everything before the item in work is gone, but for one
 * item kept for `previtem`. */
#include "text/template_run.h"

/* The stage of `for ... if`: a function of its own, so that looking ahead does
 * not disturb the variables of the item being worked on. */
struct for_filter {
    const struct node *node;
    struct iter       *from;
    struct frame      *frame;
    bool               entered;
};

/* The target's value again, from its variables: items come out as tuples. */
static struct val rebuild(struct run *r, const struct node *target,
                          const struct val *slots, uint32_t shift)
{
    if (target->kind != NODE_TUPLE)
        return slots[target->at.slot - shift];
    struct val out = list_new(r, VAL_TUPLE, 4);
    for (const struct node *n = target->list; n != NULL && !val_failed(out);
         n = n->next) {
        struct val v = rebuild(r, n, slots, shift);
        if (val_failed(v) || !list_push(r, out.list, v))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

static int for_filter_step(struct run *r, struct for_filter *f,
                           struct val *item)
{
    const struct node *n = f->node;
    uint32_t shift = n->scope[0].special + 1;
    int more;
    if (!f->entered && !scope_enter(r, &n->scope[2]))
        return -1;
    f->entered = true;
    while ((more = iter_next(r, f->from, item)) > 0) {
        if (!assign(r, f->frame->slots, shift, n->a, *item))
            return -1;
        struct val keep = eval(r, n->c);
        if (val_failed(keep))
            return -1;
        if (!val_true(keep))
            continue;
        *item = rebuild(r, n->a, f->frame->slots, shift);
        return val_failed(*item) ? -1 : 1;
    }
    return more;
}

static int for_filter_next(struct run *r, struct iter *it, struct val *item)
{
    struct for_filter *f = it->more;
    struct frame *back = r->frame;
    if (!run_deeper(r))
        return -1;
    r->frame = f->frame;
    int more = for_filter_step(r, f, item);
    r->frame = back;
    r->depth--;
    return more;
}

static struct val filter_source(struct run *r, const struct node *n,
                                struct val src)
{
    struct for_filter *f = run_take(r, 1, sizeof *f);
    struct frame *here = r->frame;
    if (f == NULL)
        return val_of_kind(VAL_FAIL);
    *f = (struct for_filter){ .node = n, .from = iter_open(r, src) };
    if (f->from == NULL)
        return val_of_kind(VAL_FAIL);
    f->frame = frame_push(r, here, n->scope[2].n_slots);
    r->frame = here;
    if (f->frame == NULL)
        return val_of_kind(VAL_FAIL);
    frame_capture(f->frame);
    return iter_new(r, "generator", for_filter_next, src, f);
}

int loop_peek(struct run *r, struct loop *l)
{
    struct val item;            /* may be written to even at the end */
    if (l->after.kind != VAL_MISSING)
        return 1;
    int more = iter_next(r, l->it, &item);
    if (more > 0)
        l->after = item;
    return more;
}

/* The next item becomes current; 0 at the end. */
static int loop_advance(struct run *r, struct loop *l)
{
    struct val item = l->after;
    if (item.kind == VAL_MISSING) {
        int more = iter_next(r, l->it, &item);
        if (more <= 0)
            return more;
    }
    l->after = val_missing();
    l->index0++;
    l->before = l->current;
    l->current = item;
    return 1;
}

static struct loop *loop_new(struct run *r, const struct node *n,
                             struct val src, unsigned depth0)
{
    struct loop *l = run_take(r, 1, sizeof *l);
    if (l == NULL)
        return NULL;
    *l = (struct loop){ .src = src, .index0 = -1, .length = -1,
                        .depth0 = depth0, .frame = r->frame };
    if (n->flags & NODE_RECURSIVE)
        l->recurse = n;
    l->it = iter_open(r, src);
    return l->it != NULL ? l : NULL;
}

static enum flow loop_body(struct run *r, const struct node *n, struct loop *l,
                           bool *completed)
{
    const struct scope *scope = &n->scope[0];
    enum flow flow = FLOW_NEXT;
    int more;
    while ((more = loop_advance(r, l)) > 0) {
        r->frame->slots[scope->special] =
            (struct val){ .kind = VAL_LOOP, .loop = l };
        if (!assign(r, r->frame->slots, 0, n->a, l->current)
            || !scope_enter(r, scope))
            return FLOW_FAIL;
        flow = exec_list(r, n->body);
        if (flow == FLOW_NEXT)
            *completed = true;
        if (flow == FLOW_BREAK || flow == FLOW_FAIL)
            break;
        r->at = n;
    }
    return more < 0 || flow == FLOW_FAIL ? FLOW_FAIL : FLOW_NEXT;
}

enum flow exec_for(struct run *r, const struct node *n, struct val src,
                   unsigned depth0)
{
    struct frame *here = r->frame;
    bool recursive = (n->flags & NODE_RECURSIVE) != 0, completed = false;
    r->at = n;
    if (n->c != NULL)
        src = filter_source(r, n, src);
    struct loop *l = val_failed(src) ? NULL : loop_new(r, n, src, depth0);
    if (l == NULL)
        return FLOW_FAIL;
    if (recursive) {
        frame_capture(here);
        if (frame_push(r, here, n->scope[0].n_slots) == NULL)
            return FLOW_FAIL;
        r->frame->captured = true;
    }
    enum flow flow = loop_body(r, n, l, &completed);
    scope_leave(r, &n->scope[0]);
    /* Jinja's else runs when no round came to its end: `continue` and `break`
     * skip the mark, too. */
    if (flow == FLOW_NEXT && !completed && n->other != NULL) {
        flow = scope_enter(r, &n->scope[1]) ? exec_list(r, n->other)
                                            : FLOW_FAIL;
        scope_leave(r, &n->scope[1]);
    }
    r->frame = here;
    return flow;
}
