/* Most dicts of a template have a handful of keys: those are searched in order.
 * Larger ones get an index with open addressing, at most half full. */
#include "text/template_dict.h"

enum { INDEX_FROM = 9, INDEX_MIN = 32 };   /* indexed: more entries than that */

uint64_t hash_str(struct slice s)
{
    return slice_hash(s);
}

/* Number of the first entry at or after probe `*at` with this hash, or d->n.
 * Unindexed dicts are walked. */
static uint32_t probe(const struct dict *d, uint64_t hash, uint32_t *at)
{
    if (d->index == NULL) {
        while (*at < d->n && d->at[*at].hash != hash)
            ++*at;
        return (*at)++ < d->n ? *at - 1 : d->n;
    }
    uint32_t mask = d->index_size - 1;
    for (;;) {
        uint32_t slot = ((uint32_t)hash + (*at)++) & mask;
        if (d->index[slot] == 0)
            return d->n;
        if (d->at[d->index[slot] - 1].hash == hash)
            return d->index[slot] - 1;
    }
}

struct entry *dict_find(const struct dict *d, struct val key, uint64_t hash,
                        key_equal *equal, void *arg)
{
    uint32_t at = 0, i;
    while ((i = probe(d, hash, &at)) < d->n)
        if (equal(arg, d->at[i].key, key))
            return &d->at[i];
    return NULL;
}

struct entry *dict_find_str(const struct dict *d, struct slice key)
{
    uint64_t hash = hash_str(key);
    uint32_t at = 0, i;
    while ((i = probe(d, hash, &at)) < d->n)
        if (d->at[i].key.kind == VAL_STR
            && slice_eq(val_slice(d->at[i].key), key))
            return &d->at[i];
    return NULL;
}

static void index_put(struct dict *d, uint32_t entry)
{
    uint32_t mask = d->index_size - 1;
    uint32_t slot = (uint32_t)d->at[entry].hash & mask;
    while (d->index[slot] != 0)
        slot = (slot + 1) & mask;
    d->index[slot] = entry + 1;
}

static uint32_t next_cap(const struct dict *d)
{
    return d->cap == 0 ? 4 : d->cap * 2;
}

static uint32_t index_size(uint32_t cap)
{
    uint32_t size = INDEX_MIN;
    while (size < 2 * cap)
        size *= 2;
    return cap >= INDEX_FROM ? size : 0;
}

size_t dict_grow_size(const struct dict *d)
{
    uint32_t cap = next_cap(d);
    return cap * sizeof(struct entry) + index_size(cap) * sizeof(uint32_t);
}

static bool grow(struct arena *a, struct dict *d)
{
    uint32_t cap = next_cap(d);
    struct entry *at = arena_take(a, cap, sizeof *at);
    if (at == NULL)
        return false;
    if (d->n > 0)
        memcpy(at, d->at, d->n * sizeof *at);
    uint32_t size = index_size(cap);
    if (size > 0) {
        uint32_t *index = arena_zero(a, size, sizeof *index);
        if (index == NULL)
            return false;
        d->index = index;
        d->index_size = size;
    }
    d->at = at;
    d->cap = cap;
    for (uint32_t i = 0; d->index != NULL && i < d->n; i++)
        index_put(d, i);
    return true;
}

bool dict_add(struct arena *a, struct dict *d, struct val key, uint64_t hash,
              struct val value)
{
    if (d->n == d->cap && !grow(a, d))
        return false;
    d->at[d->n] = (struct entry){ .key = key, .value = value, .hash = hash };
    d->n++;
    if (d->index != NULL)
        index_put(d, d->n - 1);
    return true;
}

bool dict_put_str(struct arena *a, struct dict *d, struct val key,
                  struct val value)
{
    struct entry *e = dict_find_str(d, val_slice(key));
    if (e != NULL) {
        e->value = value;
        return true;
    }
    return dict_add(a, d, key, hash_str(val_slice(key)), value);
}
