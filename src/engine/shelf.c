#include "engine/shelf.h"

#include <stdlib.h>
#include <string.h>

size_t prefix_common(const struct prefix *a, const struct prefix *b)
{
    size_t n = a->n < b->n ? a->n : b->n, i = 0;
    if (a->principal != b->principal || a->regime != b->regime)
        return 0;
    while (i < n && a->tokens[i] == b->tokens[i])
        i++;
    return i;
}

enum err shelf_open(struct shelf *s, const struct runner *runner, size_t max,
                    struct err_info *why)
{
    *s = (struct shelf){ .runner = runner, .max = max };
    s->at = calloc(max + 1, sizeof *s->at);
    return s->at == NULL ? fail_nomem(why) : ERR_OK;
}

static void give_back(struct shelf *s, struct shelf_entry *e)
{
    s->runner->ops->seq_close(s->runner->arg, e->seq);
    explicit_bzero(e->own, e->prefix.n * sizeof *e->own);
    free(e->own);
}

/* The order of entries says nothing (`used` does), so the last fills the gap.
 */
static void drop(struct shelf *s, size_t i)
{
    give_back(s, &s->at[i]);
    s->at[i] = s->at[--s->n];
}

void shelf_close(struct shelf *s)
{
    while (s->n > 0)
        drop(s, s->n - 1);
    free(s->at);
    *s = (struct shelf){ 0 };
}

static size_t oldest(const struct shelf *s)
{
    size_t best = 0;
    for (size_t i = 1; i < s->n; i++)
        if (s->at[i].used < s->at[best].used)
            best = i;
    return best;
}

bool shelf_drop_oldest(struct shelf *s)
{
    if (s->n == 0)
        return false;
    drop(s, oldest(s));
    return true;
}

/* Does another entry say all that this one says? */
static bool is_covered(const struct shelf *s, size_t i)
{
    const struct prefix *p = &s->at[i].prefix;
    for (size_t k = 0; k < s->n; k++)
        if (k != i && prefix_common(&s->at[k].prefix, p) == p->n)
            return true;
    return false;
}

/* Whole blocks: a part of one frees nothing.  Below the floor of its windows a
 * sequence is of no use. */
bool shelf_shrink(struct shelf *s, size_t n)
{
    const struct runner *r = s->runner;
    if (s->n == 0)
        return false;
    size_t i = oldest(s);
    struct shelf_entry *e = &s->at[i];
    size_t blocks = e->prefix.n / r->block, give = (n - 1) / r->block + 1;
    size_t left = blocks > give ? (blocks - give) * r->block : 0;
    if (left == 0 || !prefix_kept(r, e->seq, left)) {
        drop(s, i);
        return true;
    }
    r->ops->truncate(r->arg, e->seq, (uint32_t)left);
    explicit_bzero(e->own + left, (e->prefix.n - left) * sizeof *e->own);
    e->prefix.n = left;
    if (is_covered(s, i))
        drop(s, i);
    return true;
}

/* Backwards, because drop moves the last entry into the gap. */
void shelf_put(struct shelf *s, struct shelf_entry entry)
{
    for (size_t i = s->n; i-- > 0;) {
        size_t common = prefix_common(&s->at[i].prefix, &entry.prefix);
        if (common == entry.prefix.n) {         /* the entry says it all */
            give_back(s, &entry);
            return;
        }
        if (common == s->at[i].prefix.n)
            drop(s, i);
    }
    if (s->max == 0 || entry.prefix.n == 0) {
        give_back(s, &entry);
        return;
    }
    if (s->n == s->max)
        shelf_drop_oldest(s);
    entry.used = ++s->clock;
    s->at[s->n++] = entry;
}

/* Entry by entry, token by token: there are some hundreds at most, and comparing
 * stops at the first difference.  Even 256 that share a preamble of 2,000 tokens
 * are compared in less time than running one token takes. */
struct shelf_entry *shelf_find(struct shelf *s, const struct prefix *p,
                               size_t *common)
{
    struct shelf_entry *best = NULL;
    *common = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t n = prefix_common(&s->at[i].prefix, p);
        if (n > *common && prefix_kept(s->runner, s->at[i].seq, n)) {
            *common = n;
            best = &s->at[i];
        }
    }
    if (best != NULL)
        best->used = ++s->clock;
    return best;
}
