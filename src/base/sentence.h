/* Sentences for people, made of text that nobody trusts. */
#ifndef OSMIA_BASE_SENTENCE_H
#define OSMIA_BASE_SENTENCE_H

#include "base/slice.h"
#include <stdarg.h>

/* The longest visible form of one character: four bytes as \xNN. */
enum { SENTENCE_CHAR_SIZE = 16 };

/* Take the character at the start of s (s.len > 0) and write the form in which
 * people may see it: as it is, or \xNN for each byte of a control character
 * (C0, DEL, C1) and of what is no UTF-8.  Returns the bytes taken from s. */
size_t sentence_char(struct slice s, char out[SENTENCE_CHAR_SIZE],
                     size_t *out_len);

/* vsnprintf, made visible, cut between characters to fit into `size` bytes with
 * the NUL.  Returns the length. */
size_t sentence_format(char *out, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
