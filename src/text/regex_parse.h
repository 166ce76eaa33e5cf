/* From Oniguruma's Ruby syntax to a program for PCRE2 in which every set of
 * characters is still a name.
 *
 * The program is a pattern in ASCII in which a set is written as the byte 0xFF
 * and two bytes (high, low) of its number.  Case, dots, anchors and \b have been
 * spelt out as sets, so that PCRE2 needs no option and no Unicode.  What is not
 * supported is refused by name: back references, recursion, \G \K \X \R, absent
 * groups, conditions, sequences that fold to one letter under (?i). */
#ifndef OSMIA_TEXT_REGEX_PARSE_H
#define OSMIA_TEXT_REGEX_PARSE_H

#include "base/err.h"
#include "base/strbuf.h"
#include "text/code_set.h"

enum { REGEX_SET_MARK = 0xFF, REGEX_SETS_MAX = 1024 };

struct regex_program {
    struct strbuf    text;
    struct code_set *sets;      /* tidy, all different */
    size_t           n_sets, cap;
};

/* Zero-initialised is empty. */
void regex_program_drop(struct regex_program *p);

/* ERR_FORMAT, ERR_UNKNOWN: with the byte of the pattern where it went wrong. */
enum err regex_parse(struct regex_program *out, struct slice pattern,
                     struct err_info *why);

#endif
