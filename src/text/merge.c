/* The symbols are a doubly linked list in an array.  Short words look for the
 * best pair by walking the list; long ones keep a queue of (rank, position).
 *
 *   1. symbol.rank is always that of the pair as it stands now; a symbol that
 *      was swallowed has MERGE_NONE.
 *   2. Every pair with a rank is in the queue.  The queue may hold more: an
 *      entry whose rank is not the symbol's is stale and ignored.
 *
 * Not the queue alone: nine words in ten have fewer than eight symbols, and
 * for these the walk is several times faster. */
#include "text/merge.h"
#include "base/checked.h"
#include <stdlib.h>

enum { SHORT_WORD = 24 };

void merge_work_drop(struct merge_work *w)
{
    free(w->at);
    free(w->queue);
    *w = (struct merge_work){ .n = 0 };
}

/* Make room for `need` items of a size, doubling.  Pieces of a text reuse the
 * same memory, so that growing is rare. */
static bool grow(void **at, size_t *cap, size_t need, size_t item)
{
    size_t size, wanted = *cap == 0 ? 64 : *cap;

    while (wanted < need)
        wanted *= 2;
    if (wanted == *cap)
        return true;
    void *more = checked_size(&size, wanted, item) ? realloc(*at, size) : NULL;
    if (more == NULL)
        return false;
    *at = more;
    *cap = wanted;
    return true;
}

bool merge_push(struct merge_work *w, int32_t id, size_t at)
{
    void *mem = w->at;

    if (w->n == w->cap) {
        if (!grow(&mem, &w->cap, w->n + 1, sizeof *w->at))
            return false;
        w->at = mem;
    }
    w->at[w->n++] = (struct symbol){ .id = id, .at = (uint32_t)at };
    return true;
}

/* ---- pairs ---- */

/* The text of symbol i and its neighbour together: symbols lie in the word
 * without gaps, so it ends where the one behind them begins. */
static struct slice joined(const struct merge_work *w,
                           const struct merge_rule *rule, uint32_t i)
{
    const struct symbol *left = &w->at[i], *right = &w->at[left->next];
    size_t end = right->next == MERGE_NONE ? rule->text.len
                                           : w->at[right->next].at;
    return (struct slice){ rule->text.at + left->at, end - left->at };
}

static void rank_pair(struct merge_work *w, const struct merge_rule *rule,
                      uint32_t i)
{
    struct symbol *left = &w->at[i];

    left->rank = left->next == MERGE_NONE
               ? (uint32_t)MERGE_NONE
               : rule->rank(rule, left, &w->at[left->next],
                            joined(w, rule, i));
}

/* Swallow the right neighbour.  Only two pairs change: the new symbol's with
 * the one behind it, and with the one before it. */
static void merge_at(struct merge_work *w, const struct merge_rule *rule,
                     uint32_t i)
{
    struct symbol *left = &w->at[i], *right = &w->at[left->next];

    left->id = rule->made(rule, left->rank, joined(w, rule, i));
    left->next = right->next;
    if (left->next != MERGE_NONE)
        w->at[left->next].prev = i;
    right->rank = MERGE_NONE;
    rank_pair(w, rule, i);
    if (left->prev != MERGE_NONE)
        rank_pair(w, rule, left->prev);
}

static void link_all(struct merge_work *w, const struct merge_rule *rule)
{
    for (size_t i = 0; i < w->n; i++) {
        w->at[i].prev = i == 0 ? (uint32_t)MERGE_NONE : (uint32_t)(i - 1);
        w->at[i].next = i + 1 == w->n ? (uint32_t)MERGE_NONE
                                      : (uint32_t)(i + 1);
    }
    for (size_t i = 0; i < w->n; i++)
        rank_pair(w, rule, (uint32_t)i);
}

/* ---- short words ---- */

/* Of equal ranks the first one found stays: that is the leftmost. */
static void run_by_walking(struct merge_work *w, const struct merge_rule *rule)
{
    for (;;) {
        uint32_t best = 0;
        for (uint32_t i = w->at[0].next; i != MERGE_NONE; i = w->at[i].next)
            if (w->at[i].rank < w->at[best].rank)
                best = i;
        if (w->at[best].rank == MERGE_NONE)
            return;
        merge_at(w, rule, best);
    }
}

/* ---- long words: a binary heap, least first ---- */

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    uint64_t key = heap[i];

    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[i] = heap[child];
    }
    heap[i] = key;
}

/* Rank above position in one number: the order of the queue is plain numeric
 * order, and ties go to the left. */
static bool enqueue(struct merge_work *w, uint32_t i)
{
    void *mem = w->queue;

    if (w->at[i].rank == MERGE_NONE)
        return true;
    if (w->n_queued == w->queue_cap) {
        if (!grow(&mem, &w->queue_cap, w->n_queued + 1, sizeof *w->queue))
            return false;
        w->queue = mem;
    }
    uint64_t key = (uint64_t)w->at[i].rank << 32 | i;
    size_t hole = w->n_queued++;
    while (hole > 0 && w->queue[(hole - 1) / 2] > key) {
        w->queue[hole] = w->queue[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    w->queue[hole] = key;
    return true;
}

static uint64_t dequeue(struct merge_work *w)
{
    uint64_t top = w->queue[0];

    w->queue[0] = w->queue[--w->n_queued];
    if (w->n_queued > 0)
        sift_down(w->queue, w->n_queued, 0);
    return top;
}

static bool run_by_queue(struct merge_work *w, const struct merge_rule *rule)
{
    w->n_queued = 0;
    for (size_t i = 0; i < w->n; i++)
        if (!enqueue(w, (uint32_t)i))
            return false;
    while (w->n_queued > 0) {
        uint64_t top = dequeue(w);
        uint32_t i = (uint32_t)top;
        if (w->at[i].rank != top >> 32)
            continue;
        merge_at(w, rule, i);
        uint32_t before = w->at[i].prev;
        if (!enqueue(w, i) || (before != MERGE_NONE && !enqueue(w, before)))
            return false;
    }
    return true;
}

bool merge_run(struct merge_work *w, const struct merge_rule *rule)
{
    if (w->n == 0)
        return true;
    link_all(w, rule);
    if (w->n > SHORT_WORD)
        return run_by_queue(w, rule);
    run_by_walking(w, rule);
    return true;
}
