/* The coarsest alphabet that a list of sets can be spelt in.
 *
 * The ends of all ranges cut the code space into intervals that no set tells
 * apart.  At first all have one letter; each set then splits the letters that it
 * cuts in two (partition refinement, as in minimising an automaton).
 * What is left are the combinations of memberships that occur, which is why a
 * pattern of thousands of ranges needs a dozen letters.
 *
 * Why at all: a byte a character, PCRE2 runs without its UTF mode and without
 * its opinion about Unicode. */
#include "text/alphabet.h"

#include "base/checked.h"
#include "text/chars.h"

#include <stdlib.h>

void alphabet_drop(struct alphabet *a)
{
    free(a->start);
    free(a->letter);
    *a = (struct alphabet){ 0 };
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Intervals inside which no set begins or ends. */
static bool make_intervals(struct alphabet *a, const struct code_set *sets,
                           size_t n_sets)
{
    size_t n = 1, size, kept = 1;
    for (size_t i = 0; i < n_sets; i++)
        n += 2 * sets[i].n;
    if (!checked_size(&size, n, sizeof *a->start)
        || (a->start = malloc(size)) == NULL
        || (a->letter = calloc(n, 1)) == NULL)
        return false;
    a->start[0] = 0;             /* so that a search never ends before all */
    n = 1;
    for (size_t i = 0; i < n_sets; i++) {
        for (size_t j = 0; j < sets[i].n; j++) {
            a->start[n++] = sets[i].at[j].first;
            a->start[n++] = sets[i].at[j].last + 1;
        }
    }
    qsort(a->start, n, sizeof *a->start, by_value);
    for (size_t i = 1; i < n; i++)
        if (a->start[i] != a->start[kept - 1])
            a->start[kept++] = a->start[i];
    a->n = kept;
    return true;
}

/* Split every letter whose code points are partly in the set.  false: too many
 * letters. */
static bool refine(struct alphabet *a, const struct code_set *set)
{
    /* What an old letter becomes, outside and inside of the set.  The first
     * side that is seen keeps the old number: only a letter that is really cut
     * costs a new one, and the limit of 256 is met as late as can be. */
    int becomes[256][2];
    bool taken[256] = { false };
    for (size_t i = 0; i < 256; i++)
        becomes[i][0] = becomes[i][1] = -1;
    for (size_t i = 0; i < a->n; i++) {
        unsigned old = a->letter[i];
        int *to = &becomes[old][code_set_has(set, a->start[i])];
        if (*to < 0) {
            if (taken[old] && a->n_letters == 256)
                return false;
            *to = (int)(taken[old] ? a->n_letters++ : old);
            taken[old] = true;
        }
        a->letter[i] = (uint8_t)*to;
    }
    return true;
}

enum alphabet_result alphabet_make(struct alphabet *a,
                                   const struct code_set *sets, size_t n)
{
    *a = (struct alphabet){ .n_letters = 1 };
    if (!make_intervals(a, sets, n)) {
        alphabet_drop(a);
        return ALPHABET_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (!refine(a, &sets[i])) {
            alphabet_drop(a);
            return ALPHABET_TOO_MANY;
        }
    }
    for (uint32_t cp = 0; cp < ALPHABET_LATIN; cp++)
        a->latin[cp] = alphabet_letter(a, cp);
    return ALPHABET_OK;
}

uint8_t alphabet_letter(const struct alphabet *a, uint32_t cp)
{
    size_t low = 0, high = a->n;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (a->start[mid] <= cp)
            low = mid;
        else
            high = mid;
    }
    return a->letter[low];
}

void alphabet_spell(const struct alphabet *a, struct slice text,
                    struct strbuf *out)
{
    size_t len;
    if (!strbuf_reserve(out, text.len))
        return;
    for (size_t at = 0; at < text.len; at += len) {
        uint32_t cp = char_at(text, at, &len);
        out->at[out->len++] = (char)(cp < ALPHABET_LATIN
                                     ? a->latin[cp] : alphabet_letter(a, cp));
    }
}

void alphabet_members(const struct alphabet *a, const struct code_set *set,
                      bool members[256])
{
    memset(members, 0, 256 * sizeof *members);
    for (size_t i = 0; i < a->n; i++)
        if (code_set_has(set, a->start[i]))
            members[a->letter[i]] = true;
}
