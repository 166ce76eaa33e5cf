/* The values of the template language: Python's, as far as a template can meet
 * them.  A value is two words, passed by value; what does not fit lies in an
 * arena and is never freed before the whole run ends, so nobody owns anything.
 *
 *   1. Strings, lists, tuples and ranges never change once a template can see
 *      them; dicts only while they are built.  Namespaces, loops, iterators,
 *      cyclers and joiners are the only things with a state.
 *   2. Strings are UTF-8 and know their length in code points.
 *   3. VAL_FAIL says that an error has been recorded in the run; it is returned
 *      upwards at once and never stored.  VAL_MISSING marks an empty place (an
 *      argument not given, a variable not set) and is never shown. */
#ifndef OSMIA_TEXT_TEMPLATE_VALUE_H
#define OSMIA_TEXT_TEMPLATE_VALUE_H

#include "base/arena.h"
#include "base/slice.h"
#include <stdint.h>

/* Kind and the name Python's messages use for it. */
#define VAL_LIST(X)                                                          \
    X(MISSING,   "missing")                                                  \
    X(FAIL,      "fail")                                                     \
    X(UNDEF,     "Undefined")                                                \
    X(NONE,      "NoneType")                                                 \
    X(BOOL,      "bool")                                                     \
    X(INT,       "int")                                                      \
    X(BIG,       "int")                                                      \
    X(FLOAT,     "float")                                                    \
    X(STR,       "str")                                                      \
    X(LIST,      "list")                                                     \
    X(TUPLE,     "tuple")                                                    \
    X(DICT,      "dict")                                                     \
    X(RANGE,     "range")                                                    \
    X(VIEW,      "dict_items")                                               \
    X(ITER,      "generator")                                                \
    X(NAMESPACE, "Namespace")                                                \
    X(LOOP,      "LoopContext")                                              \
    X(MACRO,     "Macro")                                                    \
    X(FUNCTION,  "function")                                                 \
    X(METHOD,    "builtin_function_or_method")                               \
    X(CYCLER,    "Cycler")                                                   \
    X(JOINER,    "Joiner")                                                   \
    X(SELF,      "TemplateReference")

enum val_kind {
#define X(id, text) VAL_##id,
    VAL_LIST(X)
#undef X
    VAL_KINDS
};

/* Bytes that may grow at their end: `a + b` is appended in place when `a` is
 * the newest text of its buffer, so building a prompt piece by piece costs
 * linear time and memory.  Older strings keep seeing their own prefix. */
struct grow {
    char  *at;
    size_t used, cap;
};

struct str {
    const char  *at;
    size_t       len;      /* bytes */
    size_t       chars;    /* code points */
    struct grow *grow;     /* the buffer `at` begins, or NULL */
};

struct val {
    uint8_t  kind;      /* enum val_kind */
    uint8_t  flag;      /* STR: VAL_MARKUP; VIEW: enum view; TUPLE: VAL_GROUP;
                           UNDEF: enum undef_why */
    uint8_t  of;        /* UNDEF: kind of the object that was asked */
    union {
        bool                    boolean;
        int64_t                 integer;
        uint64_t                big;    /* BIG: 2^63 to 2^64 - 1, as JSON may
                                           hold; shown, not calculated with */
        double                  number;
        const struct str       *str;    /* STR; UNDEF: name or sentence */
        struct list            *list;   /* LIST, TUPLE */
        struct dict            *dict;   /* DICT, VIEW, NAMESPACE */
        struct range           *range;
        struct iter            *iter;
        struct loop            *loop;
        struct macro           *macro;
        const struct builtin   *function;
        struct method          *method;
        struct cycler          *cycler;
        struct joiner          *joiner;
    };
};

enum { VAL_MARKUP = 1, VAL_GROUP = 1 };
enum view { VIEW_ITEMS, VIEW_KEYS, VIEW_VALUES };

/* What the message of an undefined value says when it is used. */
enum undef_why {
    UNDEF_NAME,       /* 'str' is undefined */
    UNDEF_ATTRIBUTE,  /* 'OF object' has no attribute 'str' */
    UNDEF_HINT,       /* str, a whole sentence */
    UNDEF_UNSAFE      /* access to attribute 'str' of 'OF' object is unsafe */
};

struct list {
    struct val *at;
    size_t      n, cap;
};

struct entry {
    struct val key, value;
    uint64_t   hash;
};

/* Insertion ordered; `index` (open addressing, slot = entry number + 1) is
 * there from the ninth entry on. */
struct dict {
    struct entry *at;
    uint32_t      n, cap;
    uint32_t     *index;
    uint32_t      index_size;
};

struct range {
    int64_t start, stop, step;
    int64_t n;
};

struct cycler {
    struct list *items;
    size_t       at;
};

struct joiner {
    struct val sep;
    bool       used;
};

/* ---- making values (nothing here can fail) ---- */

static inline struct val val_of_kind(enum val_kind kind)
{
    return (struct val){ .kind = (uint8_t)kind };
}

static inline struct val val_none(void)
{
    return val_of_kind(VAL_NONE);
}

static inline struct val val_missing(void)
{
    return val_of_kind(VAL_MISSING);
}

static inline struct val val_bool(bool b)
{
    return (struct val){ .kind = VAL_BOOL, .boolean = b };
}

static inline struct val val_int(int64_t i)
{
    return (struct val){ .kind = VAL_INT, .integer = i };
}

static inline struct val val_float(double d)
{
    return (struct val){ .kind = VAL_FLOAT, .number = d };
}

static inline struct val val_str(const struct str *s)
{
    return (struct val){ .kind = VAL_STR, .str = s };
}

static inline bool val_is(struct val v, enum val_kind kind)
{
    return v.kind == kind;
}

static inline bool val_failed(struct val v)
{
    return v.kind == VAL_FAIL;
}

/* An argument was given and is not None. */
static inline bool val_given(struct val v)
{
    return v.kind != VAL_MISSING && v.kind != VAL_NONE;
}

static inline bool val_is_markup(struct val v)
{
    return v.kind == VAL_STR && v.flag == VAL_MARKUP;
}

static inline bool val_is_text(struct val v, const char *text)
{
    return v.kind == VAL_STR
        && slice_is((struct slice){ v.str->at, v.str->len }, text);
}

/* Whole numbers: int and bool. */
static inline bool val_is_whole(struct val v)
{
    return v.kind == VAL_INT || v.kind == VAL_BOOL;
}

static inline int64_t val_whole(struct val v)
{
    return v.kind == VAL_BOOL ? v.boolean : v.integer;
}

static inline bool val_is_number(struct val v)
{
    return val_is_whole(v) || v.kind == VAL_FLOAT;
}

static inline double val_number(struct val v)
{
    return v.kind == VAL_FLOAT ? v.number : (double)val_whole(v);
}

static inline struct slice val_slice(struct val v)
{
    return (struct slice){ v.str->at, v.str->len };
}

/* The kind's name in Python. */
const char *val_type_name(struct val v);

/* Number of code points in valid UTF-8. */
size_t text_chars(struct slice s);
/* Byte offset of code point i (i <= number of code points). */
size_t text_offset(struct slice s, size_t i);

#endif
