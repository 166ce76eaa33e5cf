/* Operators, and the tables of what templates can call: filters, tests,
 * methods and global functions, one row each. */
#ifndef OSMIA_TEXT_TEMPLATE_TABLE_H
#define OSMIA_TEXT_TEMPLATE_TABLE_H

#include "text/template_value.h"

enum op {
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_FLOORDIV, OP_MOD, OP_POW,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_NOT_IN
};

struct run;

/* Arguments as written in a call. */
struct keyword {
    struct val name, value;
};

struct args {
    const struct val *at;
    size_t            n;
    const struct keyword *kw;
    size_t            n_kw;
};

/* What a function gets: its subject (the filtered value, the object of a
 * method) and the arguments, bound to the row's parameters in order; those not
 * given are VAL_MISSING. */
enum { ARGS_MAX = 6 };
struct call {
    struct val         self;
    struct val         arg[ARGS_MAX];
    const struct args *args;
    const struct builtin *row;
};

/* `params`: names separated by spaces, "?" behind those that may be missing,
 * "/" where keywords begin to be allowed (none: all may be keywords); "*": the
 * function reads `args` itself. */
struct builtin {
    const char *name;
    struct val (*run)(struct run *r, const struct call *c);
    const char *params;
};

struct table {
    const struct builtin *rows;
    size_t                n;
};

struct table table_filters(void);
struct table table_tests(void);
struct table table_globals(void);
struct table table_str_methods(void);
struct table table_list_methods(void);
struct table table_tuple_methods(void);
struct table table_dict_methods(void);
/* Loops, cyclers, numbers ...: a letter for the kind stands before the name. */
struct table table_other_methods(void);

/* NULL: there is none. */
const struct builtin *table_find(struct table t, struct slice name);

#endif
