/* render: the prompt that the chat template makes of messages. */
#include "cli/lines.h"
#include "cli/open.h"
#include "cli/chat_prompt.h"
#include "cli/verbs.h"

#define AT(field) offsetof(struct options, field)

static enum err render_line(void *arg, const struct json *in,
                            struct arena *arena, struct strbuf *out,
                            struct err_info *why)
{
    struct engine *engine = arg;
    struct strbuf prompt = { 0 };
    struct chat_request r;

    (void)arena;
    enum err e = chat_request_read(&r, in, why);
    if (e == ERR_OK)
        e = chat_render(engine_chat(engine), &r, &prompt, why);
    if (e == ERR_OK && prompt.failed)
        e = fail_nomem(why);
    if (e == ERR_OK)
        json_put_string(out, strbuf_slice(&prompt));
    strbuf_drop(&prompt);
    return e;
}

static enum err render_once(struct engine *engine, const struct options *o,
                            struct err_info *why)
{
    struct strbuf messages = { 0 }, prompt = { 0 };
    enum err e;

    if (o->system != NULL)
        prompt_put_message(&messages, "system", slice_of(o->system));
    prompt_put_message(&messages, "user", slice_of(o->user));
    strbuf_putc(&messages, ']');
    e = messages.failed ? fail_nomem(why)
                        : prompt_render(&prompt, engine, o,
                                        strbuf_slice(&messages), why);
    if (e == ERR_OK) {
        fwrite(prompt.at, 1, prompt.len, stdout);
        putchar('\n');
    }
    strbuf_drop(&messages);
    strbuf_drop(&prompt);
    return e;
}

static enum err check_render(const struct options *o, struct err_info *why)
{
    return o->jsonl || o->user != NULL ? ERR_OK
         : fail(why, ERR_REQUEST,
                "render needs --user TEXT, or --jsonl with requests");
}

static int run_render(const struct options *o)
{
    struct console c;
    struct engine *e = NULL;
    struct err_info why = { .code = ERR_OK };
    int status = EXIT_DONE;

    console_open(&c, o);
    enum err err = open_engine(&e, &c, o, ENGINE_TEXT, 1, &why);
    if (err == ERR_OK)
        err = prompt_template(e, o, &why);
    if (err == ERR_OK && o->jsonl)
        status = lines_run(render_line, e);
    else if (err == ERR_OK)
        err = render_once(e, o, &why);
    if (err != ERR_OK)
        status = console_error(&c, &why);
    engine_close(e);
    return status;
}

static const struct flag flags[] = {
    { .name = "user", .kind = FLAG_TEXT, .at = AT(user), .value = "TEXT",
      .help = "the user's message" },
    { .name = "jsonl", .kind = FLAG_SWITCH, .at = AT(jsonl),
      .help = "JSON lines: one request a line in, one prompt a line out" },
    { .name = NULL },
};

static const struct flag_group group = { "Messages", flags };
static const struct flag_group *const groups[] = { &group, &flags_prompt,
                                                   &flags_general, NULL };

const struct verb verb_render = {
    .name = "render",
    .usage = "MODEL --user TEXT [--system TEXT] | MODEL --jsonl",
    .does = "the prompt that the chat template makes of messages",
    .details = "Needs no weights. With --jsonl a line is {\"messages\": [...], "
               "\"tools\": [...], \"add_generation_prompt\": true, "
               "\"chat_template_kwargs\": {...}, \"chat_template\": \"...\"}, "
               "of which only messages is required; the answer is a JSON "
               "string.",
    .example = "osmia render model.gguf --user \"Hello\"",
    .groups = groups,
    .needs_model = true,
    .check = check_render,
    .run = run_render,
};
