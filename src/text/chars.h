/* Walking over text that is known to be UTF-8, one character at a time, by class.
 *
 * Nothing is validated here.  Text that is no UTF-8 after all gives wrong
 * characters, but nobody reads past its end. */
#ifndef OSMIA_TEXT_CHARS_H
#define OSMIA_TEXT_CHARS_H

#include "text/unicode.h"

/* The character at `at` (< s.len) of more than one byte. */
uint32_t char_at_wide(struct slice s, size_t at, size_t *len);

/* The character at `at` (< s.len) and its length in bytes. */
static inline uint32_t char_at(struct slice s, size_t at, size_t *len)
{
    unsigned char c = (unsigned char)s.at[at];
    if (c >= 0x80)
        return char_at_wide(s, at, len);
    *len = 1;
    return c;
}

/* Class bits of the character at `at`; no bit at the end of the text. */
static inline uint32_t bits_at(struct slice s, size_t at, size_t *len)
{
    *len = at < s.len;
    if (at >= s.len)
        return 0;
    unsigned char c = (unsigned char)s.at[at];
    return c < 0x80 ? unicode_ascii_bits[c]
                    : unicode_bits(char_at_wide(s, at, len));
}

/* \w of Oniguruma: letters, marks, decimal digits, connectors, and six numbers
 * that its Latin-1 table counts in. */
static inline bool char_is_word(uint32_t cp)
{
    return (unicode_kind(cp) & UNICODE_KIND_ALPHA) != 0
        || unicode_is(cp, UNICODE_MARK | 1u << UNICODE_Nd | 1u << UNICODE_Pc)
        || cp == 0xB2 || cp == 0xB3 || cp == 0xB9
        || (cp >= 0xBC && cp <= 0xBE);
}

/* \w of Rust's regex: Alphabetic, marks, decimal digits, connectors, joiners. */
static inline bool unicode_is_word(uint32_t cp)
{
    return (unicode_kind(cp) & UNICODE_KIND_ALPHA) != 0
        || unicode_is(cp, UNICODE_MARK | 1u << UNICODE_Nd | 1u << UNICODE_Pc)
        || cp == 0x200C || cp == 0x200D;
}

static inline bool byte_is(struct slice s, size_t at, char c)
{
    return at < s.len && s.at[at] == c;
}

static inline bool is_newline(char c)
{
    return c == '\n' || c == '\r';
}

/* Start of the character that ends before `at` (> 0). */
static inline size_t char_before(struct slice s, size_t at)
{
    do
        at--;
    while (at > 0 && ((unsigned char)s.at[at] & 0xC0) == 0x80);
    return at;
}

/* A class of characters: (any of these bits, none of those) or one of the
 * ranges; or, negated, everything else. */
struct char_class {
    uint32_t              any, none;
    struct unicode_ranges ranges;
    bool                  negated;
};

static inline bool class_has(const struct char_class *c, uint32_t cp)
{
    uint32_t bits = unicode_bits(cp);
    bool in = ((bits & c->any) != 0 && (bits & c->none) == 0)
           || (c->ranges.n > 0 && unicode_in(cp, c->ranges));
    return in != c->negated;
}

/* The end of the longest run of members from `at` on, at most `max` of them
 * (0: any number); *n (may be NULL) counts them. */
size_t class_run(const struct char_class *c, struct slice s, size_t at,
                 size_t max, size_t *n);

#endif
