/* Memory of a CPU device.
 *
 *   1. A chunk lives while something taken from it does.
 *   2. Only the newest chunk is carved; what is left of the others is lost, at
 *      most half of all, and untouched pages cost nothing. */
#include "device/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    HUGE_PAGE = 2 << 20,
    CHUNK_LEAST = 256 * 1024,
    CHUNK_MOST = 256 << 20
};

void *cpu_alloc(size_t size)
{
    size_t align = size >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
    void  *at = NULL;

    if (size > SIZE_MAX / 2
        || posix_memalign(&at, align, cpu_align(size + 1, align)) != 0)
        return NULL;
    /* One page fault for 2 MB instead of 512: loading is bound by them. */
    if (align == HUGE_PAGE)
        madvise(at, cpu_align(size + 1, align), MADV_HUGEPAGE);
    return at;
}

void *cpu_alloc_zeros(size_t size)
{
    void *at = cpu_alloc(size);

    /* Whole pages of its own: given back, they return as zeros. */
    if (at != NULL && (size < 2 * HUGE_PAGE
                       || madvise(at, cpu_align(size + 1, HUGE_PAGE),
                                  MADV_DONTNEED) != 0))
        memset(at, 0, size);
    return at;
}

/* ---- chunks ---- */

struct cpu_chunk {
    struct cpu_chunk *next;
    uint8_t          *at;
    size_t            size, used, n_live;
};

/* As large as all before it together: few chunks for a large model, and little
 * address space for a small one. */
static struct cpu_chunk *add_chunk(struct cpu *c, size_t size)
{
    struct cpu_chunk *chunk = malloc(sizeof *chunk);
    size_t            want = CHUNK_LEAST;

    for (const struct cpu_chunk *k = c->chunks; k != NULL; k = k->next)
        want += k->size;
    want = want < CHUNK_MOST ? want : CHUNK_MOST;
    want = want > size ? want : size;
    if (chunk == NULL || (chunk->at = cpu_alloc(want)) == NULL) {
        free(chunk);
        return NULL;
    }
    chunk->size = want;
    chunk->used = chunk->n_live = 0;
    chunk->next = c->chunks;
    return c->chunks = chunk;
}

void *cpu_take(struct cpu *c, size_t size)
{
    struct cpu_chunk *k = c->chunks;

    if (size > SIZE_MAX / 4)
        return NULL;
    size = cpu_align(size + 1, 64);
    if ((k == NULL || size > k->size - k->used)
        && (k = add_chunk(c, size)) == NULL)
        return NULL;
    void *at = k->at + k->used;
    k->used += size;
    k->n_live++;
    return at;
}

void cpu_give(struct cpu *c, void *at)
{
    struct cpu_chunk **link = &c->chunks, *k;

    if (at == NULL)
        return;
    while ((uintptr_t)at - (uintptr_t)(*link)->at >= (*link)->size)
        link = &(*link)->next;
    k = *link;
    if (--k->n_live > 0)
        return;
    *link = k->next;
    free(k->at);
    free(k);
}
