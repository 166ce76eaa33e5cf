/* Malformed files by the thousand: valid bytes, changed in one or several places
 * by a counter-based choice, so that case n is the same everywhere. */
#ifndef OSMIA_TESTS_MUTATE_H
#define OSMIA_TESTS_MUTATE_H

#include "base/strbuf.h"
#include <stdbool.h>
#include <stdint.h>

/* What is known of the bytes. */
struct mutable {
    struct slice bytes;
    size_t       head;       /* most changes fall into the first `head` bytes */
    bool         text;       /* JSON: numbers, names and brackets, too */
};

/* Case n into `out`. */
void mutate(struct strbuf *out, const struct mutable *m, uint64_t n);

#endif
