#include "base/sentence.h"
#include "base/err.h"
#include "base/utf8.h"
#include <stdio.h>

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

size_t sentence_char(struct slice s, char out[SENTENCE_CHAR_SIZE],
                     size_t *out_len)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t code_point;
    bool valid;
    size_t len = utf8_decode(s, &code_point, &valid);

    if (valid && !is_control(code_point)) {
        memcpy(out, s.at, len);
        *out_len = len;
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)s.at[i];
        out[4 * i] = '\\';
        out[4 * i + 1] = 'x';
        out[4 * i + 2] = digits[byte >> 4];
        out[4 * i + 3] = digits[byte & 15];
    }
    *out_len = 4 * len;
    return len;
}

size_t sentence_format(char *out, size_t size, const char *fmt, va_list args)
{
    char raw[ERR_TEXT_SIZE];
    int printed = vsnprintf(raw, sizeof raw, fmt, args);
    struct slice s = { raw, printed < 0 ? 0 : (size_t)printed };
    size_t at = 0;

    if (s.len >= sizeof raw) {
        s.len = sizeof raw - 1;
        /* Half a character would be shown as broken bytes, which it is not. */
        s.len -= utf8_incomplete_tail(s);
    }
    while (s.len > 0) {
        char shown[SENTENCE_CHAR_SIZE];
        size_t shown_len;
        size_t taken = sentence_char(s, shown, &shown_len);
        if (at + shown_len >= size)
            break;
        memcpy(out + at, shown, shown_len);
        at += shown_len;
        s = slice_from(s, taken);
    }
    out[at] = '\0';
    return at;
}
