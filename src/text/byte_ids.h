/* The tokens of a vocabulary that stand for one byte each. */
#ifndef OSMIA_TEXT_BYTE_IDS_H
#define OSMIA_TEXT_BYTE_IDS_H

#include "text/vocab.h"

/* How such a token is written: as the byte's character (bytemap.h), or <0x0A>
 * (or, where that is missing, the byte itself when BYTES_HEX_OR_RAW). */
enum bytes_style { BYTES_MAPPED, BYTES_HEX, BYTES_HEX_OR_RAW };

struct byte_ids {
    int32_t id[256];        /* -1: none */
    bool    all;            /* none is missing */
};

void bytes_find(struct byte_ids *b, const struct vocab *vocab,
                enum bytes_style style);
/* Every byte of the text has a token. */
bool bytes_cover(const struct byte_ids *b, struct slice text);

/* The byte that the text <0x0A> stands for, or -1.  As lenient as the reference
 * (Rust's from_str_radix): small letters, and a sign in place of a digit. */
int bytes_value(struct slice text);

#endif
