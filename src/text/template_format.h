/* Format specifications of `%` and str.format, in one form. */
#ifndef OSMIA_TEXT_TEMPLATE_FORMAT_H
#define OSMIA_TEXT_TEMPLATE_FORMAT_H

#include "text/template_run.h"

struct spec {
    uint32_t fill;         /* a code point */
    char     align;        /* '<' '>' '^' '=', or 0: the type's own */
    char     sign;         /* '+' ' ' or 0 */
    bool     alternate;    /* # */
    char     group;        /* ',' '_' or 0 */
    int64_t  width;
    int64_t  precision;    /* -1: none */
    char     type;         /* 0: none given */
    bool     upper;        /* set by the formatter */
};

/* Read [[fill]align][sign][#][0][width][group][.precision][type]. */
bool spec_read(struct run *r, struct slice text, struct spec *out);
/* Append text of so many code points, filled to the width. */
bool put_padded(struct build *b, const struct spec *s, struct slice text,
                char align);
bool put_text(struct build *b, const struct spec *s, struct slice text);
/* type: d b o x X c */
bool put_whole(struct build *b, const struct spec *s, int64_t v);
/* type: e E f F g G %, or 0 */
bool put_real(struct build *b, const struct spec *s, double v);

#endif
