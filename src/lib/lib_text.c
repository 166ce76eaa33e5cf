#include "lib/lib_own.h"

#include <string.h>

/* Nothing here computes on the model: tokenizer and templates are immutable, so
 * these run beside a call that computes, on any number of threads. */

static enum osmia_status put_ids(struct osmia_ids *out,
                                 const struct tok_ids *ids,
                                 struct osmia_error *error)
{
    out->n = ids->n;
    if (ids->n > out->capacity)
        return lib_fail(error, OSMIA_LIMIT, "there is no room for all ids");
    if (ids->n > 0)
        memcpy(out->at, ids->at, ids->n * sizeof *ids->at);
    return OSMIA_OK;
}

static enum osmia_status put_text(struct osmia_buffer *out,
                                  const struct strbuf *text,
                                  struct osmia_error *error)
{
    out->len = text->len;
    if (text->len > out->capacity)
        return lib_fail(error, OSMIA_LIMIT,
                        "there is no room for all of the text");
    if (text->len > 0)
        memcpy(out->at, text->at, text->len);
    return OSMIA_OK;
}

static enum osmia_status finish_ids(struct osmia_ids *out, struct tok_ids *ids,
                                    enum err e, const struct err_info *why,
                                    struct osmia_error *error)
{
    enum osmia_status status = e == ERR_OK ? put_ids(out, ids, error)
                                           : lib_error(error, e, why);
    tok_ids_drop(ids);
    return status;
}

enum osmia_status osmia_tokenize(const struct osmia_model *model,
                                 const char *text, size_t len, unsigned flags,
                                 struct osmia_ids *out,
                                 struct osmia_error *error)
{
    struct err_info why;
    struct tok_ids ids = { 0 };
    unsigned inner = 0;
    if (flags & OSMIA_ADD_SPECIAL)
        inner |= TOK_ADD_SPECIAL;
    if (flags & OSMIA_PARSE_SPECIAL)
        inner |= TOK_PARSE_SPECIAL;
    enum err e = tok_encode(engine_tokenizer(model->engine),
                            (struct slice){ text, len }, inner, &ids, &why);
    return finish_ids(out, &ids, e, &why, error);
}

enum osmia_status osmia_tokenize_prompt(const struct osmia_model *model,
                                        const char *text, size_t len,
                                        struct osmia_ids *out,
                                        struct osmia_error *error)
{
    struct err_info why;
    struct tok_ids ids = { 0 };
    enum err e = engine_encode_chat(model->engine, (struct slice){ text, len },
                                    &ids, &why);
    return finish_ids(out, &ids, e, &why, error);
}

static enum osmia_status finish_text(struct osmia_buffer *out,
                                     struct strbuf *text, enum err e,
                                     struct err_info *why,
                                     struct osmia_error *error)
{
    if (e == ERR_OK && text->failed)
        e = fail_nomem(why);
    enum osmia_status status = e == ERR_OK ? put_text(out, text, error)
                                           : lib_error(error, e, why);
    strbuf_drop(text);
    return status;
}

enum osmia_status osmia_detokenize(const struct osmia_model *model,
                                   const int32_t *ids, size_t n,
                                   bool skip_special, struct osmia_buffer *out,
                                   struct osmia_error *error)
{
    struct err_info why;
    struct strbuf text = { 0 };
    enum err e = tok_decode(engine_tokenizer(model->engine), ids, n,
                            skip_special ? TOK_SKIP_SPECIAL : 0, &text, &why);
    return finish_text(out, &text, e, &why, error);
}

enum osmia_status osmia_render(const struct osmia_model *model,
                               const char *request, size_t len,
                               struct osmia_buffer *out,
                               struct osmia_error *error)
{
    struct err_info why;
    struct arena arena = { 0 };
    struct strbuf text = { 0 };
    struct json *object;
    struct chat_request r;
    enum err e = json_parse(&object, &arena, (struct slice){ request, len },
                            JSON_DEPTH, &why);
    if (e == ERR_FORMAT) {
        fail_within(&why, "the request");
        e = ERR_REQUEST;
    }
    if (e == ERR_OK)
        e = chat_request_read(&r, object, &why);
    if (e == ERR_OK)
        e = chat_render(engine_chat(model->engine), &r, &text, &why);
    arena_drop(&arena);
    return finish_text(out, &text, e, &why, error);
}
