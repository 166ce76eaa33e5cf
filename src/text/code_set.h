/* Sets of code points, while an expression is being compiled. */
#ifndef OSMIA_TEXT_CODE_SET_H
#define OSMIA_TEXT_CODE_SET_H

#include "text/unicode.h"

/* Zero-initialised is empty.  Failure (no memory) sticks; what a failed set
 * holds is of no use. */
struct code_set {
    struct unicode_range *at;
    size_t                n, cap;
    bool                  failed;
};

void code_set_drop(struct code_set *s);

/* Add; the set is tidy (ascending, disjoint, not adjacent) only after
 * code_set_tidy. */
void code_set_add(struct code_set *s, uint32_t first, uint32_t last);
void code_set_add_all(struct code_set *s, struct unicode_ranges ranges);
/* Every code point that has one of these bits (enum unicode_set). */
void code_set_add_bits(struct code_set *s, uint32_t bits);
void code_set_tidy(struct code_set *s);

/* On tidy sets, leaving them tidy. */
void code_set_negate(struct code_set *s);
void code_set_intersect(struct code_set *s, const struct code_set *other);
bool code_set_eq(const struct code_set *a, const struct code_set *b);
bool code_set_has(const struct code_set *s, uint32_t cp);

static inline struct unicode_ranges code_set_ranges(const struct code_set *s)
{
    return (struct unicode_ranges){ s->at, s->n };
}

#endif
