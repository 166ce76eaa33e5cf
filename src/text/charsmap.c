/* The double-array trie of SentencePiece (Aoe 1989, as Darts-clone writes it).
 *
 * A unit is 32 bits: bits 0 to 7 the byte that leads to it, bit 8 "a text ends
 * here", bit 9 "the distance counts in units of 256", bits 10 and up the
 * distance.  A child is at (own place ^ distance ^ byte); the value of a text
 * hangs as child 0 and has bit 31 set, which is why that bit is part of the
 * comparison of bytes: a value must not pass for a child. */
#include "text/charsmap.h"

#include "base/cursor.h"
#include "base/utf8.h"

enum err charsmap_open(struct charsmap *out, struct slice blob,
                       struct err_info *why)
{
    struct cursor c = { (const uint8_t *)blob.at, blob.len };
    uint32_t size;
    if (!cursor_u32(&c, &size) || size < 4
        || !cursor_slice(&c, &out->units, size & ~3u))
        return fail(why, ERR_FORMAT, "precompiled_charsmap: %zu bytes, too "
                    "short for the array that it announces", blob.len);
    out->texts = (struct slice){ (const char *)c.at, c.left };
    if (utf8_valid_prefix(out->texts) != out->texts.len)
        return fail(why, ERR_FORMAT, "precompiled_charsmap: its texts are no "
                    "UTF-8");
    return ERR_OK;
}

static bool unit_at(const struct charsmap *m, size_t i, uint32_t *out)
{
    if (i >= m->units.len / sizeof *out)
        return false;
    memcpy(out, m->units.at + i * sizeof *out, sizeof *out);
    return true;
}

/* Distance to a unit's children: bit 9 shifted down is 8, the shift. */
static size_t unit_base(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

static bool text_at(const struct charsmap *m, size_t at, struct slice *out)
{
    if (at >= m->texts.len)
        return false;
    const char *start = m->texts.at + at;
    const char *end = memchr(start, '\0', m->texts.len - at);
    size_t len = end == NULL ? m->texts.len - at : (size_t)(end - start);
    *out = (struct slice){ start, len };
    return true;
}

size_t charsmap_find(const struct charsmap *m, struct slice text,
                     enum charsmap_want want, struct slice *out)
{
    size_t found = 0, node;
    uint32_t unit, value;
    if (!unit_at(m, 0, &unit))
        return 0;
    node = unit_base(unit);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        node ^= c;
        if (c == 0 || !unit_at(m, node, &unit) || (unit & 0x800000FFu) != c)
            break;
        node ^= unit_base(unit);
        if ((unit >> 8 & 1) == 0)
            continue;
        if (!unit_at(m, node, &value)
            || !text_at(m, value & 0x7FFFFFFFu, out))
            break;
        found = i + 1;
        if (want == CHARSMAP_SHORTEST)
            break;
    }
    return found;
}
