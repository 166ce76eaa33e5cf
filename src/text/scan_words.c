/* GPT-2's expression and all that came of it (struct word_rules), alternative
 * by alternative in their order, as a backtracking engine would try them;
 * where it would go back, the comment at the place says what that amounts to.
 * Each function returns the end of its match, or 0: a match is never empty. */
#include "text/scanner.h"

enum {
    WORD_UPPER = 1u << UNICODE_Lu | 1u << UNICODE_Lt | 1u << UNICODE_Lm
               | 1u << UNICODE_Lo | UNICODE_MARK,
    WORD_LOWER = 1u << UNICODE_Ll | 1u << UNICODE_Lm | 1u << UNICODE_Lo
               | UNICODE_MARK
};

/* End of the run of characters that have a bit of `any` and none of `none`. */
static size_t run(struct slice s, size_t at, uint32_t any, uint32_t none)
{
    size_t len;
    for (;;) {
        uint32_t bits = bits_at(s, at, &len);
        if ((bits & any) == 0 || (bits & none) != 0)
            return at;
        at += len;
    }
}

static char folded(char c, bool fold)
{
    return fold && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* End of 's 't 're 've 'm 'll 'd at `at`, or 0. */
static size_t contraction(struct slice s, size_t at, bool fold)
{
    if (!byte_is(s, at, '\'') || s.len - at < 2)
        return 0;
    char first = folded(s.at[at + 1], fold);
    char second = s.len - at > 2 ? folded(s.at[at + 2], fold) : 0;
    switch (first) {
    case 's': case 't': case 'm': case 'd':
        return at + 2;
    case 'r': case 'v':
        return second == 'e' ? at + 3 : 0;
    case 'l':
        return second == 'l' ? at + 3 : 0;
    case '\xC5':                      /* U+017F, long s, folds to s */
        return fold && second == '\xBF' ? at + 3 : 0;
    default:
        return 0;
    }
}

/* [upper]*[lower]+ from `at`: its end, or 0.  *upper_end is the end of the
 * capitals, for [upper]+[lower]*, which is tried when this one fails (and then
 * has no lower at all).
 *
 * Where no [lower] follows the capitals, backtracking gives up capitals until
 * one is given up that is in both classes (a mark, a letter without case). */
static size_t cased(const struct word_rules *r, struct slice s, size_t at,
                    size_t *upper_end)
{
    size_t both_end = 0, len;
    for (;;) {
        uint32_t bits = bits_at(s, at, &len);
        if ((bits & WORD_UPPER) == 0 || (bits & r->word_none) != 0)
            break;
        at += len;
        if (bits & WORD_LOWER)
            both_end = at;
    }
    *upper_end = at;
    size_t end = run(s, at, WORD_LOWER, r->word_none);
    return end > at ? end : both_end;
}

/* Prefix taken or not, first alternative or second: in the order in which a
 * backtracking engine tries them. */
static size_t cased_word(const struct word_rules *r, struct slice s,
                         size_t at, size_t start)
{
    size_t upper_from_start, upper_from_at = at, end;
    if ((end = cased(r, s, start, &upper_from_start)) > 0)
        return end;
    if (start != at && (end = cased(r, s, at, &upper_from_at)) > 0)
        return end;
    if (upper_from_start > start)
        return upper_from_start;
    return start != at && upper_from_at > at ? upper_from_at : 0;
}

static size_t spaced_word(struct slice s, size_t at)
{
    size_t end = 0, len;
    while (bits_at(s, at, &len) & UNICODE_LETTER) {
        end = run(s, at + len, UNICODE_MARK, 0);
        at = end + byte_is(s, end, ' ');
    }
    return end;
}

static size_t run_word(const struct word_rules *r, struct slice s,
                       size_t at, size_t start)
{
    size_t end = run(s, start, r->word_set, r->word_none);
    if (end == start && start != at)
        end = run(s, start = at, r->word_set, r->word_none);
    return end > start ? end : 0;
}

static bool is_prefix(const struct word_rules *r, char first, uint32_t bits)
{
    if (r->prefix_space)
        return first == ' ';
    return (bits & r->prefix_none) == 0 && !is_newline(first);
}

static size_t word(const struct word_rules *r, struct slice s, size_t at,
                   uint32_t bits, size_t len)
{
    size_t start = is_prefix(r, s.at[at], bits) ? at + len : at;
    switch (r->word) {
    case WORD_RUN:
        return run_word(r, s, at, start);
    case WORD_CASED:
        return cased_word(r, s, at, start);
    case WORD_SPACED:
        break;
    }
    return spaced_word(s, start);
}

static size_t digits(const struct word_rules *r, struct slice s, size_t at)
{
    size_t len, n = 0;
    if (r->digits_space && s.at[at] == ' ')
        at++;
    while ((bits_at(s, at, &len) & UNICODE_NUMBER)
           && (r->max_digits == 0 || n < r->max_digits)) {
        at += len;
        n++;
    }
    return n > 0 ? at : 0;
}

static size_t other(const struct word_rules *r, struct slice s, size_t at)
{
    size_t start = at + (s.at[at] == ' ');
    size_t end = run(s, start, r->other, r->other_none);
    if (end == start)
        return 0;
    for (size_t n = 0; n < r->tail_max && end < s.len; n++, end++)
        if (!is_newline(s.at[end]) && !(r->tail_slash && s.at[end] == '/'))
            break;
    return end;
}

/* A run of white space: where it ends, where its last character begins, and the
 * end of its last newline (0: it has none). */
struct space_run { size_t end, last, newline_end; };

static struct space_run space_run(struct slice s, size_t at)
{
    struct space_run r = { .end = at, .last = at };
    size_t len;
    while (bits_at(s, r.end, &len) & UNICODE_SPACE) {
        r.last = r.end;
        r.end += len;
        if (is_newline(s.at[r.last]))
            r.newline_end = r.end;
    }
    return r;
}

/* \s{512}(?!\S) and so on: the most of these steps that leave white space, or the
 * end of the text, behind them; else one.  The run ends at `run_end`. */
static size_t space_steps(struct slice s, size_t at, size_t run_end)
{
    static const struct char_class any = { .any = UNICODE_SPACE };
    static const size_t steps[] = { 512, 256, 128, 64, 32, 16, 8, 4, 2, 1 };
    size_t n;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        size_t end = class_run(&any, (struct slice){ s.at, run_end }, at,
                               steps[i], &n);
        if (n == steps[i] && (end < run_end || end == s.len))
            return end;
    }
    return class_run(&any, s, at, 1, NULL);
}

/* White space: up to its last newline; else to the end of the text; else all
 * but the last character, which may belong to what follows.  (In the memo: that
 * up to run_end there is no newline; it spares looking again at every step.) */
static size_t space(const struct word_rules *r, struct slice s, size_t at,
                    struct scan_memo *memo)
{
    if (r->newlines == NEWLINES_ONE && is_newline(s.at[at]))
        return at + 1;
    if (r->space_steps && memo->run_end > at)
        return space_steps(s, at, memo->run_end);
    struct space_run run = space_run(s, at);
    if (r->space_to_end && run.end == s.len)
        return run.end;
    if (r->newlines == NEWLINES_LAST && run.newline_end > 0)
        return run.newline_end;
    if (r->space_steps)
        return space_steps(s, at, memo->run_end = run.end);
    return run.end == s.len || run.last == at ? run.end : run.last;
}

static bool is_ascii_punct(uint32_t bits, size_t len)
{
    return len == 1 && (bits & (UNICODE_PUNCT | UNICODE_SYMBOL)) != 0;
}

static size_t ascii_letters(struct slice s, size_t at)
{
    size_t start = at;
    while (at < s.len && (unsigned char)((s.at[at] | 0x20) - 'a') < 26)
        at++;
    return at > start ? at : 0;
}

/* End of the match that begins at `at`, or 0. */
static size_t match(const struct word_rules *r, struct slice s, size_t at,
                    struct scan_memo *memo)
{
    size_t len, end;
    uint32_t bits = bits_at(s, at, &len);
    if (r->han_first && (bits & UNICODE_HAN))
        return run(s, at, UNICODE_HAN, 0);
    if ((r->contraction == CONTRACT_LOWER || r->contraction == CONTRACT_FOLD)
        && (end = contraction(s, at, r->contraction == CONTRACT_FOLD)) > 0)
        return end;
    if (r->punct_word && is_ascii_punct(bits, len)
        && (end = ascii_letters(s, at + 1)) > 0)
        return end;
    if ((end = word(r, s, at, bits, len)) > 0) {
        size_t behind = r->contraction == CONTRACT_SUFFIX
                      ? contraction(s, end, true) : 0;
        return behind > 0 ? behind : end;
    }
    if (r->digits && (end = digits(r, s, at)) > 0)
        return end;
    if ((end = other(r, s, at)) > 0)
        return end;
    return (bits & UNICODE_SPACE) ? space(r, s, at, memo) : 0;
}

bool scan_words(const struct scanner *self, struct slice text, size_t from,
                struct scan_memo *memo, struct span *out)
{
    while (from < text.len) {
        size_t end = match(self->rules, text, from, memo), len;
        if (end > 0) {
            *out = (struct span){ from, end };
            return true;
        }
        char_at(text, from, &len);
        from += len;
    }
    return false;
}
