/* Sequences and their lists of blocks.  The invariants stand in kv.h; blocks
 * one by one, their memory and its sizes are kv_slab.c's.
 *
 * kv_reserve is the only place where a sequence gets memory: first it counts
 * what all groups together will take (new blocks, the copy of a shared partial
 * one), gives back dead blocks of windows where that is needed, and only when
 * all of it is sure to succeed takes anything.  So ERR_FULL leaves everything
 * as it was, and the caller may make room and ask again. */
#include "nn/kv_private.h"

#include "base/checked.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks first .. first + n - 1 of a sequence: block i holds positions from
 * i * KV_BLOCK on and stands in at[i - first]. */
struct list {
    uint32_t *at;                    /* [n_blocks of the region] */
    uint32_t  first, n;
};

struct seq {
    bool        open;
    uint32_t    len, declared;
    struct list *list;               /* [n_regions] */
};

struct kv {
    enum kv_type   type;
    uint8_t       *slab;
    size_t         slab_size;
    struct region *region;
    size_t         n_regions;
    struct seq    *seq;
    size_t         n_seqs;
    struct list   *lists;            /* [n_seqs][n_regions] */
    uint32_t      *numbers;          /* what lists, stacks point into */
    uint16_t      *counts;
};

size_t kv_blocks(const struct kv *kv)
{
    size_t n = 0;
    for (size_t i = 0; i < kv->n_regions; i++)
        n += kv->region[i].n_blocks;
    return n;
}

size_t kv_blocks_used(const struct kv *kv)
{
    size_t n = 0;
    for (size_t i = 0; i < kv->n_regions; i++)
        n += kv->region[i].n_fresh - kv->region[i].n_free;
    return n;
}

enum kv_type kv_type_of(const struct kv *kv)
{
    return kv->type;
}

/* Keep blocks [from, to) of a list. */
static void keep_blocks(struct region *r, struct list *l, uint32_t from,
                        uint32_t to)
{
    uint32_t end = l->first + l->n;

    from = from < l->first ? l->first : from > end ? end : from;
    to = to > end ? end : to < from ? from : to;
    for (uint32_t i = l->first; i < end; i++)
        if (i < from || i >= to)
            slab_give(r, l->at[i - l->first]);
    memmove(l->at, l->at + (from - l->first), (to - from) * sizeof *l->at);
    l->first = from;
    l->n = to - from;
}

static uint32_t blocks_for(uint32_t len)
{
    return (len + KV_BLOCK - 1) / KV_BLOCK;
}

/* The first block that the query at `len` can see. */
static uint32_t first_live(const struct region *r, uint32_t len)
{
    if (r->g.window == 0 || len < r->g.window)
        return 0;
    return (len - r->g.window + 1) / KV_BLOCK;
}

/* Blocks that giving back what no query sees would free, over all sequences. */
static uint32_t count_dead(const struct kv *kv, size_t region)
{
    const struct region *r = &kv->region[region];
    uint32_t n = 0;

    for (size_t i = 0; i < kv->n_seqs && r->g.window > 0; i++) {
        const struct list *l = &kv->seq[i].list[region];
        uint32_t live = kv->seq[i].open ? first_live(r, kv->seq[i].len) : 0;
        for (uint32_t b = l->first; b < live && b < l->first + l->n; b++)
            n += r->count[l->at[b - l->first]] == 1;
    }
    return n;
}

static void drop_dead(struct kv *kv, size_t region)
{
    struct region *r = &kv->region[region];

    for (size_t i = 0; i < kv->n_seqs; i++)
        if (kv->seq[i].open)
            keep_blocks(r, &kv->seq[i].list[region],
                        first_live(r, kv->seq[i].len), UINT32_MAX);
}

/* The list's block that position `len` would go into is shared: before anything
 * is appended it must be replaced by a copy. */
static bool must_copy(const struct region *r, const struct list *l,
                      uint32_t len)
{
    uint32_t b = len / KV_BLOCK;

    return len % KV_BLOCK != 0 && b >= l->first && b < l->first + l->n
        && r->count[l->at[b - l->first]] > 1;
}

static void grow(struct region *r, struct list *l, uint32_t len, uint32_t end)
{
    if (must_copy(r, l, len)) {
        uint32_t *at = &l->at[len / KV_BLOCK - l->first], old = *at;
        *at = slab_take(r);
        slab_copy(r, *at, old);
        slab_give(r, old);
    }
    while (l->first + l->n < end)
        l->at[l->n++] = slab_take(r);
}

/* ---- sequences ---- */

bool kv_seq_is_open(const struct kv *kv, int seq)
{
    return seq >= 0 && (size_t)seq < kv->n_seqs && kv->seq[seq].open;
}

static struct seq *seq_at(const struct kv *kv, int seq)
{
    assert(kv_seq_is_open(kv, seq));
    return &kv->seq[seq];
}

int kv_seq_open(struct kv *kv, uint32_t declared_len)
{
    for (size_t i = 0; i < kv->n_seqs; i++)
        if (!kv->seq[i].open) {
            kv->seq[i].open = true;
            kv->seq[i].len = 0;
            kv->seq[i].declared = declared_len;
            return (int)i;
        }
    return -1;
}

void kv_seq_close(struct kv *kv, int seq)
{
    struct seq *s = seq_at(kv, seq);

    for (size_t i = 0; i < kv->n_regions; i++) {
        keep_blocks(&kv->region[i], &s->list[i], 0, 0);
        s->list[i].first = 0;
    }
    s->open = false;
}

uint32_t kv_seq_len(const struct kv *kv, int seq)
{
    return seq_at(kv, seq)->len;
}

uint32_t kv_seq_declared(const struct kv *kv, int seq)
{
    return seq_at(kv, seq)->declared;
}

uint32_t kv_seq_floor(const struct kv *kv, int seq)
{
    const struct seq *s = seq_at(kv, seq);
    uint32_t          floor = 0;

    for (size_t i = 0; i < kv->n_regions; i++) {
        uint32_t first = s->list[i].first * KV_BLOCK;
        uint32_t least = first == 0 ? 0 : first + kv->region[i].g.window - 1;
        floor = least > floor ? least : floor;
    }
    return floor;
}

uint32_t kv_room(const struct kv *kv, int seq)
{
    const struct seq *s = seq_at(kv, seq);
    uint32_t          room = UINT32_MAX;

    for (size_t i = 0; i < kv->n_regions; i++) {
        uint32_t here = (s->list[i].first + s->list[i].n) * KV_BLOCK;
        if (must_copy(&kv->region[i], &s->list[i], s->len))
            here = s->len;
        room = here < room ? here : room;
    }
    return room;
}

/* Blocks that the sequence needs anew to hold `end` blocks of a region. */
static uint32_t missing(const struct region *r, const struct list *l,
                        uint32_t len, uint32_t end)
{
    uint32_t have = l->first + l->n;
    return (end > have ? end - have : 0) + must_copy(r, l, len);
}

enum err kv_reserve(struct kv *kv, int seq, size_t n, struct err_info *why)
{
    struct seq *s = seq_at(kv, seq);
    uint32_t    end;

    if (n > UINT32_MAX - KV_BLOCK - s->len)
        return fail(why, ERR_LIMIT, "a sequence of %zu positions is too long",
                    n + s->len);
    end = blocks_for(s->len + (uint32_t)n);
    for (size_t i = 0; i < kv->n_regions; i++) {
        struct region *r = &kv->region[i];
        uint32_t       need = missing(r, &s->list[i], s->len, end);
        if (need > slab_available(r) && need > slab_available(r) + count_dead(kv, i))
            return fail(why, ERR_FULL, "the cache is full: %u more blocks of "
                        "%d positions needed, %u left", need, KV_BLOCK,
                        slab_available(r));
        uint32_t fresh = r->n_fresh + (need > r->n_free ? need - r->n_free : 0);
        fresh = fresh < r->n_blocks ? fresh : r->n_blocks;
        if (!slab_populate(r, fresh))
            return fail_nomem(why);
    }
    for (size_t i = 0; i < kv->n_regions; i++) {
        struct region *r = &kv->region[i];
        if (missing(r, &s->list[i], s->len, end) > slab_available(r))
            drop_dead(kv, i);
        grow(r, &s->list[i], s->len, end);
    }
    return ERR_OK;
}

void kv_advance(struct kv *kv, int seq, uint32_t n)
{
    assert(n <= kv_room(kv, seq) - kv->seq[seq].len);
    seq_at(kv, seq)->len += n;
}

void kv_truncate(struct kv *kv, int seq, uint32_t len)
{
    struct seq *s = seq_at(kv, seq);

    assert(len <= s->len && len >= kv_seq_floor(kv, seq));
    s->len = len;
    for (size_t i = 0; i < kv->n_regions; i++) {
        keep_blocks(&kv->region[i], &s->list[i], 0, blocks_for(len));
        if (s->list[i].n == 0 && len == 0)
            s->list[i].first = 0;
    }
}

/* Share the full blocks, copy a partial one (room for it was found). */
static void fork_list(struct region *r, struct list *to,
                      const struct list *from, uint32_t len)
{
    uint32_t full = len / KV_BLOCK;

    to->first = from->first;
    to->n = 0;
    for (uint32_t b = from->first; b < full; b++) {
        uint32_t number = from->at[b - from->first];
        r->count[number]++;
        to->at[to->n++] = number;
    }
    if (len % KV_BLOCK != 0) {
        to->at[to->n] = slab_take(r);
        slab_copy(r, to->at[to->n++], from->at[full - from->first]);
    }
}

enum err kv_fork(struct kv *kv, int from, int to, uint32_t len,
                 struct err_info *why)
{
    const struct seq *a = seq_at(kv, from);
    struct seq       *b = seq_at(kv, to);
    bool              copies = len % KV_BLOCK != 0;

    assert(from != to && b->len == 0 && len <= a->len);
    if (len < kv_seq_floor(kv, from))
        return fail(why, ERR_REQUEST, "the cache no longer holds what a "
                    "sequence of %u positions needs: at least %u", len,
                    kv_seq_floor(kv, from));
    for (size_t i = 0; i < kv->n_regions; i++) {
        struct region *r = &kv->region[i];
        keep_blocks(r, &b->list[i], 0, 0);
        if (copies && slab_available(r) == 0)
            return fail(why, ERR_FULL, "the cache is full");
        if (copies && r->n_free == 0 && !slab_populate(r, r->n_fresh + 1))
            return fail_nomem(why);
    }
    for (size_t i = 0; i < kv->n_regions; i++)
        fork_list(&kv->region[i], &b->list[i], &a->list[i], len);
    b->len = len;
    return ERR_OK;
}

struct kv_view kv_view(const struct kv *kv, int seq, size_t group)
{
    const struct list *l = &seq_at(kv, seq)->list[group];
    return (struct kv_view){
        .base = kv->region[group].base,
        .block_size = kv->region[group].block_size,
        .block = l->at, .first = l->first,
    };
}

struct kv_layer kv_layer(const struct kv *kv, size_t group, uint32_t index)
{
    const struct region *r = &kv->region[group];
    struct kv_layer      l = slab_layer(&r->g, kv->type);

    assert(index < r->g.n_layers);
    l.offset = index * r->layer_size;
    return l;
}

/* ---- opening ---- */

/* Lists and stacks: one number for each block of each region and sequence. */
static enum err make_lists(struct kv *kv, struct err_info *why)
{
    size_t per_seq = 0, n, size;

    for (size_t i = 0; i < kv->n_regions; i++)
        per_seq += kv->region[i].n_blocks;
    if (!checked_size(&n, per_seq, kv->n_seqs + 1)
        || !checked_size(&size, n, sizeof *kv->numbers)
        || (kv->numbers = calloc(n + 1, sizeof *kv->numbers)) == NULL
        || (kv->counts = calloc(per_seq + 1, sizeof *kv->counts)) == NULL)
        return fail_nomem(why);
    uint32_t *number = kv->numbers;
    uint16_t *count = kv->counts;
    for (size_t i = 0; i < kv->n_regions; i++) {
        struct region *r = &kv->region[i];
        r->free = number;
        r->count = count;
        number += r->n_blocks;
        count += r->n_blocks;
    }
    for (size_t s = 0; s < kv->n_seqs; s++) {
        kv->seq[s].list = kv->lists + s * kv->n_regions;
        for (size_t i = 0; i < kv->n_regions; i++) {
            kv->seq[s].list[i].at = number;
            number += kv->region[i].n_blocks;
        }
    }
    return ERR_OK;
}

static enum err fill_kv(struct kv *kv, const struct kv_group *groups,
                        const struct kv_options *o, struct err_info *why)
{
    enum err e;

    if (!(kv->region = calloc(kv->n_regions, sizeof *kv->region))
        || !(kv->seq = calloc(kv->n_seqs, sizeof *kv->seq))
        || !(kv->lists = calloc(kv->n_seqs * kv->n_regions,
                                sizeof *kv->lists)))
        return fail_nomem(why);
    if ((e = slab_plan(kv->region, kv->n_regions, groups, o, &kv->slab_size,
                       why)) != ERR_OK
        || (e = make_lists(kv, why)) != ERR_OK)
        return e;
    return slab_reserve(&kv->slab, kv->slab_size, kv->region, kv->n_regions,
                        why);
}

enum err kv_open(struct kv **out, const struct kv_group *groups,
                 size_t n_groups, const struct kv_options *o,
                 struct err_info *why)
{
    struct kv *kv = calloc(1, sizeof *kv);
    enum err   e;

    *out = NULL;
    if (kv == NULL)
        return fail_nomem(why);
    assert(n_groups > 0 && o->type < KV_N_TYPES);
    /* A count of users fits into 16 bits. */
    if (o->max_seqs < 1 || o->max_seqs > UINT16_MAX) {
        free(kv);
        return fail(why, ERR_REQUEST, "%zu sequences: expected 1 to %d",
                    o->max_seqs, UINT16_MAX);
    }
    kv->type = o->type;
    kv->n_regions = n_groups;
    kv->n_seqs = o->max_seqs;
    if ((e = fill_kv(kv, groups, o, why)) != ERR_OK) {
        kv_close(kv);
        return e;
    }
    *out = kv;
    return ERR_OK;
}

void kv_close(struct kv *kv)
{
    if (kv == NULL)
        return;
    if (kv->slab != NULL)
        munmap(kv->slab, kv->slab_size);
    free(kv->numbers);
    free(kv->counts);
    free(kv->lists);
    free(kv->seq);
    free(kv->region);
    free(kv);
}
