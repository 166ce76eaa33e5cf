/* What is held back is the longest end of the stream that some stop word begins
 * with.  Words are few and short, so ends are simply tried from the longest;
 * an automaton would cost more to build than it saves. */
#include "text/stops.h"

void stops_init(struct stops *s, const struct slice *words, size_t n_words)
{
    *s = (struct stops){ .words = words, .n_words = n_words };
}

void stops_drop(struct stops *s)
{
    strbuf_drop(&s->held);
}

/* Where the word begins that is complete first; text.len: none.  First is what
 * ends first (of these, what begins first): so the result does not depend on
 * how the stream was cut.  s->hit remembers which it is. */
static size_t first_word(struct stops *s, struct slice text)
{
    size_t begin = text.len, end = text.len + 1;

    for (size_t i = 0; i < s->n_words; i++) {
        size_t hit = slice_find(text, s->words[i], 0);
        size_t behind = hit + s->words[i].len;
        if (hit < text.len
            && (behind < end || (behind == end && hit < begin))) {
            begin = hit;
            end = behind;
            s->hit = i;
        }
    }
    return begin;
}

/* Where the longest end of `text` begins that a word might complete. */
static size_t open_word(const struct stops *s, struct slice text)
{
    size_t first = text.len;

    for (size_t i = 0; i < s->n_words; i++) {
        size_t len = s->words[i].len - 1;
        for (len = len < text.len ? len : text.len; len > text.len - first;
             len--)
            if (slice_ends(text, (struct slice){ s->words[i].at, len }))
                break;
        if (len > text.len - first)
            first = text.len - len;
    }
    return first;
}

bool stops_push(struct stops *s, struct slice text, struct strbuf *out)
{
    strbuf_put(&s->held, text);
    if (s->held.failed) {
        out->failed = true;
        return false;
    }
    struct slice all = strbuf_slice(&s->held);
    size_t hit = first_word(s, all);
    size_t safe = hit < all.len ? hit : open_word(s, all);

    strbuf_put(out, (struct slice){ all.at, safe });
    if (hit < all.len) {
        strbuf_clear(&s->held);
        return true;
    }
    /* An empty buffer has no memory to move. */
    if (safe > 0)
        memmove(s->held.at, s->held.at + safe, all.len - safe);
    s->held.len -= safe;
    return false;
}

void stops_end(struct stops *s, struct strbuf *out)
{
    strbuf_put(out, strbuf_slice(&s->held));
    strbuf_clear(&s->held);
}
