/* Expressions that are one class repeated, and digits counted in groups of
 * three.  Linear: groups are counted from the right end of a run of digits,
 * which the memo remembers from one match to the next. */
#include "text/scanner.h"

static bool is_run_prefix(enum run_prefix prefix, uint32_t cp)
{
    return prefix == RUN_SPACE ? cp == ' '
         : prefix == RUN_ANY_SPACE && unicode_is(cp, UNICODE_SPACE);
}

/* End of the match at `at`, or 0.  The prefix is greedy: it is tried first. */
static size_t match_run(const struct run_rules *r, struct slice s, size_t at,
                        size_t *len)
{
    size_t n, end;
    uint32_t cp = char_at(s, at, len);
    if (is_run_prefix(r->prefix, cp)) {
        end = class_run(&r->set, s, at + *len, r->max, &n);
        if (n >= r->min)
            return end;
    }
    if (!class_has(&r->set, cp))
        return 0;
    end = class_run(&r->set, s, at, r->max, &n);
    return n >= r->min ? end : 0;
}

bool scan_runs(const struct scanner *self, struct slice text, size_t from,
               struct scan_memo *memo, struct span *out)
{
    size_t len, end;
    (void)memo;
    for (; from < text.len; from += len) {
        if ((end = match_run(self->rules, text, from, &len)) > 0) {
            *out = (struct span){ from, end };
            return true;
        }
    }
    return false;
}

bool scan_lines(const struct scanner *self, struct slice text, size_t from,
                struct scan_memo *memo, struct span *out)
{
    (void)self;
    (void)memo;
    size_t end = from;
    if (from >= text.len)
        return false;
    bool newlines = text.at[from] == '\n';
    while (end < text.len && (text.at[end] == '\n') == newlines)
        end++;
    *out = (struct span){ from, end };
    return true;
}

/* $ holds at the end and before every \n.  Of one run of white space: all of it
 * at the end of the text; else up to its last \n, if anything is before that. */
bool scan_space_at_end(const struct scanner *self, struct slice text,
                       size_t from, struct scan_memo *memo, struct span *out)
{
    size_t at = from, len;
    (void)self;
    (void)memo;
    while (at < text.len) {
        size_t start = at, line_end = 0;
        while (bits_at(text, at, &len) & UNICODE_SPACE) {
            if (text.at[at] == '\n' && at > start)
                line_end = at;
            at += len;
        }
        if (at == text.len && at > start)
            line_end = at;
        if (line_end > 0) {
            *out = (struct span){ start, line_end };
            return true;
        }
        if (at == start)
            at += len;
    }
    return false;
}

/* ---- digits in groups of three from the right ---- */

/* How many members of the class there are from the one at `at` on.  The answer is
 * carried along, or the groups of one long run would each look through all of
 * it. */
static size_t members_left(const struct char_class *set, struct slice s,
                           size_t at, struct scan_memo *memo)
{
    size_t len;
    while (memo->left > 0 && memo->at < at) {
        char_at(s, memo->at, &len);
        memo->at += len;
        memo->left--;
    }
    if (memo->left == 0) {
        memo->run_end = class_run(set, s, at, 0, &memo->left);
        memo->at = at;
    }
    return memo->left;
}

/* Where a group may end, the run of digits has ended, too, or groups of three
 * follow: so the first group takes what the others leave. */
bool scan_groups(const struct scanner *self, struct slice text, size_t from,
                 struct scan_memo *memo, struct span *out)
{
    const struct group_rules *r = self->rules;
    size_t len;
    while (from < text.len) {
        if (!class_has(&r->set, char_at(text, from, &len))) {
            from += len;
            continue;
        }
        size_t left = members_left(&r->set, text, from, memo);
        size_t take = left % 3 == 0 ? 3 : left % 3, end = memo->run_end;
        if (r->cuts) {
            if (left % 3 == 0) {
                *out = (struct span){ from, from };
                return true;
            }
            from = class_run(&r->set, text, from, take, NULL);
        } else if (r->to_boundary && end < text.len
                   && char_is_word(char_at(text, end, &len))) {
            from = end;
        } else {
            *out = (struct span){ from, class_run(&r->set, text, from, take,
                                                  NULL) };
            return true;
        }
    }
    return false;
}

/* \w+|[^\w\s]+, where \w also has the two joiners. */
static int word_kind(uint32_t cp)
{
    if (unicode_is(cp, UNICODE_SPACE))
        return 0;
    return unicode_is_word(cp) ? 1 : 2;
}

bool scan_word_runs(const struct scanner *self, struct slice text, size_t from,
                    struct scan_memo *memo, struct span *out)
{
    size_t len, end;
    int kind = 0;
    (void)self;
    (void)memo;
    while (from < text.len
           && (kind = word_kind(char_at(text, from, &len))) == 0)
        from += len;
    for (end = from; end < text.len; end += len)
        if (word_kind(char_at(text, end, &len)) != kind)
            break;
    *out = (struct span){ from, end };
    return end > from;
}
