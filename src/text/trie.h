/* A tree of byte strings: which of them begin here? */
#ifndef OSMIA_TEXT_TRIE_H
#define OSMIA_TEXT_TRIE_H

#include "base/err.h"
#include "base/slice.h"
#include <stdint.h>

enum { TRIE_MAX_NODES = 1 << 24, TRIE_NOTHING = -1 };

struct trie_edge;

/* Zero-initialised is empty and valid.  Node 0 is the root. */
struct trie {
    struct trie_edge *edges;        /* open addressing by (node, byte) */
    size_t            n_slots;      /* a power of two */
    int32_t          *value;        /* by node; TRIE_NOTHING: no string ends */
    size_t            n_nodes, cap;
    uint32_t          first[256];   /* children of the root; 0: none */
};

void trie_drop(struct trie *t);
/* Add a string.  When it is there already its first value stays. */
enum err trie_add(struct trie *t, struct slice text, int32_t value,
                  struct err_info *why);
/* The child of a node along a byte; 0: none. */
uint32_t trie_step(const struct trie *t, uint32_t node, uint8_t byte);

#endif
