/* The steps that a normalizer is made of, each a text in and a text out. */
#ifndef OSMIA_TEXT_NORM_STEP_H
#define OSMIA_TEXT_NORM_STEP_H

#include "text/charsmap.h"
#include "text/normal_form.h"
#include "text/regex.h"

enum norm_kind {
    NORM_FORM,         /* a form of Unicode */
    NORM_CHARS,        /* every character by itself */
    NORM_PREPEND,      /* the text in front, unless the input is empty */
    NORM_REPLACE,      /* every match by the text */
    NORM_STRIP,        /* white space off the ends */
    NORM_BYTES,        /* every byte becomes a character */
    NORM_CLUSTERS,     /* charsmap, by short grapheme clusters */
    NORM_PREFIXES      /* charsmap, by longest prefixes */
};

/* Puts what becomes of one character; returns how many (0 to 3). */
typedef size_t norm_map(uint32_t cp, uint32_t out[3]);

struct norm_step {
    enum norm_kind   kind;
    enum normal_form form;
    norm_map        *map;
    struct slice     text;
    struct regex    *regex;            /* owned */
    bool             left, right;      /* STRIP */
    struct charsmap  charsmap;
};

/* What components do to characters. */
norm_map norm_strip_accents;      /* StripAccents: no mark stays */
norm_map norm_nmt;                /* Nmt: some controls go, some become spaces */
norm_map norm_bert_clean;         /* no controls, white space becomes spaces */
norm_map norm_bert_chinese;       /* spaces around ideographs */
norm_map norm_bert_accents;       /* no non-spacing mark stays */

/* What is known about a text on its way through the steps. */
struct norm_way {
    size_t most;        /* bytes that replacements may make of it */
    bool   at_start;    /* it begins with what the caller's text began with */
};

/* Append what the step makes of `text`; at_start is cleared by steps that drop
 * its beginning.  ERR_LIMIT: it grows to more than way->most bytes. */
enum err norm_run(const struct norm_step *s, struct slice text,
                  struct norm_way *way, struct strbuf *out,
                  struct err_info *why);

#endif
