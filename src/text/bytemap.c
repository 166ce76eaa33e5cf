#include "text/bytemap.h"
#include "base/utf8.h"
#include "text/byte_char.h"

void bytemap_put(struct strbuf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        strbuf_put_utf8(out, byte_char((unsigned char)s.at[i]));
}

void bytemap_put_bytes(struct strbuf *out, struct slice s)
{
    size_t start = out->len;
    uint32_t cp;

    for (size_t i = 0, len; i < s.len; i += len) {
        len = utf8_decode(slice_from(s, i), &cp, NULL);
        int byte = char_byte(cp);
        if (byte < 0) {
            if (!out->failed)
                out->len = start;
            strbuf_put(out, s);
            return;
        }
        strbuf_putc(out, (char)byte);
    }
}
