#include "text/chars.h"

uint32_t char_at_wide(struct slice s, size_t at, size_t *len)
{
    const unsigned char *p = (const unsigned char *)s.at + at;
    size_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (n > s.len - at) {
        *len = s.len - at;
        return 0xFFFD;
    }
    *len = n;
    uint32_t cp = n == 2 ? p[0] & 0x1Fu : n == 3 ? p[0] & 0x0Fu : p[0] & 0x07u;
    for (size_t i = 1; i < n; i++)
        cp = cp << 6 | (p[i] & 0x3Fu);
    return cp;
}

size_t class_run(const struct char_class *c, struct slice s, size_t at,
                 size_t max, size_t *n)
{
    size_t count = 0, len;
    while (at < s.len && (max == 0 || count < max)
           && class_has(c, char_at(s, at, &len))) {
        at += len;
        count++;
    }
    if (n != NULL)
        *n = count;
    return at;
}
