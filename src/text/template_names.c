/* The first walk over a template: which names a scope owns.
 *
 * Jinja decides it for all names of a scope before any is given a value, and
 * the branches of an `if` decide together: what one of them sets is, after it,
 * a name of the scope that begins as the outer one of that name (ALIAS) or as
 * what the context has (RESOLVE).  Hence layers: a branch writes into its own
 * and is merged when all have been seen.  Merging one by one, as they come,
 * would let the second branch see what the first has set.
 *
 * The trees are bounded in height by the parser: recursion is safe. */
#include "text/template_names.h"

#include <assert.h>
#include <stdlib.h>

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

struct symbol *scope_find(struct pass *p, const struct names *s,
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
uint32_t scope_slot(struct pass *p, struct names *s, struct val name)
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
                               .slot = scope_slot(p, s, name), .fn = s->fn };
    if (!dict_put_str(&p->t->arena, &s->symbols, name, val_int((int64_t)p->n)))
        p->failed = true;
    p->n++;
    return symbol;
}

void scope_declare(struct pass *p, struct names *s, struct val name)
{
    struct symbol *symbol = define(p, s, name, LOAD_PARAM);
    if (symbol != NULL)
        symbol->stored = true;
}

/* Let a name that is set here begin as the outer one of that name. */
static void alias(struct pass *p, struct names *s, struct symbol *symbol,
                  struct val name, enum load_kind otherwise)
{
    struct symbol *outer = scope_find(p, s->parent, name);
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

void scope_look_list(struct pass *p, struct names *s, const struct node *n)
{
    for (; n != NULL; n = n->next)
        scope_look(p, s, n);
}

static void look_branch(struct pass *p, struct names *s,
                        const struct node *list, struct names *layer)
{
    *layer = (struct names){ .parent = s->parent, .base = s, .fn = s->fn };
    scope_look_list(p, layer, list);
}

static void look_if(struct pass *p, struct names *s, const struct node *n)
{
    struct names then, elifs, otherwise;
    scope_look(p, s, n->a);
    look_branch(p, s, n->body, &then);
    look_branch(p, s, n->list, &elifs);
    look_branch(p, s, n->other, &otherwise);
    merge(p, s, &then);
    merge(p, s, &elifs);
    merge(p, s, &otherwise);
}

void scope_look_name(struct pass *p, struct names *s, const struct node *n)
{
    if (n->op == NAME_PARAM)
        scope_declare(p, s, n->value);
    else if (n->op == NAME_STORE)
        store(p, s, n->value);
    else if (scope_find(p, s, n->value) == NULL)
        define(p, s, n->value, LOAD_RESOLVE);
}

void scope_look(struct pass *p, struct names *s, const struct node *n)
{
    if (n == NULL)
        return;
    switch ((enum node_kind)n->kind) {
    case NODE_NAME:
        scope_look_name(p, s, n);
        break;
    case NODE_NSREF:
        if (scope_find(p, s, n->value) == NULL)
            define(p, s, n->value, LOAD_RESOLVE);
        break;
    case NODE_IF:
        look_if(p, s, n);
        break;
    case NODE_MACRO:
        store(p, s, n->value);
        break;
    case NODE_SET:
        scope_look(p, s, n->b);
        scope_look(p, s, n->a);
        break;
    case NODE_FOR:
        scope_look(p, s, n->b);
        break;
    case NODE_CALL_BLOCK:
    case NODE_FILTER_BLOCK:
    case NODE_SET_BLOCK:
        scope_look(p, s, n->a);
        break;
    case NODE_WITH:
        for (const struct node *pair = n->list; pair != NULL; pair = pair->next)
            scope_look(p, s, pair->b);
        break;
    case NODE_AUTOESCAPE:
    case NODE_BLOCK:
    case NODE_LOADER:
        break;
    default:
        scope_look(p, s, n->a);
        scope_look(p, s, n->b);
        scope_look(p, s, n->c);
        scope_look_list(p, s, n->list);
        scope_look_list(p, s, n->other);
        break;
    }
}

void scope_look_target(struct pass *p, struct names *s, const struct node *n)
{
    if (n->kind == NODE_NAME)
        scope_declare(p, s, n->value);
    for (const struct node *part = n->list; part != NULL; part = part->next)
        scope_look_target(p, s, part);
}
