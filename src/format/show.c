#include "format/show.h"

#include "base/sentence.h"

/* Room kept for one more character, then "..." and the NUL. */
enum { LAST = (int)sizeof(struct shown) - SENTENCE_CHAR_SIZE - 4 };

struct shown show(struct slice s)
{
    struct shown out;
    size_t len = 0, n;

    while (s.len > 0 && len < LAST) {
        s = slice_from(s, sentence_char(s, out.text + len, &n));
        len += n;
    }
    if (s.len > 0) {
        memcpy(out.text + len, "...", 3);
        len += 3;
    }
    out.text[len] = '\0';
    return out;
}
