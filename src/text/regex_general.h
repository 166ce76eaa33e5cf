/* Any expression, on PCRE2.
 *
 * The sets of an expression divide all code points into a few kinds (no set can
 * tell apart two of the same kind).  Expression and text are spelt in one byte a
 * kind, and PCRE2 sees bytes only: no Unicode tables but our own, small classes,
 * quick matching. */
#ifndef OSMIA_TEXT_REGEX_GENERAL_H
#define OSMIA_TEXT_REGEX_GENERAL_H

#include "base/err.h"
#include "text/scanner.h"

struct general;
enum err general_open(struct general **out, struct slice pattern,
                      struct err_info *why);
void     general_close(struct general *g);

/* What one search needs: the spelt text and PCRE2's memory. */
struct regex_scratch;
enum err general_scratch_open(struct regex_scratch **out,
                              const struct general *g, struct err_info *why);
void     general_scratch_close(struct regex_scratch *s);

/* Search in another text from now on. */
void     general_text(const struct general *g, struct regex_scratch *s,
                      struct slice text);
/* The leftmost match at or after `from`, which never goes back. */
enum err general_find(const struct general *g, struct regex_scratch *s,
                      size_t from, struct span *out, bool *found,
                      struct err_info *why);

#endif
