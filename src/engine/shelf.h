/* Finished sequences whose cache is kept for the prefixes they hold: the next
 * turn of a conversation, the next line with the same preamble.
 *
 *   1. An entry owns its tokens and its sequence in the runner's cache.
 *   2. No entry is a prefix of another one of the same kind (same principal,
 *      same regime): the longer one serves for both.
 *   3. When room is needed, the entry used longest ago gives it, from its end:
 *      what it began with (a preamble, the older turns) is the likeliest to be
 *      asked for again, and is given last.
 *
 * Whole sequences, and not blocks found by a hash of their tokens: so a prefix
 * is found to the very token, the last, partly filled block included, and
 * nothing has to be said twice about windows (kv_seq_floor).  Blocks are shared
 * all the same, since the cache counts them.
 *
 * Owner: the scheduler. */
#ifndef OSMIA_ENGINE_SHELF_H
#define OSMIA_ENGINE_SHELF_H

#include "base/err.h"
#include "engine/runner.h"

/* What may share a cache: the same tokens in the same regime for the same
 * principal. */
struct prefix {
    const int32_t *tokens;
    size_t         n;
    uint32_t       principal;
    uint64_t       regime;
};

/* Can `n` tokens be forked off this sequence?  Windows may have let go what
 * they would need; a shorter prefix then comes from somewhere else. */
static inline bool prefix_kept(const struct runner *r, int seq, size_t n)
{
    return n >= r->ops->floor(r->arg, seq);
}

/* How many tokens from the start two of them have in common; 0 when they are of
 * different kinds. */
size_t prefix_common(const struct prefix *a, const struct prefix *b);

struct shelf_entry {
    int32_t      *own;       /* the tokens' memory (as malloc gave it) */
    struct prefix prefix;    /* .tokens == own */
    int           seq;
    uint64_t      used;      /* when, on the shelf's own clock */
};

struct shelf {
    const struct runner *runner;
    struct shelf_entry  *at;         /* [max] */
    size_t               n, max;
    uint64_t             clock;
};

enum err shelf_open(struct shelf *s, const struct runner *runner, size_t max,
                    struct err_info *why);
void     shelf_close(struct shelf *s);

/* Take over a sequence and its tokens.  They are given back at once when the
 * shelf has no place at all or an entry already holds them. */
void     shelf_put(struct shelf *s, struct shelf_entry entry);
/* The entry with the longest common prefix that can be had from it, or NULL; it
 * counts as used now. */
struct shelf_entry *shelf_find(struct shelf *s, const struct prefix *p,
                               size_t *common);
/* Let the entry go that was used longest ago.  False: the shelf is empty. */
bool     shelf_drop_oldest(struct shelf *s);
/* The same, but only from its end, as much as holds n positions (> 0); what is
 * shared with others frees nothing, so ask again until there is room. */
bool     shelf_shrink(struct shelf *s, size_t n);

#endif
