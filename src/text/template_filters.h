/* The filters: name, function, parameters (see struct builtin). */
#ifndef OSMIA_TEXT_TEMPLATE_FILTERS_H
#define OSMIA_TEXT_TEMPLATE_FILTERS_H

#include "text/template_run.h"

#define FILTER_LIST(X)                                                       \
    X(abs, abs, "")                                                          \
    X(attr, attr, "name")                                                    \
    X(batch, batch, "linecount fill_with?")                                  \
    X(capitalize, capitalize, "")                                            \
    X(center, center, "width?")                                              \
    X(count, length, "")                                                     \
    X(d, default, "default_value? boolean?")                                 \
    X(default, default, "default_value? boolean?")                           \
    X(dictsort, dictsort, "case_sensitive? by? reverse?")                    \
    X(e, escape, "")                                                         \
    X(escape, escape, "")                                                    \
    X(filesizeformat, filesizeformat, "binary?")                             \
    X(first, first, "")                                                      \
    X(float, float, "default?")                                              \
    X(forceescape, forceescape, "")                                          \
    X(format, format, "*")                                                   \
    X(groupby, groupby, "attribute default? case_sensitive?")                \
    X(indent, indent, "width? first? blank?")                                \
    X(int, int, "default? base?")                                            \
    X(items, items, "")                                                      \
    X(join, join, "d? attribute?")                                           \
    X(last, last, "")                                                        \
    X(length, length, "")                                                    \
    X(list, list, "")                                                        \
    X(lower, lower, "")                                                      \
    X(map, map, "*")                                                         \
    X(max, max, "case_sensitive? attribute?")                                \
    X(min, min, "case_sensitive? attribute?")                                \
    X(pprint, pprint, "")                                                    \
    X(random, random, "")                                                    \
    X(reject, reject, "*")                                                   \
    X(rejectattr, rejectattr, "*")                                           \
    X(replace, replace, "old new count?")                                    \
    X(reverse, reverse, "")                                                  \
    X(round, round, "precision? method?")                                    \
    X(safe, safe, "")                                                        \
    X(select, select, "*")                                                   \
    X(selectattr, selectattr, "*")                                           \
    X(slice, slice, "slices fill_with?")                                     \
    X(sort, sort, "reverse? case_sensitive? attribute?")                     \
    X(string, string, "")                                                    \
    X(striptags, striptags, "")                                              \
    X(sum, sum, "attribute? start?")                                         \
    X(title, title, "")                                                      \
    X(tojson, tojson, "ensure_ascii? indent? separators? sort_keys?")        \
    X(trim, trim, "chars?")                                                  \
    X(truncate, truncate, "length? killwords? end? leeway?")                 \
    X(unique, unique, "case_sensitive? attribute?")                          \
    X(upper, upper, "")                                                      \
    X(urlencode, urlencode, "")                                              \
    X(urlize, urlize, "*")                                                   \
    X(wordcount, wordcount, "")                                              \
    X(wordwrap, wordwrap,                                                    \
      "width? break_long_words? wrapstring? break_on_hyphens?")              \
    X(xmlattr, xmlattr, "autospace?")

/* Some functions have two names; declaring one twice is lawful. */
#define X(name, function, params)                                            \
    struct val f_##function(struct run *r, const struct call *c);
FILTER_LIST(X)
#undef X

/* A path of attributes: "a.b.0", a number, or none. */
struct getter {
    struct val attribute;     /* MISSING: the item itself */
    struct val otherwise;     /* instead of undefined, or MISSING */
    bool       lower;         /* strings compare without case */
};
struct val getter_get(struct run *r, const struct getter *g, struct val item);

/* Sort by keys with Python's `<`, stably; `keys` moves along. */
bool sort_by(struct run *r, struct list *items, struct list *keys,
             bool reverse);
/* sorted()'s reverse: a whole number; false: failed. */
bool reverse_arg(struct run *r, struct val v, bool *out);
/* An optional argument's truth. */
static inline bool arg_true(struct val v, bool absent)
{
    return v.kind == VAL_MISSING ? absent : val_true(v);
}

/* A number from text as Python's float() and int() read it. */
bool text_to_double(struct slice s, double *out);
enum whole { WHOLE_OK, WHOLE_BAD, WHOLE_BIG };
enum whole text_to_whole(struct slice s, int64_t base, int64_t *out);

#endif
