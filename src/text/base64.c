#include "text/base64.h"

/* Value of a digit, or 64. */
static unsigned digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(struct slice text, struct strbuf *out)
{
    if (text.len % 4 != 0 || !strbuf_reserve(out, text.len / 4 * 3))
        return text.len == 0;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t n = 4;
        unsigned long bits = 0;
        while (i + 4 == text.len && n > 2 && text.at[i + n - 1] == '=')
            n--;
        for (size_t j = 0; j < n; j++) {
            unsigned d = digit(text.at[i + j]);
            if (d == 64)
                return false;
            bits |= (unsigned long)d << (18 - 6 * j);
        }
        if ((bits & (n == 2 ? 0xFFFFu : n == 3 ? 0xFFu : 0u)) != 0)
            return false;
        for (size_t j = 0; j + 1 < n; j++)
            strbuf_putc(out, (char)(bits >> (16 - 8 * j) & 0xFF));
    }
    return !out->failed;
}
