#include "cli/chat_prompt.h"
#include "base/file.h"
#include "base/limits.h"

enum err prompt_template(struct engine *e, const struct options *o,
                         struct err_info *why)
{
    struct file f;

    if (o->chat_template == NULL)
        return ERR_OK;
    enum err err = file_open_small(&f, o->chat_template, LIMIT_TEMPLATE_FILE,
                                   why);
    if (err != ERR_OK)
        return err;
    err = chat_override(engine_chat(e), file_slice(&f), why);
    if (err != ERR_OK)
        fail_within(why, "%s", o->chat_template);
    file_close(&f);
    return err;
}

bool prompt_is_raw(const struct engine *e, const struct options *o)
{
    return o->raw || !chat_has_template(engine_chat(e));
}

enum err prompt_usable(struct engine *e, const struct options *o,
                       struct err_info *why)
{
    enum err err = prompt_template(e, o, why);
    const char *broken = chat_error(engine_chat(e));

    if (err != ERR_OK || o->raw || broken == NULL)
        return err;
    return fail(why, ERR_FORMAT, "%.200s: the model's chat template does not "
                "compile (%.500s); give --chat-template FILE, or --raw",
                o->model, broken);
}

enum err prompt_check_arg(const char *text, struct err_info *why)
{
    struct slice arg = slice_of(text);
    size_t equals = slice_find(arg, SLICE("="), 0);
    struct arena arena = { 0 };
    struct json *parsed;

    if (equals == 0 || equals == arg.len)
        return fail(why, ERR_REQUEST, "--template-arg is \"%.60s\", expected "
                    "NAME=JSON such as enable_thinking=false", text);
    enum err e = json_parse(&parsed, &arena, slice_from(arg, equals + 1),
                            JSON_DEPTH, why);
    arena_drop(&arena);
    return e == ERR_OK ? e : fail_within(why, "--template-arg %.*s",
                                         equals < 60 ? (int)equals : 60, text);
}

enum err prompt_kwargs(const struct json **out, struct arena *arena,
                       const struct options *o, struct err_info *why)
{
    struct strbuf text = { 0 };
    struct json *parsed;

    *out = NULL;
    if (o->template_arg.n == 0)
        return ERR_OK;
    strbuf_putc(&text, '{');
    for (size_t i = 0; i < o->template_arg.n; i++) {
        struct slice arg = slice_of(o->template_arg.at[i]);
        size_t equals = slice_find(arg, SLICE("="), 0);
        strbuf_puts(&text, i > 0 ? ", " : "");
        json_put_string(&text, (struct slice){ arg.at, equals });
        strbuf_puts(&text, ": ");
        strbuf_put(&text, slice_from(arg, equals + 1));
    }
    strbuf_putc(&text, '}');
    enum err e = text.failed ? fail_nomem(why)
                             : json_parse(&parsed, arena, strbuf_slice(&text),
                                          JSON_DEPTH, why);
    if (e == ERR_OK)
        *out = parsed;
    strbuf_drop(&text);
    return e;
}

void prompt_put_message(struct strbuf *messages, const char *role,
                        struct slice text)
{
    strbuf_puts(messages, messages->len == 0 ? "[" : ", ");
    strbuf_puts(messages, "{\"role\": ");
    json_put_string(messages, slice_of(role));
    strbuf_puts(messages, ", \"content\": ");
    json_put_string(messages, text);
    strbuf_putc(messages, '}');
}

enum err prompt_render(struct strbuf *out, const struct engine *e,
                       const struct options *o, struct slice messages,
                       struct err_info *why)
{
    struct arena arena = { 0 };
    struct chat_request r = { .add_generation_prompt = true };
    struct json *parsed;

    enum err err = json_parse(&parsed, &arena, messages, JSON_DEPTH, why);
    if (err == ERR_OK) {
        r.messages = parsed;
        err = prompt_kwargs(&r.kwargs, &arena, o, why);
    }
    if (err == ERR_OK)
        err = chat_render(engine_chat(e), &r, out, why);
    if (err == ERR_OK && out->failed)
        err = fail_nomem(why);
    arena_drop(&arena);
    return err;
}

enum err prompt_messages_ids(struct tok_ids *ids, const struct engine *e,
                             const struct options *o,
                             const struct strbuf *messages,
                             struct err_info *why)
{
    struct strbuf prompt = { 0 };
    enum err err = messages->failed
                 ? fail_nomem(why)
                 : prompt_render(&prompt, e, o, strbuf_slice(messages), why);

    if (err == ERR_OK)
        err = engine_encode_chat(e, strbuf_slice(&prompt), ids, why);
    strbuf_drop(&prompt);
    return err;
}

enum err prompt_words_ids(struct tok_ids *ids, const struct engine *e,
                          const struct options *o, struct slice words,
                          struct err_info *why)
{
    struct strbuf messages = { 0 };

    if (prompt_is_raw(e, o))
        return engine_encode_raw(e, words, ids, why);
    if (o->system != NULL)
        prompt_put_message(&messages, "system", slice_of(o->system));
    prompt_put_message(&messages, "user", words);
    strbuf_putc(&messages, ']');
    enum err err = prompt_messages_ids(ids, e, o, &messages, why);
    strbuf_drop(&messages);
    return err;
}
