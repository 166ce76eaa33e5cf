/* One decoder; everything else here is a shortcut past it for the common case.
 */
#include "base/utf8.h"
#include "base/strbuf.h"
#include <assert.h>

/* Bytes of the character that a lead byte opens; 0: opens none. */
static unsigned lead_len(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* The second byte is the only one whose range depends on the lead: this is what
 * keeps out overlong forms, surrogates and what lies above U+10FFFF (Unicode
 * 15, table 3-7). */
static bool second_fits(unsigned char lead, unsigned char second)
{
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;

    return second >= low && second <= high;
}

/* How many bytes of a character of `len` bytes stand at `at` as they should,
 * the lead counted; 1 <= len. */
static inline unsigned good_len(const unsigned char *at, size_t left,
                                unsigned len)
{
    unsigned i = 1;

    if (len > 1 && left > 1 && !second_fits(at[0], at[1]))
        return 1;
    while (i < len && i < left && (at[i] & 0xC0) == 0x80)
        i++;
    return i;
}

size_t utf8_decode(struct slice s, uint32_t *code_point, bool *valid)
{
    assert(s.len > 0);
    const unsigned char *at = (const unsigned char *)s.at;
    unsigned len = lead_len(at[0]);
    unsigned good = len == 0 ? 1 : good_len(at, s.len, len);
    uint32_t value = at[0];

    if (len > 1)
        value &= 0x7Fu >> len;
    for (unsigned i = 1; i < good; i++)
        value = value << 6 | (at[i] & 0x3Fu);
    *code_point = good == len ? value : UTF8_REPLACEMENT;
    if (valid != NULL)
        *valid = good == len;
    return good;
}

size_t utf8_encode(char out[4], uint32_t c)
{
    assert(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF));
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    /* The lead byte has as many leading ones as the character has bytes. */
    out[0] = (char)((0xF00u >> len & 0xFF) | c);
    return len;
}

/* Length of the run of ASCII at the start of s. */
static size_t ascii_prefix(struct slice s)
{
    size_t at = 0;
    uint64_t word;

    for (; s.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, s.at + at, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (at < s.len && (unsigned char)s.at[at] < 0x80)
        at++;
    return at;
}

size_t utf8_multibyte_prefix(struct slice s)
{
    const unsigned char *bytes = (const unsigned char *)s.at;
    size_t at = 0;

    while (at < s.len && bytes[at] >= 0x80) {
        unsigned len = lead_len(bytes[at]);
        if (len == 0 || good_len(bytes + at, s.len - at, len) != len)
            break;
        at += len;
    }
    return at;
}

size_t utf8_valid_prefix(struct slice s)
{
    size_t at = 0, before;

    do {
        before = at;
        at += ascii_prefix(slice_from(s, at));
        at += utf8_multibyte_prefix(slice_from(s, at));
    } while (at > before && at < s.len);
    return at;
}

size_t utf8_incomplete_tail(struct slice s)
{
    for (size_t n = 1; n <= 3 && n <= s.len; n++) {
        struct slice tail = slice_from(s, s.len - n);
        unsigned char lead = (unsigned char)tail.at[0];
        uint32_t code_point;
        if ((lead & 0xC0) == 0x80)
            continue;
        if (lead_len(lead) <= n)
            return 0;
        /* Too short, so invalid; completable if all of it is one subpart. */
        return utf8_decode(tail, &code_point, NULL) == n ? n : 0;
    }
    return 0;
}

void utf8_put_lossy(struct strbuf *out, struct slice s)
{
    while (s.len > 0 && !out->failed) {
        uint32_t code_point;
        size_t good = utf8_valid_prefix(s);
        strbuf_put(out, (struct slice){ s.at, good });
        s = slice_from(s, good);
        if (s.len == 0)
            break;
        s = slice_from(s, utf8_decode(s, &code_point, NULL));
        strbuf_put_utf8(out, UTF8_REPLACEMENT);
    }
}
