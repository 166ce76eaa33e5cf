/* Dicts: insertion ordered, keys equal as Python's (1 == 1.0 == True). */
#ifndef OSMIA_TEXT_TEMPLATE_DICT_H
#define OSMIA_TEXT_TEMPLATE_DICT_H

#include "text/template_value.h"

/* Look a string key up. */
struct entry *dict_find_str(const struct dict *d, struct slice key);
/* Set a string key; false: no memory (or the arena's limit). */
bool dict_put_str(struct arena *a, struct dict *d, struct val key,
                  struct val value);

/* The same for any key whose hash is known (val_hash).  `equal` says whether
 * two keys of one hash are the same. */
typedef bool key_equal(void *arg, struct val a, struct val b);
struct entry *dict_find(const struct dict *d, struct val key, uint64_t hash,
                        key_equal *equal, void *arg);
/* Append a key that is not there yet. */
bool dict_add(struct arena *a, struct dict *d, struct val key, uint64_t hash,
              struct val value);

/* Bytes that a dict needs when it grows. */
size_t dict_grow_size(const struct dict *d);

uint64_t hash_str(struct slice s);

#endif
