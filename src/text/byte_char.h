/* The characters that stand for bytes in a byte-level vocabulary. */
#ifndef OSMIA_TEXT_BYTE_CHAR_H
#define OSMIA_TEXT_BYTE_CHAR_H

#include <stdint.h>

/* The visible characters of Latin-1 stand for themselves; the other 68 bytes,
 * in order, for U+0100 and up. */
static inline uint32_t byte_char(unsigned char byte)
{
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7F && byte <= 0xA0)
        return 0x100u + 0x21 + byte - 0x7F;
    return byte == 0xAD ? 0x143 : byte;
}

/* The byte that a character stands for, or -1. */
static inline int char_byte(uint32_t cp)
{
    if (cp >= 0x100 && cp <= 0x120)
        return (int)(cp - 0x100);
    if (cp >= 0x121 && cp <= 0x142)
        return (int)(cp - 0x121 + 0x7F);
    if (cp == 0x143)
        return 0xAD;
    return cp > 0xFF || byte_char((unsigned char)cp) != cp ? -1 : (int)cp;
}

#endif
