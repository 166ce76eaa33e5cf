/* A hint that memory will be read soon, so that several looks into places that
 * miss the caches overlap.  Any pointer is allowed; nothing is read. */
#ifndef OSMIA_BASE_PREFETCH_H
#define OSMIA_BASE_PREFETCH_H

static inline void prefetch(const void *at)
{
    __builtin_prefetch(at);
}

#endif
