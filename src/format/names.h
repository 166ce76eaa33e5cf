/* An index of names: sorted once, then searched by halving.
 *
 * Not a hash table: the names come from files, and whoever writes a file can
 * choose names that collide; sorting costs n log n for every input, and finds
 * duplicates as neighbours. */
#ifndef OSMIA_FORMAT_NAMES_H
#define OSMIA_FORMAT_NAMES_H

#include "base/slice.h"
#include <stdint.h>

struct name_entry {
    struct slice name;
    uint32_t     at;        /* whatever the owner of the index counts */
};

/* Sort by name, equal names by `at`. */
void names_sort(struct name_entry *e, size_t n);

/* The second entry of the first pair of equal names, or NULL (e is sorted). */
const struct name_entry *names_duplicate(const struct name_entry *e, size_t n);

/* The (first) entry of a name, or NULL (e is sorted). */
const struct name_entry *names_find(const struct name_entry *e, size_t n,
                                    struct slice name);

#endif
