/* Text as Python sees it: whitespace, words, cutting spaces off. */
#ifndef OSMIA_TEXT_TEMPLATE_TEXT_H
#define OSMIA_TEXT_TEMPLATE_TEXT_H

#include "base/utf8.h"
#include "text/unicode.h"

/* Bytes of the whitespace character that s begins with (str.isspace); 0 when
 * it begins with none. */
static inline size_t text_space_len(struct slice s)
{
    uint32_t cp;
    bool valid;
    if (s.len == 0)
        return 0;
    unsigned char c = (unsigned char)s.at[0];
    if (c < 0x80)
        return unicode_is_space_python(c);
    size_t n = utf8_decode(s, &cp, &valid);
    return valid && unicode_is_space_python(cp) ? n : 0;
}

/* A character of a name, or of \w. */
static inline bool text_is_word(uint32_t cp)
{
    return cp == '_' || unicode_is_alnum_python(cp);
}

/* Bytes of the last character of s (s.len > 0, valid UTF-8). */
static inline size_t text_last_len(struct slice s)
{
    size_t n = 1;
    while (n < s.len && ((unsigned char)s.at[s.len - n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* Length of s without the whitespace at its end. */
static inline size_t text_rstrip_len(struct slice s)
{
    while (s.len > 0) {
        size_t n = text_last_len(s);
        if (text_space_len(slice_from(s, s.len - n)) == 0)
            break;
        s.len -= n;
    }
    return s.len;
}

/* Bytes of whitespace at the beginning of s. */
static inline size_t text_lspace_len(struct slice s)
{
    size_t at = 0, n;
    while ((n = text_space_len(slice_from(s, at))) > 0)
        at += n;
    return at;
}

#endif
