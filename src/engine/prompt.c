/* Texts to the ids that are fed. */
#include "engine/engine.h"

/* A tokenizer may add an end token by itself (for training pairs); behind a
 * prompt that is to be continued it would end the answer before it began. */
static void drop_end(const struct tokenizer *tok, size_t before,
                     struct tok_ids *ids)
{
    if (tok_adds_eos(tok) && ids->n > before
        && ids->at[ids->n - 1] == tok_role_id(tok, TOK_ROLE_EOS))
        ids->n--;
}

static enum err encode(const struct tokenizer *tok, struct slice text,
                       unsigned flags, struct tok_ids *out,
                       struct err_info *why)
{
    size_t before = out->n;
    enum err e = tok_encode(tok, text, flags, out, why);
    if (e == ERR_OK && (flags & TOK_ADD_SPECIAL))
        drop_end(tok, before, out);
    return e;
}

enum err engine_encode_chat(const struct engine *e, struct slice rendered,
                            struct tok_ids *out, struct err_info *why)
{
    const struct tokenizer *tok = engine_tokenizer(e);
    int32_t bos = tok_role_id(tok, TOK_ROLE_BOS);
    bool begun = bos >= 0 && slice_starts(rendered, tok_text(tok, bos));
    return encode(tok, rendered,
                  TOK_PARSE_SPECIAL | (begun ? 0u : (unsigned)TOK_ADD_SPECIAL),
                  out, why);
}

enum err engine_encode_raw(const struct engine *e, struct slice text,
                           struct tok_ids *out, struct err_info *why)
{
    return encode(engine_tokenizer(e), text, TOK_ADD_SPECIAL, out, why);
}
