/* The precompiled character map of SentencePiece: a double-array trie from
 * prefixes of a text to what stands for them.
 *
 * Nothing in it is believed: an index that leads out of the array or a text out
 * of the blob ends the walk. */
#ifndef OSMIA_TEXT_CHARSMAP_H
#define OSMIA_TEXT_CHARSMAP_H

#include "base/err.h"
#include "base/slice.h"

struct charsmap {
    struct slice units;        /* u32 little-endian each */
    struct slice texts;        /* NUL-terminated each */
};

/* Take a blob apart; it must stay valid.  ERR_FORMAT. */
enum err charsmap_open(struct charsmap *out, struct slice blob,
                       struct err_info *why);

enum charsmap_want { CHARSMAP_SHORTEST, CHARSMAP_LONGEST };

/* Length of the prefix of `text` that has a replacement, put in *out; 0: none.
 * A replacement may be empty. */
size_t charsmap_find(const struct charsmap *m, struct slice text,
                     enum charsmap_want want, struct slice *out);

#endif
