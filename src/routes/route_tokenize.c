/* POST /tokenize: text to ids, by the names that llama-server ("content") and
 * vLLM ("prompt") use. */
#include "routes/route_table.h"
#include "routes/text_call.h"

#include <stddef.h>

#define AT(member) offsetof(struct form, member)

struct form {
    struct slice content, prompt;
    bool         add_special, add_special_tokens, parse_special, with_pieces;
};

/* parse_special is off by default here as everywhere: text is text. */
static const struct field table[] = {
    { "content",       field_text, AT(content), 0, 0, false },
    { "prompt",        field_text, AT(prompt), 0, 0, false },
    { "add_special",   field_bool, AT(add_special), 0, 0, false },
    { "add_special_tokens", field_bool, AT(add_special_tokens), 0, 0, false },
    { "parse_special", field_bool, AT(parse_special), 0, 0, false },
    { "with_pieces",   field_bool, AT(with_pieces), 0, 0, false },
    { "model",         field_ignored, 0, 0, 0, false },
};

static void put_id(struct strbuf *out, const struct tokenizer *tok, int32_t id,
                   bool with_piece)
{
    struct strbuf piece = { 0 };
    if (!with_piece) {
        strbuf_printf(out, "%d", (int)id);
        return;
    }
    tok_piece(tok, id, &piece);
    strbuf_printf(out, "{\"id\":%d,\"piece\":", (int)id);
    json_put_string(out, strbuf_slice(&piece));
    strbuf_putc(out, '}');
    out->failed |= piece.failed;
    strbuf_drop(&piece);
}

static void put_reply(struct strbuf *out, const struct engine *e,
                      const struct tok_ids *ids, bool with_pieces)
{
    strbuf_puts(out, "{\"tokens\":[");
    for (size_t i = 0; i < ids->n; i++) {
        strbuf_puts(out, i > 0 ? "," : "");
        put_id(out, engine_tokenizer(e), ids->at[i], with_pieces);
    }
    strbuf_printf(out, "],\"count\":%zu,\"max_model_len\":%u}", ids->n,
                  (unsigned)engine_ctx(e));
}

static enum err make(struct strbuf *out, const struct engine *e,
                     const void *given, struct arena *arena,
                     struct err_info *why)
{
    const struct form *f = given;
    bool adds = f->add_special || f->add_special_tokens;
    struct tok_ids ids = { 0 };
    (void)arena;
    if ((f->content.at != NULL) == (f->prompt.at != NULL))
        return fail(why, ERR_REQUEST, "expected either \"content\" or "
                    "\"prompt\"");
    enum err code = tok_encode(engine_tokenizer(e), f->content.at != NULL
                               ? f->content : f->prompt,
                               (adds ? TOK_ADD_SPECIAL : 0u)
                               | (f->parse_special ? TOK_PARSE_SPECIAL : 0u),
                               &ids, why);
    if (code == ERR_OK)
        put_reply(out, e, &ids, f->with_pieces);
    tok_ids_drop(&ids);
    return code;
}

static const struct fields tables[] = { FIELDS(table) };
static const struct text_route text = {
    .tables = tables, .n_tables = 1, .form_size = sizeof(struct form),
    .make = make,
};

static void handle(struct call *c)
{
    text_call(c, &text);
}

const struct route route_tokenize = {
    .method = "POST", .paths = { "/tokenize" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .body = ROUTE_JSON, .handle = handle,
};
