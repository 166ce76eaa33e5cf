/* Searching a text for a tokenizer's pattern: a literal text or a regular
 * expression in the syntax of tokenizer.json (Oniguruma's Ruby syntax).
 *
 * Known expressions run on hand-written scanners (scanner.h), any other on
 * PCRE2 behind a translator, with all classes written out from our own tables.
 * A compiled expression is immutable; threads may search with it at once. */
#ifndef OSMIA_TEXT_REGEX_H
#define OSMIA_TEXT_REGEX_H

#include "base/err.h"
#include "text/scanner.h"

struct regex;

/* Compile.  ERR_FORMAT points into a broken expression, ERR_UNKNOWN names what
 * is not supported; the pattern is not kept. */
enum err regex_open(struct regex **out, struct slice pattern,
                    struct err_info *why);
/* The same, never on a hand-written scanner: what those are tested against. */
enum err regex_open_general(struct regex **out, struct slice pattern,
                            struct err_info *why);
/* A pattern that is a text, copied.  An empty one matches everywhere. */
enum err regex_open_text(struct regex **out, struct slice text,
                         struct err_info *why);
/* A scanner of the caller's; it must outlive the regex. */
enum err regex_open_scanner(struct regex **out, const struct scanner *scanner,
                            struct err_info *why);
void     regex_close(struct regex *r);                /* NULL: nothing */

/* One search at a time through any number of texts.  Zero-initialised is
 * valid for drop. */
struct regex_scratch;
struct regex_search {
    const struct regex   *regex;
    struct slice          text;
    size_t                from;          /* where to look next */
    size_t                last_end;      /* of the last match; SIZE_MAX: none */
    struct scan_memo      memo;
    struct regex_scratch *scratch;
};

enum err regex_search_init(struct regex_search *s, const struct regex *r,
                           struct err_info *why);
void     regex_search_text(struct regex_search *s, struct slice text);
void     regex_search_drop(struct regex_search *s);

/* The next match, leftmost first, never overlapping; an empty one is skipped
 * right behind another match.  *found false: no more.  ERR_LIMIT: the match
 * takes too many steps or too much memory. */
enum err regex_search_next(struct regex_search *s, struct span *out,
                           bool *found, struct err_info *why);

#endif
