/* What may stand between two quotes (RFC 8259, section 7), read and written.
 *
 * A 30 MB tokenizer.json is mostly strings without an escape: the reader checks
 * them eight bytes at a time and hands them out where they lie; only a string
 * with a backslash is ever copied.  A lone surrogate is refused, not replaced:
 * two keys that differ only there would become one. */
#include "base/json_string.h"
#include "base/json.h"
#include "base/utf8.h"

/* The four digits behind \u; false: they are not there. */
static bool hex4(const char *at, const char *end, uint32_t *out)
{
    uint32_t value = 0;

    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    *out = value;
    return true;
}

/* "\uD83D\uDE00" is one character: at is behind the first \u.  Returns the
 * length of what follows it, 0 with *what when broken. */
static size_t unicode_escape(const char *at, const char *end, uint32_t *out,
                             const char **what)
{
    uint32_t high, low;

    *what = "\\u is not followed by four hexadecimal digits";
    if (!hex4(at, end, &high))
        return 0;
    if (high < 0xD800 || high > 0xDFFF) {
        *out = high;
        return 4;
    }
    *what = "a surrogate without its other half";
    if (high > 0xDBFF || end - at < 10 || at[4] != '\\' || at[5] != 'u'
        || !hex4(at + 6, end, &low) || low < 0xDC00 || low > 0xDFFF)
        return 0;
    *out = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}

/* The escape at a backslash: its length and character; 0 with *what when there
 * is no such escape. */
static size_t escape_read(const char *at, const char *end, uint32_t *out,
                          const char **what)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

    *what = "a backslash with no escape that JSON knows behind it";
    if (end - at < 2)
        return 0;
    if (at[1] == 'u') {
        size_t len = unicode_escape(at + 2, end, out, what);
        return len == 0 ? 0 : len + 2;
    }
    const char *letter = memchr(letters, at[1], sizeof letters - 1);
    if (letter == NULL)
        return 0;
    *out = (unsigned char)meant[letter - letters];
    return 2;
}

/* Skip what needs no second look: ASCII without quote, backslash and control
 * characters.  Eight bytes at a time: a byte's top bit is set in `special` when
 * it is one of those.  A borrow can set bits too high, but only above the first
 * true one, and the first is all that is used. */
static const char *skip_plain(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word;

    for (; end - at >= 8; at += 8) {
        memcpy(&word, at, 8);
        uint64_t quote = word ^ (ones * '"');
        uint64_t slash = word ^ (ones * '\\');
        uint64_t special = (((quote - ones) & ~quote)
                            | ((slash - ones) & ~slash)
                            | ((word - ones * 0x20) & ~word) | word) & tops;
        if (special != 0)
            return at + (__builtin_ctzll(special) >> 3);
    }
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80
           && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* What is no plain text, at a place inside a string.  Returns its length,
 * 0 with *what when it is not lawful. */
static size_t check_special(const char *at, const char *end, bool *escaped,
                            const char **what)
{
    uint32_t code_point;

    if (*at == '\\') {
        *escaped = true;
        return escape_read(at, end, &code_point, what);
    }
    if ((unsigned char)*at < 0x20) {
        *what = "a control character inside a string (it must be escaped)";
        return 0;
    }
    *what = "a string is not valid UTF-8";
    return utf8_multibyte_prefix((struct slice){ at, (size_t)(end - at) });
}

const char *json_string_check(const char *at, const char *end, bool *escaped,
                              const char **bad, const char **what)
{
    *escaped = false;
    for (;;) {
        at = skip_plain(at, end);
        *bad = at;
        if (at == end) {
            *what = "the text ends inside a string";
            return NULL;
        }
        if (*at == '"')
            return at;
        size_t len = check_special(at, end, escaped, what);
        if (len == 0)
            return NULL;
        at += len;
    }
}

void json_unescape(struct strbuf *out, struct slice written)
{
    const char *at = written.at, *end = at + written.len;

    while (written.len > 0 && at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        const char *what;
        uint32_t code_point;
        if (slash == NULL)
            slash = end;
        strbuf_put(out, (struct slice){ at, (size_t)(slash - at) });
        if (slash == end)
            return;
        size_t len = escape_read(slash, end, &code_point, &what);
        if (len == 0)
            return;          /* only if the text never passed json_next */
        strbuf_put_utf8(out, code_point);
        at = slash + len;
    }
}

/* ---- writing ---- */

static void put_escape(struct strbuf *out, char c)
{
    static const char letters[] = "\"\\bfnrt", meant[] = "\"\\\b\f\n\r\t";
    const char *known = memchr(meant, c, sizeof meant - 1);

    if (known == NULL)
        strbuf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
    else
        strbuf_printf(out, "\\%c", letters[known - meant]);
}

void json_put_string(struct strbuf *out, struct slice s)
{
    strbuf_putc(out, '"');
    while (s.len > 0 && !out->failed) {
        size_t plain = (size_t)(skip_plain(s.at, s.at + s.len) - s.at);
        strbuf_put(out, (struct slice){ s.at, plain });
        s = slice_from(s, plain);
        if (s.len == 0)
            break;
        if ((unsigned char)*s.at < 0x80) {
            put_escape(out, *s.at);
            s = slice_from(s, 1);
            continue;
        }
        uint32_t code_point;
        s = slice_from(s, utf8_decode(s, &code_point, NULL));
        strbuf_put_utf8(out, code_point);
    }
    strbuf_putc(out, '"');
}
