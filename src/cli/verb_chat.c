/* chat: a conversation in the terminal. */
#include "cli/answer.h"
#include "cli/chat_input.h"
#include "cli/open.h"
#include "cli/chat_prompt.h"
#include "cli/request.h"
#include "cli/talk.h"
#include "cli/verbs.h"
#include "engine/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct options, field)

struct chatting {
    struct console       *console;
    struct engine        *engine;
    const struct options *options;
    struct sched         *sched;
    struct request        request;
    struct arena          arena;       /* of the request */
    struct talk           talk;
    struct answer         last;        /* for /stats */
    struct sampling       last_used;
    bool                  at_terminal, colour, leave;
    bool                  failed;      /* a turn did, with piped input */
};

/* ---- one turn ---- */

static enum err turn_prompt(struct chatting *c, struct slice question,
                            struct tok_ids *ids, struct err_info *why)
{
    struct strbuf messages = { 0 };

    if (prompt_is_raw(c->engine, c->options))
        return engine_encode_raw(c->engine, question, ids, why);
    talk_with(&c->talk, question, &messages);
    enum err e = prompt_messages_ids(ids, c->engine, c->options, &messages,
                                     why);
    strbuf_drop(&messages);
    return e;
}

/* The text of the answer is needed for the conversation and is shown, too. */
static void on_event(void *arg, const struct job_event *ev)
{
    struct answer *a = arg;

    if (ev->text.len > 0) {
        fwrite(ev->text.at, 1, ev->text.len, stdout);
        fflush(stdout);
    }
    answer_event(a, ev);
}

static enum err answer_turn(struct chatting *c, struct slice question,
                            struct err_info *why)
{
    struct sampling fallback = sampling_chat_default();
    struct tok_ids ids = { 0 };
    struct job_request job;
    struct generated end;

    answer_drop(&c->last);
    c->last = (struct answer){ 0 };
    enum err e = turn_prompt(c, question, &ids, why);
    if (e == ERR_OK)
        e = request_to_job(&job, &c->request, c->engine, &fallback, why);
    if (e == ERR_OK) {
        job.prompt = ids.at;
        job.n_prompt = ids.n;
        job.event = on_event;
        job.arg = &c->last;
        c->last_used = job.sampling;
        if (c->colour)
            fputs("\033[36m", stdout);
        e = generate(c->sched, &job, &c->console->progress, &end, why);
        if (c->colour)
            fputs("\033[0m", stdout);
        console_clear(c->console);
    }
    tok_ids_drop(&ids);
    return e;
}

static void take_turn(struct chatting *c, struct slice question)
{
    struct err_info why = { .code = ERR_OK };

    if (answer_turn(c, question, &why) != ERR_OK) {
        interrupt_lower();
        c->failed = true;
        console_error(c->console, &why);
        if (why.code == ERR_LIMIT && c->at_terminal)
            fputs("osmia: nothing was dropped; /reset starts anew\n", stderr);
        return;
    }
    putchar('\n');
    fflush(stdout);
    bool stopped = c->last.reason == JOB_CANCELLED;
    interrupt_lower();
    if (stopped && c->at_terminal)
        fputs("(stopped)\n", stderr);
    if (c->last.reason == JOB_LENGTH)
        notice(&c->console->notices, "the answer was cut off after %zu tokens",
               c->last.usage.n_output);
    /* What was said before Ctrl-C belongs to the conversation; a question that
     * got no word of an answer does not. */
    if (!stopped || c->last.text.len > 0)
        talk_add(&c->talk, question, strbuf_slice(&c->last.text));
}

/* ---- commands ---- */

static void do_help(struct chatting *c, const char *rest);

static void do_reset(struct chatting *c, const char *rest)
{
    (void)rest;
    talk_reset(&c->talk);
    fputs("the conversation starts anew\n", stderr);
}

static void do_system(struct chatting *c, const char *rest)
{
    strbuf_clear(&c->talk.system);
    strbuf_puts(&c->talk.system, rest);
    fputs(*rest ? "system message set\n" : "system message removed\n", stderr);
}

static void report(struct chatting *c, enum err e, const struct err_info *why,
                   const char *done, const char *path)
{
    if (e == ERR_OK)
        fprintf(stderr, "%s %s (%zu turns)\n", done, path, c->talk.n_turns);
    else
        console_error(c->console, why);
}

static void do_save(struct chatting *c, const char *rest)
{
    struct err_info why;

    if (*rest == '\0')
        fputs("usage: /save FILE\n", stderr);
    else
        report(c, talk_save(&c->talk, rest, &why), &why, "saved to", rest);
}

static void do_load(struct chatting *c, const char *rest)
{
    struct err_info why;

    if (*rest == '\0')
        fputs("usage: /load FILE\n", stderr);
    else
        report(c, talk_load(&c->talk, rest, &why), &why, "loaded", rest);
}

static void do_stats(struct chatting *c, const char *rest)
{
    (void)rest;
    if (c->last.done)
        answer_print_stats(&c->last, &c->last_used);
    fprintf(stderr, "%zu turns, %zu of %u positions of context in the last "
            "one\n", c->talk.n_turns,
            c->last.usage.n_prompt + c->last.usage.n_output,
            engine_ctx(c->engine));
}

static void do_quit(struct chatting *c, const char *rest)
{
    (void)rest;
    c->leave = true;
}

static const struct command {
    const char *name, *takes, *does;
    void (*run)(struct chatting *c, const char *rest);
} commands[] = {
    { "/help", "", "this list", do_help },
    { "/reset", "", "forget the conversation", do_reset },
    { "/system", " [TEXT]", "set the system message, or remove it", do_system },
    { "/save", " FILE", "write the messages as JSON", do_save },
    { "/load", " FILE", "go on with saved messages", do_load },
    { "/stats", "", "counts and speeds of the last answer", do_stats },
    { "/quit", "", "leave (also Ctrl-D)", do_quit },
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void do_help(struct chatting *c, const char *rest)
{
    (void)c;
    (void)rest;
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(stderr, "  %s%-*s %s\n", commands[i].name,
                (int)(16 - strlen(commands[i].name)), commands[i].takes,
                commands[i].does);
    fputs("  \"\"\" opens and ends a block of lines; a \\ at its end continues "
          "a line;\n  Ctrl-C stops an answer, Ctrl-D leaves\n", stderr);
}

/* Is the message a command (then it is done), or something for the model? */
static bool take_command(struct chatting *c, const char *message)
{
    size_t len = strcspn(message, " ");

    if (message[0] != '/')
        return false;
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strlen(commands[i].name) == len
            && memcmp(commands[i].name, message, len) == 0) {
            commands[i].run(c, message + len + strspn(message + len, " "));
            return true;
        }
    /* A path or a fraction may begin a question; one bare word is a slip. */
    if (message[len] != '\0' || strchr(message + 1, '/') != NULL)
        return false;
    fprintf(stderr, "there is no command %.40s; /help lists them\n", message);
    return true;
}

/* ---- the loop ---- */

static enum err talk_on(struct chatting *c, struct err_info *why)
{
    struct chat_input *input;
    struct strbuf message = { 0 };
    enum chat_input_kind kind;

    enum err e = chat_input_open(&input, c->at_terminal, why);
    if (e != ERR_OK)
        return e;
    while (!c->leave
           && (kind = chat_input_next(input, &message)) != CHAT_INPUT_END) {
        const char *text = strbuf_cstr(&message);
        if (kind == CHAT_INPUT_INTERRUPTED || text == NULL || *text == '\0')
            continue;
        if (!take_command(c, text))
            take_turn(c, strbuf_slice(&message));
    }
    if (c->at_terminal && !c->leave)
        fputs("\n", stderr);
    strbuf_drop(&message);
    chat_input_close(input);
    return ERR_OK;
}

static enum err start(struct chatting *c, struct err_info *why)
{
    static const struct sched_options plan = { .max_running = 1,
                                               .max_kept = 1 };
    const struct options *o = c->options;

    enum err e = open_engine(&c->engine, c->console, o, ENGINE_RUN, 2, why);
    if (e == ERR_OK)
        e = prompt_usable(c->engine, o, why);
    if (e == ERR_OK)
        e = request_from_options(&c->request, &c->arena, o, why);
    if (e == ERR_OK)
        e = engine_sched(&c->sched, c->engine, &plan, why);
    if (e != ERR_OK)
        return e;
    if (o->system != NULL)
        strbuf_puts(&c->talk.system, o->system);
    if (c->at_terminal && !o->quiet)
        fprintf(stderr, "%s, context of %u tokens; /help lists the commands\n",
                o->model, engine_ctx(c->engine));
    return ERR_OK;
}

static int run_chat(const struct options *o)
{
    struct console console;
    struct err_info why = { .code = ERR_OK };
    struct chatting c = {
        .console = &console, .options = o,
        .at_terminal = isatty(STDIN_FILENO) == 1,
    };
    int status = EXIT_DONE;

    console_open(&console, o);
    interrupt_catch();
    c.colour = c.at_terminal && isatty(STDOUT_FILENO) == 1
            && getenv("NO_COLOR") == NULL;
    enum err e = start(&c, &why);
    if (e == ERR_OK)
        e = talk_on(&c, &why);
    if (e != ERR_OK)
        status = console_error(&console, &why);
    else if (c.failed && !c.at_terminal)
        status = EXIT_FAILED;
    answer_drop(&c.last);
    talk_drop(&c.talk);
    sched_close(c.sched);
    engine_close(c.engine);
    arena_drop(&c.arena);
    return status;
}

static const struct flag flags[] = {
    { .name = "raw", .kind = FLAG_SWITCH, .at = AT(raw),
      .help = "feed each message as it is, without the template" },
    { .name = NULL },
};

static const struct flag_group group = { "Chat", flags };
static const struct flag_group *const groups[] = {
    &group, &flags_prompt, &flags_sampling, &flags_model, &flags_general, NULL,
};

const struct verb verb_chat = {
    .name = "chat",
    .usage = "MODEL",
    .does = "a conversation in the terminal",
    .details = "Ctrl-C stops an answer and keeps the conversation, Ctrl-D "
               "leaves; /help lists the commands. With piped input one line is "
               "one turn.",
    .example = "osmia chat model.gguf --system \"Answer briefly.\"",
    .groups = groups,
    .needs_model = true,
    .run = run_chat,
};
