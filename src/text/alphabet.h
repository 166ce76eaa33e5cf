/* One byte for every code point, such that a given list of sets cannot tell apart
 * two code points of the same byte. */
#ifndef OSMIA_TEXT_ALPHABET_H
#define OSMIA_TEXT_ALPHABET_H

#include "base/strbuf.h"
#include "text/code_set.h"

enum { ALPHABET_LATIN = 256 };

struct alphabet {
    uint8_t   latin[ALPHABET_LATIN];      /* of the first code points */
    uint32_t *start;                      /* interval i: from start[i] on */
    uint8_t  *letter;                     /* its byte */
    size_t    n;
    unsigned  n_letters;                  /* at most 256 */
};

enum alphabet_result { ALPHABET_OK, ALPHABET_TOO_MANY, ALPHABET_NOMEM };

/* Sets are tidy.  TOO_MANY: more than 256 kinds of code points. */
enum alphabet_result alphabet_make(struct alphabet *a,
                                   const struct code_set *sets, size_t n);
void alphabet_drop(struct alphabet *a);

uint8_t alphabet_letter(const struct alphabet *a, uint32_t cp);

/* Append the text (valid UTF-8), one letter a character. */
void alphabet_spell(const struct alphabet *a, struct slice text,
                    struct strbuf *out);
/* members[letter]: does the set have its code points? */
void alphabet_members(const struct alphabet *a, const struct code_set *set,
                      bool members[256]);

#endif
