/* Two buffers, because two things hold text back: the decoder until characters
 * are whole, the search until no stop string can begin in what it has.  Only
 * what has passed both is shown. */
#include "engine/emit.h"

void emit_init(struct emit *e, const struct tokenizer *tok,
               const struct emit_options *o)
{
    *e = (struct emit){ .tok = tok };
    if (tok == NULL)
        return;
    if (!o->show_special) {
        e->shown = o->shown;
        e->n_shown = o->n_shown;
    }
    tok_stream_init(&e->stream, tok, o->show_special ? 0 : TOK_SKIP_SPECIAL,
                    o->continues);
    stops_init(&e->stops, o->stops, o->n_stops);
}

void emit_drop(struct emit *e)
{
    if (e->tok != NULL) {
        tok_stream_drop(&e->stream);
        stops_drop(&e->stops);
    }
    strbuf_drop(&e->fresh);
    strbuf_drop(&e->safe);
}

/* Buffers remember a failed allocation; it is looked for once, here. */
static enum err no_failure(const struct emit *e, struct err_info *why)
{
    bool failed = e->fresh.failed || e->safe.failed || e->stops.held.failed;
    return failed ? fail_nomem(why) : ERR_OK;
}

/* A special token that the decoder has passed over, but whose text somebody
 * waits for. */
static bool is_shown(const struct emit *e, int32_t id)
{
    for (size_t i = 0; i < e->n_shown; i++)
        if (e->shown[i] == id)
            return tok_is_special(e->tok, id);
    return false;
}

enum err emit_token(struct emit *e, int32_t id, struct err_info *why)
{
    enum err err;
    strbuf_clear(&e->fresh);
    strbuf_clear(&e->safe);
    if (e->tok == NULL)
        return ERR_OK;
    if ((err = tok_stream_push(&e->stream, id, &e->fresh, why)) != ERR_OK)
        return err;
    if (is_shown(e, id))
        strbuf_put(&e->fresh, tok_text(e->tok, id));
    e->stopped = stops_push(&e->stops, strbuf_slice(&e->fresh), &e->safe);
    return no_failure(e, why);
}

/* The characters that the stream still held may complete a stop string, too:
 * then nothing after it is shown. */
enum err emit_end(struct emit *e, struct err_info *why)
{
    strbuf_clear(&e->fresh);
    strbuf_clear(&e->safe);
    if (e->tok == NULL || e->stopped)
        return ERR_OK;
    tok_stream_end(&e->stream, &e->fresh);
    if (!stops_push(&e->stops, strbuf_slice(&e->fresh), &e->safe))
        stops_end(&e->stops, &e->safe);
    return no_failure(e, why);
}
