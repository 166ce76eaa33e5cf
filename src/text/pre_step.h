/* The steps that a pre-tokenizer is made of, run one after another.
 *
 *   component      becomes
 *   Sequence       its parts' steps, in order
 *   ByteLevel      PREFIX_SPACE?  SPLIT by GPT-2's expression?  BYTES
 *   Metaspace      METASPACE      SPLIT on its mark?
 *   FixedLength    FIXED
 *   UnicodeScripts SCRIPTS
 *   all others     SPLIT, by some expression or class */
#ifndef OSMIA_TEXT_PRE_STEP_H
#define OSMIA_TEXT_PRE_STEP_H

#include "text/split.h"

enum pre_kind {
    PRE_SPLIT,
    PRE_PREFIX_SPACE,      /* " " in front of what does not begin with one */
    PRE_METASPACE,         /* " " becomes the mark, a mark in front */
    PRE_BYTES,             /* every byte becomes a character */
    PRE_SCRIPTS,           /* cut where the script changes */
    PRE_FIXED              /* cut into pieces of `length` characters */
};

enum pre_prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct pre_step {
    enum pre_kind    kind;
    struct split     split;
    char             mark[4];      /* METASPACE */
    size_t           mark_len;
    enum pre_prepend prepend;
    size_t           length;       /* FIXED */
};

struct pretokenizer {
    struct pre_step *steps;
    size_t           n, cap;
    bool             byte_level;   /* a final BYTES was taken off */
};

/* Append a step; it owns split.regex, even when this fails (NULL: it failed
 * before).  Returns ERR_NOMEM or ERR_OK. */
enum err pre_add(struct pretokenizer *p, struct pre_step step,
                 struct err_info *why);
/* The same for SPLIT by a known expression, isolated. */
enum err pre_add_pattern(struct pretokenizer *p, const char *pattern,
                         struct err_info *why);
/* All steps are there: take the final BYTES off, if there is one. */
void pre_finish(struct pretokenizer *p);

/* Run one step over all pieces of p; `spare` lends its memory.  at_start: the
 * first piece begins where the whole input begins. */
enum err pre_run(const struct pre_step *s, struct pieces *p,
                 struct pieces *spare, bool at_start, struct err_info *why);

#endif
