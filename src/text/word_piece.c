/* Greedy longest match from the left, within words that the pre-tokenizer cut.
 * One word costs at most its characters times the longest token. */
#include "text/word_piece.h"
#include "base/utf8.h"

static enum err push(struct tok_ids *out, int32_t id, struct err_info *why)
{
    if (id < 0)
        return fail(why, ERR_FORMAT, "the text has a word that is not in the "
                    "vocabulary, and neither is unk_token");
    return tok_ids_push(out, id) ? ERR_OK : fail_nomem(why);
}

static size_t count_chars(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((uint8_t)s.at[i] & 0xC0) != 0x80;
    return n;
}

/* Where the character begins that ends at `end`. */
static size_t char_before(struct slice s, size_t end)
{
    do
        end--;
    while (end > 0 && ((uint8_t)s.at[end] & 0xC0) == 0x80);
    return end;
}

/* The longest token at `start`; puts where it ends.  -1: none. */
static int32_t longest(const struct word_piece *w, struct slice word,
                       size_t start, size_t *end, struct strbuf *room)
{
    /* No token is longer than the longest: no need to look at more. */
    size_t reach = word.len - start;
    if (reach > w->vocab->longest)
        reach = w->vocab->longest;
    strbuf_clear(room);
    strbuf_put(room, start > 0 ? w->prefix : w->first);
    size_t extra = room->len;
    strbuf_put(room, (struct slice){ word.at + start, reach });
    if (room->failed)
        return -1;

    *end = start + reach;
    if (*end < word.len && ((uint8_t)word.at[*end] & 0xC0) == 0x80)
        *end = char_before(word, *end);
    for (; *end > start; *end = char_before(word, *end)) {
        struct slice text = { room->at, extra + *end - start };
        int32_t id = vocab_find(w->vocab, text);
        if (id >= 0)
            return id;
    }
    return -1;
}

enum err word_piece_encode(const struct word_piece *w, struct slice word,
                           struct strbuf *room, struct tok_ids *out,
                           struct err_info *why)
{
    size_t n_before = out->n, end;
    enum err e = ERR_OK;

    if (w->whole_words) {
        int32_t id = vocab_find(w->vocab, word);
        return push(out, id >= 0 ? id : w->unk, why);
    }
    if (count_chars(word) > w->max_chars)
        return push(out, w->unk, why);
    for (size_t start = 0; start < word.len && e == ERR_OK; start = end) {
        int32_t id = longest(w, word, start, &end, room);
        if (room->failed)
            return fail_nomem(why);
        if (id < 0) {
            /* One part that does not fit makes the whole word unknown. */
            out->n = n_before;
            return push(out, w->unk, why);
        }
        e = push(out, id, why);
    }
    return e;
}
