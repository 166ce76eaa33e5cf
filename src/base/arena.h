/* Memory of one lifetime: carve pieces, free all of them at once. */
#ifndef OSMIA_BASE_ARENA_H
#define OSMIA_BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t              total;   /* bytes handed out */
    size_t              limit;   /* most bytes to hand out; 0: no limit */
};

/* Zero-initialised is empty and valid.  Pieces are aligned to 16 bytes.
 * arena_take gives uninitialised memory, arena_zero zeroed memory; both return
 * NULL when out of memory or past the limit.  n * size is checked. */
void *arena_take(struct arena *a, size_t n, size_t size);
void *arena_zero(struct arena *a, size_t n, size_t size);
/* Copy of s, with a NUL behind it that is not counted.  at == NULL: no memory */
struct slice arena_copy(struct arena *a, struct slice s);
void arena_drop(struct arena *a);

#endif
