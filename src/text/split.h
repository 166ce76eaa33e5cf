/* Cutting texts at the matches of a pattern, in the five ways that
 * tokenizer.json knows. */
#ifndef OSMIA_TEXT_SPLIT_H
#define OSMIA_TEXT_SPLIT_H

#include "text/pretokenizer.h"
#include "text/regex.h"

/* What becomes of "the-final--countdown", cut at "-":                        */
#define SPLIT_LIST(X)                                                        \
    X(REMOVED,    "Removed")            /* the final countdown          */   \
    X(ISOLATED,   "Isolated")           /* the - final - - countdown    */   \
    X(CONTIGUOUS, "Contiguous")         /* the - final -- countdown     */   \
    X(PREVIOUS,   "MergedWithPrevious") /* the- final- - countdown      */   \
    X(NEXT,       "MergedWithNext")     /* the -final - -countdown      */

enum split_behavior {
#define X(id, name) SPLIT_##id,
    SPLIT_LIST(X)
#undef X
    SPLIT_N
};

struct split {
    struct regex       *regex;
    enum split_behavior behavior;
    bool                invert;      /* matches and what is between change
                                        places */
};

/* Append a piece of out->bytes, unless it is empty.  false: no memory. */
bool pieces_push(struct pieces *p, size_t at, size_t len);

/* Cut every piece of `in` and append what comes of it to out->at, as ranges of
 * the same bytes (out->bytes is not touched). */
enum err split_apply(const struct split *s, const struct pieces *in,
                     struct pieces *out, struct err_info *why);

#endif
