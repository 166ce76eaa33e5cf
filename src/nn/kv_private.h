/* The insides of the cache, shared by kv.c (sequences and their lists of blocks)
 * and kv_slab.c (sizes, memory, blocks one by one). */
#ifndef OSMIA_NN_KV_PRIVATE_H
#define OSMIA_NN_KV_PRIVATE_H

#include "nn/kv.h"

/* The blocks of one cache group.  Never used ones begin at n_fresh; those that
 * were given back are on the stack `free`, the last one is used first because
 * its memory is warm. */
struct region {
    struct kv_group g;
    size_t    layer_size, block_size;
    uint8_t  *base;
    size_t    size;                  /* bytes reserved */
    size_t    populated;             /* bytes, from base on */
    uint32_t  n_blocks, n_fresh, n_free;
    uint32_t *free;                  /* [n_blocks] */
    uint16_t *count;                 /* [n_blocks] */
};

/* What one layer of a group looks like, before it has a place. */
struct kv_layer slab_layer(const struct kv_group *g, enum kv_type type);

/* Sizes of n regions for n_positions each; *total: bytes of all.  ERR_LIMIT. */
enum err slab_plan(struct region *r, size_t n, const struct kv_group *groups,
                   const struct kv_options *o, size_t *total,
                   struct err_info *why);
/* Address space for all regions; pages come with use.  Freed with munmap. */
enum err slab_reserve(uint8_t **slab, size_t size, struct region *r, size_t n,
                      struct err_info *why);
/* Memory behind the first n blocks, and some ahead.  False: there is none. */
bool     slab_populate(struct region *r, uint32_t n);

static inline uint32_t slab_available(const struct region *r)
{
    return r->n_blocks - r->n_fresh + r->n_free;
}

/* There is one and it is populated. */
uint32_t slab_take(struct region *r);
void     slab_give(struct region *r, uint32_t block);
void     slab_copy(struct region *r, uint32_t to, uint32_t from);

#endif
