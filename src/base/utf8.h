/* UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef OSMIA_BASE_UTF8_H
#define OSMIA_BASE_UTF8_H

#include "base/slice.h"
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decode the character at the start of s (s.len > 0).  Returns its length in
 * bytes and puts the code point.  Bytes that are no UTF-8: puts
 * UTF8_REPLACEMENT and returns the length of the maximal subpart (1 to 3),
 * with *valid = false (valid may be NULL). */
size_t utf8_decode(struct slice s, uint32_t *code_point, bool *valid);

/* Encode (code_point <= 0x10FFFF, no surrogate) into out; returns 1 to 4. */
size_t utf8_encode(char out[4], uint32_t code_point);

/* Length of the longest valid prefix; == s.len when all of s is UTF-8. */
size_t utf8_valid_prefix(struct slice s);

/* Length of the run of valid characters of two bytes and more at the start. */
size_t utf8_multibyte_prefix(struct slice s);

/* Number of bytes at the end of s that are the beginning of a character that
 * may still be completed (0 to 3).  Bytes before them are not looked at. */
size_t utf8_incomplete_tail(struct slice s);

/* Append s to `out` with each maximal invalid subpart replaced by U+FFFD. */
struct strbuf;
void utf8_put_lossy(struct strbuf *out, struct slice s);

#endif
