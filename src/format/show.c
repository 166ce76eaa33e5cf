#include "format/show.h"

#include "base/utf8.h"

#include <stdio.h>

/* Room kept for "\xNN" or a character of 4 bytes, then "..." and the NUL. */
enum { LAST = (int)sizeof(struct shown) - 4 - 4 };

struct shown show(struct slice s)
{
    struct shown out;
    size_t len = 0;

    while (s.len > 0 && len < LAST) {
        uint32_t point;
        bool valid;
        size_t n = utf8_decode(s, &point, &valid);

        if (valid && point >= 0x20 && point != 0x7F
            && !(point >= 0x80 && point < 0xA0)) {
            memcpy(out.text + len, s.at, n);
            len += n;
        } else {
            n = 1;      /* byte by byte, so that each is seen */
            len += (size_t)snprintf(out.text + len, 5, "\\x%02x",
                                    (unsigned)(unsigned char)s.at[0]);
        }
        s = slice_from(s, n);
    }
    if (s.len > 0) {
        memcpy(out.text + len, "...", 3);
        len += 3;
    }
    out.text[len] = '\0';
    return out;
}
