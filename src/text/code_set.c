/* Sets as sorted ranges.  Adding appends, and sorting waits for code_set_tidy:
 * a class is built from hundreds of ranges, and keeping order at each would
 * cost their square. */
#include "text/code_set.h"

#include "base/checked.h"

#include <stdlib.h>

enum { LAST = 0x10FFFF };

void code_set_drop(struct code_set *s)
{
    free(s->at);
    *s = (struct code_set){ 0 };
}

static bool grow(struct code_set *s)
{
    size_t cap = s->cap == 0 ? 8 : s->cap * 2, size;
    struct unicode_range *at = NULL;
    if (checked_size(&size, cap, sizeof *at))
        at = realloc(s->at, size);
    if (at == NULL) {
        s->failed = true;
        return false;
    }
    s->at = at;
    s->cap = cap;
    return true;
}

void code_set_add(struct code_set *s, uint32_t first, uint32_t last)
{
    if (s->failed || (s->n == s->cap && !grow(s)))
        return;
    s->at[s->n++] = (struct unicode_range){ first, last };
}

void code_set_add_all(struct code_set *s, struct unicode_ranges ranges)
{
    for (size_t i = 0; i < ranges.n; i++)
        code_set_add(s, ranges.at[i].first, ranges.at[i].last);
}

void code_set_add_bits(struct code_set *s, uint32_t bits)
{
    uint32_t start = 0;
    bool in = false;
    for (uint32_t cp = 0; cp <= LAST; cp++) {
        /* Whole blocks of one kind are most of the code space. */
        bool whole = cp % UNICODE_BLOCK == 0 && cp > start
                  && cp - start >= UNICODE_BLOCK
                  && unicode_kind_index[cp / UNICODE_BLOCK]
                     == unicode_kind_index[cp / UNICODE_BLOCK - 1];
        if (whole) {
            cp += UNICODE_BLOCK - 1;
        } else if (unicode_is(cp, bits) != in) {
            if (in)
                code_set_add(s, start, cp - 1);
            in = !in;
            start = cp;
        }
    }
    if (in)
        code_set_add(s, start, LAST);
}

static int by_first(const void *a, const void *b)
{
    uint32_t x = ((const struct unicode_range *)a)->first;
    uint32_t y = ((const struct unicode_range *)b)->first;
    return (x > y) - (x < y);
}

/* Ranges that touch are joined, too: code_set_negate and code_set_eq rely on
 * there being one spelling for a set. */
void code_set_tidy(struct code_set *s)
{
    size_t n = 0;
    if (s->n > 1)
        qsort(s->at, s->n, sizeof *s->at, by_first);
    for (size_t i = 0; i < s->n; i++) {
        struct unicode_range r = s->at[i];
        if (n > 0 && r.first <= s->at[n - 1].last + 1) {
            if (r.last > s->at[n - 1].last)
                s->at[n - 1].last = r.last;
        } else {
            s->at[n++] = r;
        }
    }
    s->n = n;
}

void code_set_negate(struct code_set *s)
{
    struct code_set out = { .failed = s->failed };
    uint32_t next = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].first > next)
            code_set_add(&out, next, s->at[i].first - 1);
        next = s->at[i].last + 1;
    }
    if (next <= LAST)
        code_set_add(&out, next, LAST);
    code_set_drop(s);
    *s = out;
}

/* What is in both is what is not in (not in a) or (not in b). */
void code_set_intersect(struct code_set *s, const struct code_set *other)
{
    struct code_set not_other = { .failed = other->failed };
    code_set_add_all(&not_other, code_set_ranges(other));
    code_set_negate(&not_other);
    code_set_negate(s);
    code_set_add_all(s, code_set_ranges(&not_other));
    s->failed |= not_other.failed;
    code_set_drop(&not_other);
    code_set_tidy(s);
    code_set_negate(s);
}

bool code_set_eq(const struct code_set *a, const struct code_set *b)
{
    return a->n == b->n
        && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

bool code_set_has(const struct code_set *s, uint32_t cp)
{
    return unicode_in(cp, code_set_ranges(s));
}
