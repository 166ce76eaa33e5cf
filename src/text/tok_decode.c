/* Ids to text, at once or one by one: both push tokens through the same
 * decoder run, so that they cannot differ. */
#include "base/utf8.h"
#include "text/byte_ids.h"
#include "text/bytemap.h"
#include "text/tok_parts.h"

/* The text a token decodes to; false: it is hidden. */
static bool shown_text(const struct tokenizer *t, int32_t id, unsigned flags,
                       struct slice *text)
{
    bool special = vocab_marked(&t->vocab, id, VOCAB_SPECIAL);

    *text = vocab_text(&t->vocab, id);
    if (vocab_marked(&t->vocab, id, VOCAB_SHOWN)) {
        *text = added_by_text(&t->added, *text)->shown;
        const struct added_token *other = added_by_text(&t->added, *text);
        special = other != NULL && other->special;
    }
    return !special || !(flags & TOK_SKIP_SPECIAL);
}

static enum err push_id(const struct tokenizer *t, struct decoder_run *run,
                        int32_t id, unsigned flags, struct strbuf *out,
                        struct err_info *why)
{
    struct slice text;

    if (!vocab_has(&t->vocab, id))
        return fail(why, ERR_REQUEST, "id %d is no token (there are %zu)",
                    (int)id, t->vocab.n);
    return shown_text(t, id, flags, &text)
         ? decoder_push(run, text, out, why) : ERR_OK;
}

enum err tok_decode(const struct tokenizer *t, const int32_t *ids, size_t n,
                    unsigned flags, struct strbuf *out, struct err_info *why)
{
    struct decoder_run *run = decoder_start(t->decoder, 0);
    enum err e = run == NULL ? fail_nomem(why) : ERR_OK;

    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = push_id(t, run, ids[i], flags, out, why);
    if (e == ERR_OK)
        e = decoder_end(run, out, why);
    decoder_run_close(run);
    return e;
}

/* ---- streaming ---- */

void tok_stream_init(struct tok_stream *s, const struct tokenizer *t,
                     unsigned flags, bool continues)
{
    *s = (struct tok_stream){ .tok = t, .flags = flags };
    s->run = decoder_start(t->decoder, DECODE_EARLY
                           | (continues ? DECODE_CONTINUES : 0u));
}

enum err tok_stream_push(struct tok_stream *s, int32_t id, struct strbuf *out,
                         struct err_info *why)
{
    if (s->run == NULL)
        return fail_nomem(why);
    return push_id(s->tok, s->run, id, s->flags, out, why);
}

void tok_stream_end(struct tok_stream *s, struct strbuf *out)
{
    if (s->run != NULL && decoder_end(s->run, out, NULL) != ERR_OK)
        out->failed = true;
}

void tok_stream_drop(struct tok_stream *s)
{
    decoder_run_close(s->run);
    s->run = NULL;
}

/* ---- one token alone ---- */

/* Marks become spaces. */
static void put_spaces(struct strbuf *out, struct slice text)
{
    struct slice mark = SLICE("\xE2\x96\x81");

    for (size_t at = 0; at < text.len;) {
        size_t hit = slice_find(text, mark, at);
        strbuf_put(out, (struct slice){ text.at + at, hit - at });
        if (hit < text.len)
            strbuf_putc(out, ' ');
        at = hit + mark.len;
    }
}

void tok_piece(const struct tokenizer *t, int32_t id, struct strbuf *out)
{
    struct slice text = vocab_text(&t->vocab, id);
    int byte = bytes_value(text);

    if (vocab_has(&t->vocab, id)
        && vocab_marked(&t->vocab, id, VOCAB_ADDED | VOCAB_SPECIAL))
        strbuf_put(out, text);
    else if (t->byte_pieces)
        bytemap_put_bytes(out, text);
    else if (byte >= 0)
        strbuf_putc(out, (char)byte);
    else
        put_spaces(out, text);
}
