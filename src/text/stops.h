/* Stop strings in a stream: text that may still become one is held back, so
 * that no part of a stop string ever leaks. */
#ifndef OSMIA_TEXT_STOPS_H
#define OSMIA_TEXT_STOPS_H

#include "base/strbuf.h"

struct stops {
    const struct slice *words;   /* non-empty strings, owned by the caller */
    size_t              n_words;
    struct strbuf       held;    /* a proper prefix of some word, at most */
    size_t              hit;     /* the word that was completed */
};

void stops_init(struct stops *s, const struct slice *words, size_t n_words);
/* Feed text; what is safe goes to out.  True: a stop string is complete; the
 * text before it is in out, the rest is dropped, nothing may be fed after.  Of
 * several the one that ends first counts, however the stream is cut. */
bool stops_push(struct stops *s, struct slice text, struct strbuf *out);
/* The stream ended without a stop: what was held goes to out. */
void stops_end(struct stops *s, struct strbuf *out);
void stops_drop(struct stops *s);

#endif
