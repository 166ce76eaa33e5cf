/* Names to places: the rules by which Jinja decides, when it compiles, which
 * variable a name means.
 *
 * A scope (a loop body, a macro, a with block ...) owns the names that are set
 * or loaded in it; how each gets its first value when the scope is entered is
 * its load: given (PARAM), looked up in the context (RESOLVE), copied from an
 * outer scope (ALIAS), or none (NOTHING).  The branches of an `if` are no
 * scopes, but what they define is known outside only after all have been seen:
 * each is a layer over its scope that is merged at the end.
 *
 * A function (the root, a macro, a recursive loop, a loop filter, a block) owns
 * slots; scopes in it share its slots.  All names of a scope are known before
 * any is given a place, as in Jinja.
 *
 * The trees are bounded in height by the parser: recursion is safe. */
#include "text/template_tree.h"

#include "text/template_names.h"
#include "text/template_table.h"

#include <stdlib.h>

static enum err visit(struct pass *p, struct names *s, struct node *n);

static enum err visit_list(struct pass *p, struct names *s, struct node *n)
{
    enum err e = ERR_OK;
    for (; n != NULL && e == ERR_OK; n = n->next)
        e = visit(p, s, n);
    return e;
}

static struct place place_of(const struct names *s, const struct symbol *symbol)
{
    return (struct place){ (uint16_t)(s->fn->depth - symbol->fn->depth),
                           symbol->slot };
}

/* Write down how the scope's names get their first values. */
static enum err make_loads(struct pass *p, const struct names *s,
                           struct scope *out)
{
    size_t n = s->symbols.n;
    out->loads = arena_take(&p->t->arena, n + 1, sizeof *out->loads);
    if (out->loads == NULL || p->failed)
        return fail_nomem(p->why);
    for (size_t i = 0; i < n; i++) {
        const struct symbol *symbol = &p->at[s->symbols.at[i].value.integer];
        struct load *l = &out->loads[out->n_loads++];
        *l = (struct load){ .kind = symbol->load, .slot = symbol->slot,
                            .name = symbol->name };
        if (symbol->load == LOAD_ALIAS)
            l->from = place_of(s, &p->at[symbol->from]);
    }
    return ERR_OK;
}

static enum err new_scopes(struct pass *p, struct node *n, uint8_t count)
{
    n->scope = arena_zero(&p->t->arena, count, sizeof *n->scope);
    n->n_scopes = count;
    return n->scope != NULL ? ERR_OK : fail_nomem(p->why);
}

/* Visit parts that are no longer branches nor top level. */
static enum err visit_within(struct pass *p, struct names *inner,
                             struct node *list)
{
    bool soft = p->soft, toplevel = p->toplevel;
    p->soft = p->toplevel = false;
    enum err e = visit_list(p, inner, list);
    p->soft = soft;
    p->toplevel = toplevel;
    return e;
}

/* Visit a body as a scope of its own whose names have been looked at. */
static enum err visit_scope(struct pass *p, struct names *inner,
                            struct node *body, struct scope *out)
{
    enum err e = make_loads(p, inner, out);
    return e == ERR_OK ? visit_within(p, inner, body) : e;
}

static struct names names_in(struct names *outer, struct function *fn)
{
    return (struct names){ .parent = outer, .fn = fn };
}

static struct function function_in(struct function *outer)
{
    return (struct function){ .parent = outer, .depth = outer->depth + 1 };
}

static struct val literal_name(struct pass *p, const char *name)
{
    struct val v = tree_str(&p->t->arena, slice_of(name));
    static const struct str none = { "", 0, 0, NULL };
    if (v.str == NULL) {
        p->failed = true;
        v.str = &none;
    }
    return v;
}

/* ---- loops ---- */

static enum err visit_filter_of_for(struct pass *p, struct names *s,
                                    struct node *n)
{
    struct function fn = function_in(s->fn);
    struct names inner = names_in(s, &fn);
    unsigned loops = p->n_loops;
    scope_look_target(p, &inner, n->a);
    scope_look(p, &inner, n->c);
    p->n_loops = 0;
    enum err e = visit_scope(p, &inner, n->c, &n->scope[2]);
    p->n_loops = loops;
    n->scope[2].n_slots = fn.n_slots;
    return e;
}

static enum err visit_for(struct pass *p, struct names *s, struct node *n)
{
    struct function fn = function_in(s->fn);
    bool recursive = (n->flags & NODE_RECURSIVE) != 0;
    struct names body = names_in(s, recursive ? &fn : s->fn);
    struct names other = body;
    struct val loop = literal_name(p, "loop");
    unsigned loops = p->n_loops;
    enum err e = new_scopes(p, n, 3);
    if (e == ERR_OK)
        e = visit(p, s, n->b);
    if (e == ERR_OK && n->c != NULL)
        e = visit_filter_of_for(p, s, n);
    if (e != ERR_OK)
        return e;
    scope_declare(p, &body, loop);
    n->scope[0].special = scope_slot(p, &body, loop);
    scope_look_target(p, &body, n->a);
    scope_look_list(p, &body, n->body);
    p->n_for++;
    p->n_loops++;
    e = visit_within(p, &body, n->a);
    if (e == ERR_OK)
        e = visit_scope(p, &body, n->body, &n->scope[0]);
    p->n_loops = recursive ? 0 : loops;
    scope_look_list(p, &other, n->other);
    if (e == ERR_OK)
        e = visit_scope(p, &other, n->other, &n->scope[1]);
    p->n_loops = loops;
    p->n_for--;
    n->scope[0].n_slots = recursive ? fn.n_slots : 0;
    return e;
}

/* ---- macros ---- */

/* Which of caller, kwargs, varargs the body reads without having set it. */
static void free_specials(const struct node *n, unsigned *names,
                          unsigned *found)
{
    static const char *const special[] = { "caller", "kwargs", "varargs" };
    for (; n != NULL; n = n->next) {
        for (unsigned i = 0; n->kind == NODE_NAME && i < 3; i++) {
            if (!val_is_text(n->value, special[i]))
                continue;
            if (n->op == NAME_LOAD && (*names >> i & 1))
                *found |= 1u << i;
            else if (n->op != NAME_LOAD)
                *names &= ~(1u << i);
        }
        if (n->kind == NODE_BLOCK)
            continue;
        free_specials(n->a, names, found);
        free_specials(n->b, names, found);
        free_specials(n->c, names, found);
        free_specials(n->list, names, found);
        free_specials(n->body, names, found);
        free_specials(n->other, names, found);
    }
}

static enum err declare_specials(struct pass *p, struct names *inner,
                                 struct node *n)
{
    static const char *const special[] = { "caller", "kwargs", "varargs" };
    uint32_t *slots[] = { &n->scope->special, &n->scope->kwargs,
                          &n->scope->varargs };
    unsigned names = 7, found = 0;
    free_specials(n->body, &names, &found);
    for (const struct node *arg = n->list; arg != NULL; arg = arg->next)
        for (unsigned i = 0; i < 3; i++) {
            if (!val_is_text(arg->value, special[i]))
                continue;
            if (i == 0 && (found & 1) && arg->b == NULL)
                return tree_fail(p->why, n, "the special \"caller\" parameter"
                                            " must be omitted or be given a"
                                            " default");
            found &= ~(1u << i);
        }
    for (unsigned i = 0; i < 3; i++) {
        if (!(found >> i & 1))
            continue;
        struct val name = literal_name(p, special[i]);
        scope_declare(p, inner, name);
        *slots[i] = scope_slot(p, inner, name);
        n->flags |= (uint8_t)(1u << i);
    }
    return ERR_OK;
}

static enum err visit_macro(struct pass *p, struct names *s, struct node *n)
{
    struct function fn = function_in(s->fn);
    struct names inner = names_in(s, &fn);
    unsigned loops = p->n_loops;
    enum err e = new_scopes(p, n, 1);
    if (e != ERR_OK)
        return e;
    for (struct node *arg = n->list; arg != NULL; arg = arg->next)
        scope_look_name(p, &inner, arg);
    for (struct node *arg = n->list; arg != NULL; arg = arg->next)
        scope_look(p, &inner, arg->b);
    scope_look_list(p, &inner, n->body);
    e = declare_specials(p, &inner, n);
    p->n_loops = 0;
    if (e == ERR_OK)
        e = visit_scope(p, &inner, n->list, n->scope);
    if (e == ERR_OK)
        e = visit_within(p, &inner, n->body);
    p->n_loops = loops;
    n->scope->n_slots = fn.n_slots;
    return e;
}

/* ---- the other scopes ---- */

static enum err visit_inner(struct pass *p, struct names *s, struct node *n)
{
    struct names inner = names_in(s, s->fn);
    struct node *head = NULL;
    enum err e = new_scopes(p, n, 1);
    if (n->kind == NODE_WITH)
        for (struct node *pair = n->list; pair != NULL; pair = pair->next)
            scope_look(p, &inner, pair->a);
    if (n->kind == NODE_AUTOESCAPE)
        scope_look(p, &inner, head = n->a);
    scope_look_list(p, &inner, n->body);
    if (n->kind == NODE_FILTER_BLOCK)
        scope_look(p, &inner, head = n->a);
    if (n->kind == NODE_SET_BLOCK)
        head = n->b;
    if (e == ERR_OK)
        e = visit_scope(p, &inner, n->body, n->scope);
    if (e == ERR_OK && head != NULL)
        e = visit(p, &inner, head);
    for (struct node *pair = n->kind == NODE_WITH ? n->list : NULL;
         e == ERR_OK && pair != NULL; pair = pair->next) {
        e = visit(p, &inner, pair->a);
        if (e == ERR_OK)
            e = visit(p, s, pair->b);
    }
    return e;
}

static enum err visit_block(struct pass *p, struct node *n)
{
    struct function fn = { 0 };
    struct names inner = names_in(NULL, &fn);
    unsigned loops = p->n_loops;
    enum err e = new_scopes(p, n, 1);
    scope_look_list(p, &inner, n->body);
    p->n_loops = 0;
    if (e == ERR_OK)
        e = visit_scope(p, &inner, n->body, n->scope);
    p->n_loops = loops;
    if (e == ERR_OK)
        n->scope->n_slots = fn.n_slots;
    return e;
}

/* ---- names and the rest ---- */

static enum err visit_name(struct pass *p, struct names *s, struct node *n)
{
    const struct symbol *symbol = scope_find(p, s, n->value);
    if (n->kind == NODE_NAME && n->op == NAME_STORE && p->n_for > 0
        && val_is_text(n->value, "loop"))
        return tree_fail(p->why, n, "Can't assign to special loop variable in"
                                    " for-loop target");
    if (symbol == NULL)
        return p->failed ? fail_nomem(p->why)
                         : tree_fail(p->why, n, "'%.*s' is not known here",
                                     (int)n->value.str->len, n->value.str->at);
    n->at = place_of(s, symbol);
    if (p->toplevel)
        n->flags |= NODE_TOPLEVEL;
    return ERR_OK;
}

static enum err visit_parts(struct pass *p, struct names *s, struct node *n)
{
    enum err e = n->a != NULL ? visit(p, s, n->a) : ERR_OK;
    if (e == ERR_OK && n->b != NULL)
        e = visit(p, s, n->b);
    if (e == ERR_OK && n->c != NULL)
        e = visit(p, s, n->c);
    if (e == ERR_OK)
        e = visit_list(p, s, n->list);
    if (e == ERR_OK)
        e = visit_list(p, s, n->other);
    return e;
}

static enum err visit_soft(struct pass *p, struct names *s, struct node *n)
{
    bool soft = p->soft;
    p->soft = true;
    enum err e = visit_parts(p, s, n);
    if (e == ERR_OK)
        e = visit_list(p, s, n->body);
    p->soft = soft;
    return e;
}

static enum err visit(struct pass *p, struct names *s, struct node *n)
{
    enum err e = ERR_OK;
    switch ((enum node_kind)n->kind) {
    case NODE_NAME:
        if (n->op == NAME_PARAM && n->b != NULL)
            e = visit(p, s, n->b);
        return e == ERR_OK ? visit_name(p, s, n) : e;
    case NODE_NSREF:
        return visit_name(p, s, n);
    case NODE_IF:
    case NODE_COND:
        return visit_soft(p, s, n);
    case NODE_FOR:
        return visit_for(p, s, n);
    case NODE_MACRO:
        e = visit_name(p, s, n);
        return e == ERR_OK ? visit_macro(p, s, n) : e;
    case NODE_CALL_BLOCK:
        e = visit_macro(p, s, n);
        return e == ERR_OK && n->a != NULL ? visit(p, s, n->a) : e;
    case NODE_SET_BLOCK:
        e = visit(p, s, n->a);
        return e == ERR_OK ? visit_inner(p, s, n) : e;
    case NODE_FILTER_BLOCK:
    case NODE_WITH:
    case NODE_AUTOESCAPE:
        return visit_inner(p, s, n);
    case NODE_BLOCK:
        return visit_block(p, n);
    case NODE_BREAK:
    case NODE_CONTINUE:
        return p->n_loops > 0 ? ERR_OK
                              : tree_fail(p->why, n, "outside of a loop");
    case NODE_FILTER:
    case NODE_TEST:
        if (n->row == NULL && !p->soft)
            return tree_fail(p->why, n, "No %s named '%.*s'.",
                             n->kind == NODE_FILTER ? "filter" : "test",
                             (int)n->value.str->len, n->value.str->at);
        return visit_parts(p, s, n);
    default:
        return visit_parts(p, s, n);
    }
}

enum err scope_resolve(struct template *t, struct err_info *why)
{
    struct function fn = { 0 };
    struct names root = names_in(NULL, &fn);
    struct pass p = { .t = t, .why = why, .toplevel = true };
    scope_look_list(&p, &root, t->body);
    enum err e = make_loads(&p, &root, &t->scope);
    if (e == ERR_OK)
        e = visit_list(&p, &root, t->body);
    if (e == ERR_OK && p.failed)
        e = fail_nomem(why);
    t->scope.n_slots = fn.n_slots;
    free(p.at);
    return e;
}
