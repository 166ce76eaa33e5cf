/* A stream is cut into thought and answer while it comes, some bytes at a time.
 *
 *   1. `held` is what no part has got yet: white space that may turn out to be
 *      in front of a mark, or the beginning of a mark.
 *   2. What was given is never taken back: so bytes are held while they could
 *      still be a mark, and not one byte longer.
 *   3. `fresh` drops white space at the beginning of a part, however many
 *      pieces it comes in. */
#include "text/think.h"

static const struct slice open_mark = { "<think>", 7 };
static const struct slice close_mark = { "</think>", 8 };

static bool is_white(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t white_at_end(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_white(s.at[s.len - 1 - n]))
        n++;
    return n;
}

static size_t white_at_start(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_white(s.at[n]))
        n++;
    return n;
}

bool think_is_open(struct slice prompt)
{
    prompt.len -= white_at_end(prompt);
    return slice_ends(prompt, open_mark);
}

void think_init(struct think *t, enum think_state state)
{
    *t = (struct think){ .state = state, .fresh = state != THINK_OUTSIDE };
}

void think_drop(struct think *t)
{
    strbuf_drop(&t->held);
}

/* Bytes at the end of s that `mark` may begin with. */
static size_t open_end(struct slice s, struct slice mark)
{
    size_t n = mark.len - 1 < s.len ? mark.len - 1 : s.len;
    while (n > 0 && !slice_ends(s, (struct slice){ mark.at, n }))
        n--;
    return n;
}

static void forget(struct think *t, size_t n)
{
    if (n == 0)
        return;
    memmove(t->held.at, t->held.at + n, t->held.len - n);
    t->held.len -= n;
}

static void enter(struct think *t, enum think_state state, size_t used)
{
    forget(t, used);
    t->state = state;
    t->fresh = true;
}

/* Move the first n bytes of what is held to a part, without white space in
 * front of its beginning. */
static void give(struct think *t, size_t n, struct strbuf *part)
{
    struct slice s = { t->held.at, n };
    size_t skip = t->fresh ? white_at_start(s) : 0;
    if (skip < n) {
        strbuf_put(part, slice_from(s, skip));
        t->fresh = false;
    }
    forget(t, n);
}

/* There is no thought: all of it is the answer, its white space, too. */
static void answer_at_once(struct think *t)
{
    t->state = THINK_OUTSIDE;
    t->fresh = false;
}

/* True: the state has changed, what is left belongs to the next one. */
static bool in_start(struct think *t)
{
    struct slice s = strbuf_slice(&t->held);
    size_t white = white_at_start(s);
    struct slice rest = slice_from(s, white);
    if (slice_starts(rest, open_mark))
        enter(t, THINK_INSIDE, white + open_mark.len);
    else if (!slice_starts(open_mark, rest))
        answer_at_once(t);
    else
        return false;
    return true;
}

static bool in_thought(struct think *t, struct strbuf *thought)
{
    struct slice s = strbuf_slice(&t->held);
    size_t hit = slice_find(s, close_mark, 0);
    struct slice sure = { s.at, hit < s.len ? hit
                                            : s.len - open_end(s, close_mark) };
    size_t white = white_at_end(sure);
    give(t, sure.len - white, thought);
    if (hit == s.len)
        return false;
    enter(t, THINK_OUTSIDE, white + close_mark.len);
    return true;
}

void think_push(struct think *t, struct slice text, struct strbuf *thought,
                struct strbuf *answer)
{
    bool more = true;
    strbuf_put(&t->held, text);
    if (t->held.failed) {
        answer->failed = true;
        return;
    }
    while (more && t->state != THINK_OUTSIDE)
        more = t->state == THINK_START ? in_start(t) : in_thought(t, thought);
    if (t->state == THINK_OUTSIDE)
        give(t, t->held.len, answer);
}

/* A thought that was not closed keeps the beginning of a mark it ends with. */
void think_end(struct think *t, struct strbuf *thought, struct strbuf *answer)
{
    struct slice s = strbuf_slice(&t->held);
    if (t->state == THINK_INSIDE)
        give(t, s.len - white_at_end(s), thought);
    else {
        t->fresh &= t->state != THINK_START;
        give(t, s.len, answer);
    }
    strbuf_clear(&t->held);
}
