/* POST /apply-template: the prompt that the chat template makes of messages. */
#include "routes/openai_answer.h"
#include "routes/route_table.h"
#include "routes/text_call.h"

static enum err make(struct strbuf *out, const struct engine *e,
                     const void *given, struct arena *arena,
                     struct err_info *why)
{
    struct strbuf prompt = { 0 };
    (void)arena;
    enum err code = openai_render(&prompt, e, given, why);
    if (code == ERR_OK) {
        strbuf_puts(out, "{\"prompt\":");
        json_put_string(out, strbuf_slice(&prompt));
        strbuf_putc(out, '}');
    }
    strbuf_drop(&prompt);
    return code;
}

static const struct openai_form defaults = { .add_generation_prompt = true };
static const struct text_route text = {
    .tables = &openai_message_fields, .n_tables = 1,
    .form_size = sizeof defaults, .defaults = &defaults, .make = make,
};

static void handle(struct call *c)
{
    text_call(c, &text);
}

const struct route route_apply_template = {
    .method = "POST", .paths = { "/apply-template" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .body = ROUTE_JSON, .handle = handle,
};
