/* Vocabularies write single bytes in two ways; both are looked up once, when
 * the tokenizer is opened, and 256 ids answer for them from then on. */
#include "text/byte_ids.h"
#include "base/utf8.h"
#include "text/byte_char.h"
#include <stdio.h>

static int32_t find_one(const struct vocab *vocab, uint8_t byte,
                        enum bytes_style style)
{
    char text[8];

    if (style == BYTES_MAPPED) {
        size_t len = utf8_encode(text, byte_char(byte));
        return vocab_find(vocab, (struct slice){ text, len });
    }
    snprintf(text, sizeof text, "<0x%02X>", byte);
    int32_t id = vocab_find(vocab, slice_of(text));
    if (id < 0 && style == BYTES_HEX_OR_RAW)
        id = vocab_find(vocab, (struct slice){ (const char *)&byte, 1 });
    return id;
}

void bytes_find(struct byte_ids *b, const struct vocab *vocab,
                enum bytes_style style)
{
    b->all = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        b->id[byte] = find_one(vocab, (uint8_t)byte, style);
        b->all &= b->id[byte] >= 0;
    }
}

bool bytes_cover(const struct byte_ids *b, struct slice text)
{
    if (b->all)
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (b->id[(uint8_t)text.at[i]] < 0)
            return false;
    return true;
}

int bytes_value(struct slice text)
{
    if (text.len != 6 || !slice_starts(text, SLICE("<0x")) || text.at[5] != '>')
        return -1;
    int low = hex_digit(text.at[4]);
    int high = text.at[3] == '+' ? 0 : hex_digit(text.at[3]);
    return low < 0 || high < 0 ? -1 : 16 * high + low;
}
