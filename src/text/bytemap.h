/* Texts of byte-level vocabularies: bytes written as characters, and back. */
#ifndef OSMIA_TEXT_BYTEMAP_H
#define OSMIA_TEXT_BYTEMAP_H

#include "base/strbuf.h"

/* Append every byte of s as its character. */
void bytemap_put(struct strbuf *out, struct slice s);
/* Append the bytes that the characters of s stand for, when all of them stand
 * for one; else append s as it is. */
void bytemap_put_bytes(struct strbuf *out, struct slice s);

#endif
