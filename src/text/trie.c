/* Edges lie in one hash table instead of in lists per node: eight bytes each,
 * and a step costs one look however many children a node has. */
#include "text/trie.h"
#include "base/checked.h"
#include <stdlib.h>

struct trie_edge {
    uint32_t from;          /* node << 8 | byte */
    uint32_t to;            /* 0: the slot is free */
};

void trie_drop(struct trie *t)
{
    free(t->edges);
    free(t->value);
    *t = (struct trie){ .n_nodes = 0 };
}

/* The slot of an edge, or the free one where it belongs. */
static struct trie_edge *find(const struct trie *t, uint32_t from)
{
    size_t mask = t->n_slots - 1;
    uint64_t hash = from * 0x9E3779B97F4A7C15u;

    for (size_t i = hash >> 32 & mask;; i = (i + 1) & mask)
        if (t->edges[i].to == 0 || t->edges[i].from == from)
            return &t->edges[i];
}

uint32_t trie_step(const struct trie *t, uint32_t node, uint8_t byte)
{
    if (node == 0)
        return t->first[byte];
    return find(t, node << 8 | byte)->to;
}

/* Room for one more edge.  At three quarters load the table is doubled. */
static bool grow_edges(struct trie *t)
{
    struct trie old = *t;

    if (old.n_slots / 4 * 3 > old.n_nodes + 1)
        return true;
    t->n_slots = old.n_slots == 0 ? 64 : 2 * old.n_slots;
    t->edges = calloc(t->n_slots, sizeof *t->edges);
    if (t->edges == NULL) {
        *t = old;
        return false;
    }
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.edges[i].to != 0)
            *find(t, old.edges[i].from) = old.edges[i];
    free(old.edges);
    return true;
}

static bool new_node(struct trie *t)
{
    size_t size, cap = t->cap == 0 ? 64 : 2 * t->cap;

    if (t->n_nodes == t->cap) {
        if (!checked_size(&size, cap, sizeof *t->value))
            return false;
        int32_t *value = realloc(t->value, size);
        if (value == NULL)
            return false;
        t->value = value;
        t->cap = cap;
    }
    t->value[t->n_nodes++] = TRIE_NOTHING;
    return true;
}

/* The child of a node, made when there is none; 0: no memory. */
static uint32_t walk_or_make(struct trie *t, uint32_t node, uint8_t byte)
{
    uint32_t child = trie_step(t, node, byte);

    if (child != 0)
        return child;
    if (!new_node(t) || !grow_edges(t))
        return 0;
    child = (uint32_t)(t->n_nodes - 1);
    if (node == 0)
        t->first[byte] = child;
    else
        *find(t, node << 8 | byte)
            = (struct trie_edge){ node << 8 | byte, child };
    return child;
}

enum err trie_add(struct trie *t, struct slice text, int32_t value,
                  struct err_info *why)
{
    uint32_t node = 0;

    if ((t->n_nodes == 0 && !new_node(t)) || !grow_edges(t))
        return fail_nomem(why);
    if (text.len > (size_t)TRIE_MAX_NODES - t->n_nodes)
        return fail(why, ERR_LIMIT, "the tokens' texts need more than %d nodes",
                    TRIE_MAX_NODES);
    for (size_t i = 0; i < text.len; i++) {
        node = walk_or_make(t, node, (uint8_t)text.at[i]);
        if (node == 0)
            return fail_nomem(why);
    }
    if (t->value[node] == TRIE_NOTHING)
        t->value[node] = value;
    return ERR_OK;
}
