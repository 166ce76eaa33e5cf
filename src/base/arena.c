/* Chunks that double: with n bytes handed out there are about log n of them, at
 * most half of the memory is unused, and dropping everything takes as many
 * frees.
 *
 *   1. Only the newest chunk is carved from.  A piece that does not fit leaves
 *      the rest of it unused: looking through older chunks would make taking
 *      cost what nobody expects.
 *   2. `total` counts what was asked for, rounded up, and is what the limit
 *      bounds: a limit on chunks would depend on how they happened to grow. */
#include "base/arena.h"
#include "base/checked.h"
#include <stdint.h>
#include <stdlib.h>

enum { ALIGN = 16, CHUNK_MIN = 4 << 10, CHUNK_MAX = 1 << 20 };

/* The newest chunk is the one that pieces are carved from; older ones are only
 * kept to be freed. */
struct arena_chunk {
    struct arena_chunk *next;
    size_t              used, size;       /* bytes of `bytes` */
    _Alignas(ALIGN) char bytes[];
};

/* Chunks grow with the arena, so that their number stays logarithmic. */
static size_t chunk_size(const struct arena *a, size_t need)
{
    size_t size = a->total;

    if (size < CHUNK_MIN)
        size = CHUNK_MIN;
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    return size < need ? need : size;
}

static struct arena_chunk *chunk_add(struct arena *a, size_t need)
{
    size_t size = chunk_size(a, need);

    if (size > PTRDIFF_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *c = malloc(sizeof *c + size);
    if (c == NULL)
        return NULL;
    *c = (struct arena_chunk){ .next = a->chunks, .size = size };
    a->chunks = c;
    return c;
}

void *arena_take(struct arena *a, size_t n, size_t size)
{
    uint64_t bytes, total;
    struct arena_chunk *c = a->chunks;

    if (!checked_mul(&bytes, n, size) || !checked_align(&bytes, bytes, ALIGN)
        || !checked_add(&total, a->total, bytes)
        || (a->limit != 0 && total > a->limit))
        return NULL;
    if (c == NULL || c->size - c->used < bytes) {
        c = chunk_add(a, (size_t)bytes);
        if (c == NULL)
            return NULL;
    }
    void *piece = c->bytes + c->used;
    c->used += (size_t)bytes;
    a->total = (size_t)total;
    return piece;
}

void *arena_zero(struct arena *a, size_t n, size_t size)
{
    void *piece = arena_take(a, n, size);

    if (piece != NULL)
        memset(piece, 0, n * size);
    return piece;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
    char *copy = s.len == SIZE_MAX ? NULL : arena_take(a, s.len + 1, 1);

    if (copy == NULL)
        return (struct slice){ NULL, 0 };
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct slice){ copy, s.len };
}

void arena_drop(struct arena *a)
{
    struct arena_chunk *next;

    for (struct arena_chunk *c = a->chunks; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    *a = (struct arena){ .limit = a->limit };
}
