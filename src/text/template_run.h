/* One run of a template: its budgets, its variables, and the operations that
 * every function of the language is built from.
 *
 * Functions that give a value give VAL_FAIL when they have recorded an error;
 * those that give a bool give false.  Time is counted in steps: one per node
 * and per item, and one per 64 bytes touched, so that no built-in function is
 * cheaper than the work it does. */
#ifndef OSMIA_TEXT_TEMPLATE_RUN_H
#define OSMIA_TEXT_TEMPLATE_RUN_H

#include "base/err.h"
#include "base/strbuf.h"
#include "text/template_dict.h"
#include "text/template_table.h"
#include "text/template_text.h"
#include "text/template_tree.h"

/* Bytes of values of one run; evaluations inside each other; a nested value's
 * depth when it is printed or compared. */
enum { RUN_MEMORY = 40 << 20, RUN_DEPTH = 2500, VALUE_DEPTH = 200 };

/* The variables of one call of a function. */
struct frame {
    struct frame *parent;     /* of the function around */
    bool          captured;   /* a macro may look at it later */
    size_t        n;
    struct val    slots[];
};

struct run {
    const struct template *t;
    struct arena     arena;
    struct strbuf   *out;
    size_t           out_base;    /* bytes that were in out before */
    struct dict     *context;     /* what RESOLVE looks in */
    struct frame    *frame, *spare;
    struct val       block_text;  /* what a block's filters are applied to */
    const struct node *at;        /* being evaluated: for messages */
    long             steps_left;
    unsigned         depth, calls;
    bool             autoescape;
    struct err_info *why;
    enum err         err;         /* the first error */
};

struct macro {
    const struct node  *node;     /* MACRO or CALL_BLOCK */
    struct frame       *frame;
    struct val          name;     /* none: a call block's body */
};

struct method {
    struct val            self;
    const struct builtin *row;
};

/* A sequence being walked.  next: 1 an item, 0 the end, -1 an error. */
struct iter {
    int       (*next)(struct run *r, struct iter *it, struct val *item);
    struct val  src;
    size_t      i;
    const char *type;             /* Python's name of a generator, or NULL */
    void       *more;             /* what a stage needs */
};

struct loop {
    struct iter *it;
    struct val   src;
    int64_t      index0, length;            /* length -1: not known */
    unsigned     depth0;
    struct val   before, current, after;    /* MISSING: none */
    struct val   changed;
    const struct node  *recurse;            /* a recursive loop, or NULL */
    struct frame       *frame;              /*   and where it stands */
};

/* ---- errors and budgets (template_run.c) ---- */

struct val run_fail(struct run *r, enum err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Python's TypeError and the like: the template's fault. */
struct val run_error(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for functions that give a bool: false. */
bool  run_refuse(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool  run_steps(struct run *r, size_t n);
/* Steps for touching n bytes. */
bool  run_bytes(struct run *r, size_t n);
void *run_take(struct run *r, size_t n, size_t size);     /* NULL: failed */
/* Record that `wanted` more bytes were not to be had: the run's own limit, or
 * the machine's memory. */
struct val run_no_room(struct run *r, size_t wanted);
/* Nest one level deeper; pair with r->depth--. */
bool  run_deeper(struct run *r);
/* The error of using an undefined value. */
struct val run_undefined(struct run *r, struct val undef);

/* ---- strings (template_string.c) ---- */

struct val str_new(struct run *r, struct slice s);      /* copies */
struct val str_share(struct run *r, struct slice s);    /* must outlive r */
struct val str_part(struct run *r, struct val of, size_t from, size_t to);
struct val str_concat(struct run *r, struct val a, struct val b);
struct val str_repeat(struct run *r, struct val s, int64_t n);
/* A growing string for one result; finish even after a failure. */
struct build {
    struct run   *r;
    struct strbuf buf;
};
void       build_begin(struct build *b, struct run *r);
void       build_put(struct build *b, struct slice s);
void       build_cp(struct build *b, uint32_t cp);
struct val build_end(struct build *b);
/* Markup: `out` becomes markup when `like` is. */
struct val str_like(struct val out, struct val like);
struct val str_escape(struct run *r, struct val v);     /* HTML; Markup */

/* str(v) and repr(v); soft: a str stays as it is (template_repr.c). */
struct val  val_to_str(struct run *r, struct val v);
struct val  val_soft_str(struct run *r, struct val v);
struct val  val_repr(struct run *r, struct val v);
bool        put_repr(struct build *b, struct val v);
void        put_str_repr(struct build *b, struct slice s);
void        put_float(struct strbuf *out, double v);
void        put_fixed(struct strbuf *out, double v, int digits);

/* ---- containers ---- */

struct val list_new(struct run *r, enum val_kind kind, size_t cap);
bool       list_push(struct run *r, struct list *l, struct val v);
struct val tuple_of(struct run *r, size_t n, const struct val *items);
struct val dict_new(struct run *r);
/* Unhashable keys are errors. */
bool       dict_set(struct run *r, struct dict *d, struct val key, struct val v);
/* Every item of `keys` with the same value; VAL_MISSING stands for none. */
struct val dict_from_keys(struct run *r, struct val keys, struct val v);
/* found: the value or MISSING */
bool       dict_get(struct run *r, const struct dict *d, struct val key,
                    struct val *found);
bool       val_hash(struct run *r, struct val v, uint64_t *hash);

/* ---- comparing and calculating ---- */

bool       val_true(struct val v);
bool       val_equal(struct run *r, struct val a, struct val b, bool *equal);
/* Order of a and b by `<` (and == before it, as tuples do). */
bool       val_less(struct run *r, struct val a, struct val b, bool *less);
struct val val_compare(struct run *r, enum op op, struct val a, struct val b);
bool       val_contains(struct run *r, struct val in, struct val what,
                        bool *found);
struct val val_binary(struct run *r, enum op op, struct val a, struct val b);
struct val val_unary(struct run *r, enum op op, struct val a);
/* Number of items; -1: has none (no error recorded), -2: failed. */
int64_t    val_len(struct run *r, struct val v);

/* ---- walking (template_iter.c) ---- */

struct iter *iter_open(struct run *r, struct val v);   /* NULL: failed */
bool         val_iterable(struct val v);
static inline int iter_next(struct run *r, struct iter *it, struct val *item)
{
    return run_steps(r, 1) ? it->next(r, it, item) : -1;
}
struct val   val_to_list(struct run *r, struct val v);
struct val   iter_new(struct run *r, const char *type,
                      int (*next)(struct run *, struct iter *, struct val *),
                      struct val src, void *more);

/* ---- attributes (template_attr.c) ---- */

struct val get_attr(struct run *r, struct val v, struct val name);
struct val get_item(struct run *r, struct val v, struct val key);
struct val get_slice(struct run *r, struct val v, const struct val part[3]);
struct val undef_hint(struct run *r, const char *hint);
/* Index for sequences: an int (or bool); false: failed. */
bool       to_index(struct run *r, struct val v, int64_t *out);

/* ---- calls (template_call.c) ---- */

struct val call_value(struct run *r, struct val callee, const struct args *args);
struct val call_row(struct run *r, const struct builtin *row, struct val self,
                    const struct args *args);
struct val call_filter(struct run *r, struct val name, struct val v,
                       const struct args *args);
struct val call_test(struct run *r, struct val name, struct val v,
                     const struct args *args);
bool       call_args(struct run *r, const struct node *n, struct args *out);

/* A method of strings without arguments, by name. */
struct val call_str_method(struct run *r, struct val s, const char *name);

/* ---- the interpreter ---- */

enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAIL };

struct val eval(struct run *r, const struct node *n);
enum flow  exec_list(struct run *r, const struct node *n);
bool       run_write(struct run *r, struct slice s);
/* Store v where `target` says; shift: what to take off its slot numbers. */
bool       assign(struct run *r, struct val *slots, uint32_t shift,
                  const struct node *target, struct val v);
struct frame *frame_push(struct run *r, struct frame *parent, size_t n);
void          frame_pop(struct run *r, struct frame *back);
/* A value remembers the frame: it and those around it are not used again. */
void          frame_capture(struct frame *f);
struct val macro_new(struct run *r, const struct node *n, struct val name);
/* loop->after is known afterwards; 0 when there is no next item. */
int        loop_peek(struct run *r, struct loop *l);
bool       scope_enter(struct run *r, const struct scope *s);
void       scope_leave(struct run *r, const struct scope *s);
/* Everything written between these becomes a string instead of output. */
struct val capture(struct run *r, size_t mark);
enum flow  exec_for(struct run *r, const struct node *n, struct val src,
                    unsigned depth0);

/* ---- formatting and JSON ---- */

struct val format_percent(struct run *r, struct val format, struct val args);
struct val format_braces(struct run *r, struct val format,
                         const struct args *args);
struct val format_value(struct run *r, struct val v, struct slice spec);
struct val strftime_text(struct run *r, struct slice format);

#endif
