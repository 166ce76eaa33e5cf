/* Merging neighbours, best first, until no pair has a merge left: the loop of
 * byte pair encoding and of SentencePiece's variant of it.
 *
 * Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with
 * Subword Units", 2016.  The order is the reference's: the lowest rank first,
 * of equal ranks the leftmost pair. */
#ifndef OSMIA_TEXT_MERGE_H
#define OSMIA_TEXT_MERGE_H

#include "base/slice.h"
#include <stdint.h>

static const uint32_t MERGE_NONE = UINT32_MAX;  /* no neighbour; no merge */

struct symbol {
    int32_t  id;            /* token, or -1: not in the vocabulary */
    uint32_t rank;          /* of merging it with `next`; MERGE_NONE: cannot */
    uint32_t prev, next;    /* indices; MERGE_NONE at the ends */
    uint32_t at;            /* where its text begins */
};

/* What may be merged.  `text` is the word that symbol.at points into. */
struct merge_rule {
    const void  *model;
    struct slice text;
    /* The rank of merging two neighbours, or MERGE_NONE. */
    uint32_t (*rank)(const struct merge_rule *r, const struct symbol *left,
                     const struct symbol *right, struct slice joined);
    /* The token that merging two neighbours of this rank makes. */
    int32_t (*made)(const struct merge_rule *r, uint32_t rank,
                    struct slice joined);
};

/* Symbols of one word, and the queue; memory is kept between words. */
struct merge_work {
    struct symbol *at;
    size_t         n, cap;
    uint64_t      *queue;
    size_t         n_queued, queue_cap;
};
void merge_work_drop(struct merge_work *w);

/* Append a symbol; false: no memory. */
bool merge_push(struct merge_work *w, int32_t id, size_t at);
/* Merge symbols 0 .. n - 1.  What remains is the list from 0 along `next`.
 * False: no memory.  Cost: n log n. */
bool merge_run(struct merge_work *w, const struct merge_rule *rule);

#endif
