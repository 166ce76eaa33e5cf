/* What the files of string methods and filters share. */
#ifndef OSMIA_TEXT_TEMPLATE_STR_H
#define OSMIA_TEXT_TEMPLATE_STR_H

#include "text/template_run.h"

/* v as text; false: an error "WHAT must be str, not ..." is recorded. */
bool str_arg(struct run *r, struct val v, const char *what, struct slice *out);

/* most < 0: all.  The result is no markup. */
struct val str_replace(struct run *r, struct val of, struct slice from,
                       struct slice to, int64_t most);
/* Last occurrence of `what` that ends at or before `end`; SIZE_MAX: none, or
 * no steps left. */
size_t str_find_last(struct run *r, struct slice s, struct slice what,
                     size_t end);
struct val split_lines(struct run *r, struct val of, bool keep_ends);

enum str_case {
    CASE_LOWER, CASE_UPPER, CASE_TITLE, CASE_FOLD, CASE_SWAP, CASE_CAPITAL
};
/* Append s in another case, by Python's full mappings. */
void       put_case(struct build *b, struct slice s, enum str_case to);
struct val str_case(struct run *r, struct val of, enum str_case to);
/* Pad to `width` code points: share of the padding on the left in halves. */
struct val str_pad(struct run *r, struct val of, int64_t width,
                   struct val fill, int left_halves);

/* The rows of table_str_methods: name, function, parameters. */
#define STR_METHOD_LIST(X)                                                   \
    X(capitalize, "")                 X(casefold, "")                        \
    X(center, "width fillchar? /")    X(count, "sub start? end? /")          \
    X(endswith, "suffix start? end? /") X(expandtabs, "tabsize?")            \
    X(find, "sub start? end? /")      X(format, "*")                         \
    X(format_map, "mapping /")        X(index, "sub start? end? /")          \
    X(isalnum, "")                    X(isalpha, "")                         \
    X(isascii, "")                    X(isdecimal, "")                       \
    X(isdigit, "")                    X(isidentifier, "")                    \
    X(islower, "")                    X(isnumeric, "")                       \
    X(isprintable, "")                X(isspace, "")                         \
    X(istitle, "")                    X(isupper, "")                         \
    X(join, "iterable /")             X(ljust, "width fillchar? /")          \
    X(lower, "")                      X(lstrip, "chars? /")                  \
    X(partition, "sep /")             X(removeprefix, "prefix /")            \
    X(removesuffix, "suffix /")       X(replace, "old new / count?")         \
    X(rfind, "sub start? end? /")     X(rindex, "sub start? end? /")         \
    X(rjust, "width fillchar? /")     X(rpartition, "sep /")                 \
    X(rsplit, "sep? maxsplit?")       X(rstrip, "chars? /")                  \
    X(split, "sep? maxsplit?")        X(splitlines, "keepends?")             \
    X(startswith, "prefix start? end? /") X(strip, "chars? /")               \
    X(swapcase, "")                   X(title, "")                           \
    X(upper, "")                      X(zfill, "width /")                    \
    X(encode, "*")                    X(maketrans, "*")                      \
    X(translate, "*")

#define X(name, params) struct val s_##name(struct run *r, const struct call *c);
STR_METHOD_LIST(X)
#undef X

#endif
