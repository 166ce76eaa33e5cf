/* What the two walks of template_scope.c share: the names of a template, the
 * scopes that own them, and the first walk, which finds out who owns what. */
#ifndef OSMIA_TEXT_TEMPLATE_NAMES_H
#define OSMIA_TEXT_TEMPLATE_NAMES_H

#include "text/template_dict.h"
#include "text/template_tree.h"

/* An owner of slots: root, macro, recursive loop, loop filter, block. */
struct function {
    struct function *parent;
    unsigned         depth;
    uint32_t         n_slots;
};

/* A name in one scope. */
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

/* One resolution.  Symbols are numbered: the array moves when it grows, so that
 * a pointer to one is good until the next is defined. */
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

/* The symbol that a name means in `s` or in a scope around it; NULL: none. */
struct symbol *scope_find(struct pass *p, const struct names *s,
                          struct val name);
/* The slot of a name in the scope under all layers, made when there is none. */
uint32_t scope_slot(struct pass *p, struct names *s, struct val name);
/* A name that is given from outside: a parameter, a loop's target. */
void scope_declare(struct pass *p, struct names *s, struct val name);

/* The first walk: enter into `s` what n, or a list of nodes, sets or loads in
 * that scope.  Parts that make scopes of their own are left out: whoever opens
 * those walks them. */
void scope_look(struct pass *p, struct names *s, const struct node *n);
void scope_look_list(struct pass *p, struct names *s, const struct node *n);
void scope_look_name(struct pass *p, struct names *s, const struct node *n);
/* The names of a loop's target belong to the loop, whatever is outside. */
void scope_look_target(struct pass *p, struct names *s, const struct node *n);

#endif
