/* The cache's memory: one mapping for all groups, reserved whole and populated
 * as it is used.
 *
 * Reserving costs address space only, so the size can be that of the largest
 * cache ever wanted.  Pages are populated 256 positions ahead, by kv_reserve:
 * a page fault inside a step would stall all threads of it. */
#include "nn/kv_private.h"

#include "base/checked.h"
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum {
    POPULATE_WRITE = 23,             /* MADV_POPULATE_WRITE: Linux 5.14 */
    HUGE_PAGE = 2 << 20,
    AHEAD = 256 / KV_BLOCK           /* blocks populated ahead of use */
};

/* ---- names and sizes ---- */

static const char *const type_names[] = {
#define X(id, name) [KV_##id] = name,
    KV_TYPE_LIST(X)
#undef X
};

const char *kv_type_name(enum kv_type type)
{
    return type < KV_N_TYPES ? type_names[type] : NULL;
}

enum kv_type kv_type_by_name(const char *name)
{
    int type = 0;
    while (type < KV_N_TYPES && strcmp(name, type_names[type]) != 0)
        type++;
    return (enum kv_type)type;
}

struct kv_layer slab_layer(const struct kv_group *g, enum kv_type type)
{
    return (struct kv_layer){
        .form = g->form, .type = type,
        .n_head_kv = g->form == KV_LATENT ? 1 : g->n_head_kv,
        .k_width = g->k_width, .v_width = g->v_width,
    };
}

static size_t block_size(const struct kv_group *g, enum kv_type type)
{
    struct kv_layer l = slab_layer(g, type);
    return kv_layer_size(&l) * g->n_layers;
}

size_t kv_bytes_per_position(const struct kv_group *groups, size_t n_groups,
                             enum kv_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < n_groups; i++)
        n += block_size(&groups[i], type) / KV_BLOCK;
    return n;
}

/* ---- memory ---- */

static size_t round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

/* Pages of [from, to) become real.  Where the kernel cannot populate, writing does
 * the same, page by page. */
static bool populate(uint8_t *from, size_t size)
{
    if (mprotect(from, size, PROT_READ | PROT_WRITE) != 0)
        return false;
    madvise(from, size, MADV_HUGEPAGE);
    if (madvise(from, size, POPULATE_WRITE) == 0)
        return true;
    memset(from, 0, size);
    return true;
}

bool slab_populate(struct region *r, uint32_t n)
{
    size_t need = n * r->block_size, to;

    if (need <= r->populated)
        return true;
    to = round_up(need + AHEAD * r->block_size, HUGE_PAGE);
    to = to < r->size ? to : r->size;
    if (!populate(r->base + r->populated, to - r->populated))
        return false;
    r->populated = to;
    return true;
}

enum err slab_plan(struct region *r, size_t n, const struct kv_group *groups,
                   const struct kv_options *o, size_t *total,
                   struct err_info *why)
{
    uint64_t n_blocks = ((uint64_t)o->n_positions + KV_BLOCK - 1) / KV_BLOCK;
    uint64_t all = HUGE_PAGE, size;

    for (size_t i = 0; i < n; i++, r++) {
        struct kv_layer l = slab_layer(&groups[i], o->type);
        r->g = groups[i];
        r->n_blocks = (uint32_t)n_blocks;
        r->layer_size = kv_layer_size(&l);
        r->block_size = r->layer_size * groups[i].n_layers;
        if (n_blocks > UINT32_MAX / KV_BLOCK
            || !checked_mul(&size, n_blocks, r->block_size)
            || !checked_align(&size, size, HUGE_PAGE)
            || !checked_add(&all, all, size) || all > SIZE_MAX / 2)
            return fail(why, ERR_LIMIT, "a cache of %zu positions is too "
                        "large", o->n_positions);
        r->size = (size_t)size;
    }
    *total = (size_t)all;
    return ERR_OK;
}

enum err slab_reserve(uint8_t **slab, size_t size, struct region *r, size_t n,
                      struct err_info *why)
{
    uint8_t *at;

    *slab = mmap(NULL, size, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*slab == MAP_FAILED) {
        *slab = NULL;
        return fail(why, ERR_LIMIT, "the system gives no %zu bytes of address "
                    "space for the cache", size);
    }
    at = (uint8_t *)round_up((size_t)*slab, HUGE_PAGE);
    for (size_t i = 0; i < n; i++) {
        r[i].base = at;
        at += r[i].size;
    }
    return ERR_OK;
}

/* ---- blocks ---- */

uint32_t slab_take(struct region *r)
{
    uint32_t b = r->n_free > 0 ? r->free[--r->n_free] : r->n_fresh++;

    assert(r->count[b] == 0);
    r->count[b] = 1;
    return b;
}

void slab_give(struct region *r, uint32_t b)
{
    assert(r->count[b] > 0);
    if (--r->count[b] == 0)
        r->free[r->n_free++] = b;
}

void slab_copy(struct region *r, uint32_t to, uint32_t from)
{
    memcpy(r->base + to * r->block_size, r->base + from * r->block_size,
           r->block_size);
}
