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

#include "text/template_dict.h"
#include "text/template_table.h"

#include <assert.h>
#include <stdlib.h>

struct function {
    struct function *parent;
    unsigned         depth;
    uint32_t         n_slots;
};

struct symbol {
    const struct str *name;
    enum load_kind    load;
    uint32_t          slot;
    uint32_t          from;      /* ALIAS: symbol number */
    struct function  *fn;
    bool              stored;
};

/* A scope, or a layer over one (base != NULL). */
struct names {
    struct names    *parent;     /* the scope around */
    struct names    *base;
    struct function *fn;
    struct dict      symbols;    /* name -> number in pass.at */
    struct dict      slots;      /* name -> slot; of the scope, not of layers */
};

struct pass {
    struct template *t;
    struct err_info *why;
    struct symbol   *at;
    size_t           n, cap;
    unsigned         n_for;      /* for statements around */
    unsigned         n_loops;    /* loops of this function around: break, ... */
    bool             soft;       /* in a branch: unknown filters may stay */
    bool             toplevel;
    bool             failed;     /* no memory */
};

/* ---- symbols ---- */

static struct symbol *own(struct pass *p, const struct names *s,
                          struct val name)
{
    for (; s != NULL; s = s->base) {
        const struct entry *e = dict_find_str(&s->symbols, val_slice(name));
        if (e != NULL)
            return &p->at[e->value.integer];
    }
    return NULL;
}

static struct symbol *find(struct pass *p, const struct names *s,
                           struct val name)
{
    for (; s != NULL; s = s->parent) {
        struct symbol *found = own(p, s, name);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* The slot of a name in the scope under all layers. */
static uint32_t slot_of(struct pass *p, struct names *s, struct val name)
{
    while (s->base != NULL)
        s = s->base;
    const struct entry *e = dict_find_str(&s->slots, val_slice(name));
    if (e != NULL)
        return (uint32_t)e->value.integer;
    uint32_t slot = s->fn->n_slots++;
    if (!dict_put_str(&p->t->arena, &s->slots, name, val_int(slot)))
        p->failed = true;
    return slot;
}

/* A new symbol, or the one there is with a new load.  NULL: no memory. */
static struct symbol *define(struct pass *p, struct names *s, struct val name,
                             enum load_kind load)
{
    const struct entry *e = dict_find_str(&s->symbols, val_slice(name));
    if (e != NULL) {
        assert(p->at != NULL);
        p->at[e->value.integer].load = load;
        return &p->at[e->value.integer];
    }
    if (p->n == p->cap) {
        size_t cap = p->cap * 2 + 64;
        struct symbol *at = realloc(p->at, cap * sizeof *at);
        if (at == NULL) {
            p->failed = true;
            return NULL;
        }
        p->at = at;
        p->cap = cap;
    }
    struct symbol *symbol = &p->at[p->n];
    *symbol = (struct symbol){ .name = name.str, .load = load,
                               .slot = slot_of(p, s, name), .fn = s->fn };
    if (!dict_put_str(&p->t->arena, &s->symbols, name, val_int((int64_t)p->n)))
        p->failed = true;
    p->n++;
    return symbol;
}

static void declare(struct pass *p, struct names *s, struct val name)
{
    struct symbol *symbol = define(p, s, name, LOAD_PARAM);
    if (symbol != NULL)
        symbol->stored = true;
}

/* Let a name that is set here begin as the outer one of that name. */
static void alias(struct pass *p, struct names *s, struct symbol *symbol,
                  struct val name, enum load_kind otherwise)
{
    struct symbol *outer = find(p, s->parent, name);
    symbol->load = outer != NULL ? LOAD_ALIAS : otherwise;
    symbol->from = outer != NULL ? (uint32_t)(outer - p->at) : 0;
}

static void store(struct pass *p, struct names *s, struct val name)
{
    struct symbol *symbol = own(p, s, name);
    bool known = symbol != NULL;
    /* In a layer: a symbol of its own, so that the scope's learns of it only
     * when the branches are merged. */
    if (!known || dict_find_str(&s->symbols, val_slice(name)) == NULL) {
        struct symbol copy = known ? *symbol : (struct symbol){ 0 };
        if (known && copy.stored)
            return;
        symbol = define(p, s, name, LOAD_NOTHING);
        if (symbol == NULL)
            return;
        if (known) {
            symbol->load = copy.load;
            symbol->from = copy.from;
        } else {
            alias(p, s, symbol, name, LOAD_NOTHING);
        }
    }
    symbol->stored = true;
}

static void merge_symbol(struct pass *p, struct names *s, struct symbol from,
                         struct val name)
{
    const struct symbol *old = own(p, s, name);
    const struct symbol was = old != NULL ? *old : from;
    bool was_stored = old != NULL && was.stored;
    struct symbol *symbol = define(p, s, name, was.load);
    if (symbol == NULL || was_stored)
        return;
    symbol->from = was.from;
    if (from.stored) {
        alias(p, s, symbol, name, LOAD_RESOLVE);
        symbol->stored = true;
    }
}

static void merge(struct pass *p, struct names *s, const struct names *layer)
{
    for (uint32_t i = 0; i < layer->symbols.n; i++) {
        const struct entry *e = &layer->symbols.at[i];
        merge_symbol(p, s, p->at[e->value.integer], e->key);
    }
}

/* ---- first walk: which names a scope owns ---- */

static void look(struct pass *p, struct names *s, const struct node *n);

static void look_list(struct pass *p, struct names *s, const struct node *n)
{
    for (; n != NULL; n = n->next)
        look(p, s, n);
}

static void look_branch(struct pass *p, struct names *s,
                        const struct node *list, struct names *layer)
{
    *layer = (struct names){ .parent = s->parent, .base = s, .fn = s->fn };
    look_list(p, layer, list);
}

static void look_if(struct pass *p, struct names *s, const struct node *n)
{
    struct names then, elifs, otherwise;
    look(p, s, n->a);
    look_branch(p, s, n->body, &then);
    look_branch(p, s, n->list, &elifs);
    look_branch(p, s, n->other, &otherwise);
    merge(p, s, &then);
    merge(p, s, &elifs);
    merge(p, s, &otherwise);
}

static void look_name(struct pass *p, struct names *s, const struct node *n)
{
    if (n->op == NAME_PARAM)
        declare(p, s, n->value);
    else if (n->op == NAME_STORE)
        store(p, s, n->value);
    else if (find(p, s, n->value) == NULL)
        define(p, s, n->value, LOAD_RESOLVE);
}

static void look(struct pass *p, struct names *s, const struct node *n)
{
    if (n == NULL)
        return;
    switch ((enum node_kind)n->kind) {
    case NODE_NAME:
        look_name(p, s, n);
        break;
    case NODE_NSREF:
        if (find(p, s, n->value) == NULL)
            define(p, s, n->value, LOAD_RESOLVE);
        break;
    case NODE_IF:
        look_if(p, s, n);
        break;
    case NODE_MACRO:
        store(p, s, n->value);
        break;
    case NODE_SET:
        look(p, s, n->b);
        look(p, s, n->a);
        break;
    case NODE_FOR:
        look(p, s, n->b);
        break;
    case NODE_CALL_BLOCK:
    case NODE_FILTER_BLOCK:
    case NODE_SET_BLOCK:
        look(p, s, n->a);
        break;
    case NODE_WITH:
        for (const struct node *pair = n->list; pair != NULL; pair = pair->next)
            look(p, s, pair->b);
        break;
    case NODE_AUTOESCAPE:
    case NODE_BLOCK:
    case NODE_LOADER:
        break;
    default:
        look(p, s, n->a);
        look(p, s, n->b);
        look(p, s, n->c);
        look_list(p, s, n->list);
        look_list(p, s, n->other);
        break;
    }
}

/* The names of a loop's target belong to the loop, whatever is outside. */
static void look_target(struct pass *p, struct names *s, const struct node *n)
{
    if (n->kind == NODE_NAME)
        declare(p, s, n->value);
    for (const struct node *part = n->list; part != NULL; part = part->next)
        look_target(p, s, part);
}

/* ---- second walk: places ---- */

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
    look_target(p, &inner, n->a);
    look(p, &inner, n->c);
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
    declare(p, &body, loop);
    n->scope[0].special = slot_of(p, &body, loop);
    look_target(p, &body, n->a);
    look_list(p, &body, n->body);
    p->n_for++;
    p->n_loops++;
    e = visit_within(p, &body, n->a);
    if (e == ERR_OK)
        e = visit_scope(p, &body, n->body, &n->scope[0]);
    p->n_loops = recursive ? 0 : loops;
    look_list(p, &other, n->other);
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
        declare(p, inner, name);
        *slots[i] = slot_of(p, inner, name);
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
        look_name(p, &inner, arg);
    for (struct node *arg = n->list; arg != NULL; arg = arg->next)
        look(p, &inner, arg->b);
    look_list(p, &inner, n->body);
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
            look(p, &inner, pair->a);
    if (n->kind == NODE_AUTOESCAPE)
        look(p, &inner, head = n->a);
    look_list(p, &inner, n->body);
    if (n->kind == NODE_FILTER_BLOCK)
        look(p, &inner, head = n->a);
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
    look_list(p, &inner, n->body);
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
    const struct symbol *symbol = find(p, s, n->value);
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
    look_list(&p, &root, t->body);
    enum err e = make_loads(&p, &root, &t->scope);
    if (e == ERR_OK)
        e = visit_list(&p, &root, t->body);
    if (e == ERR_OK && p.failed)
        e = fail_nomem(why);
    t->scope.n_slots = fn.n_slots;
    free(p.at);
    return e;
}
