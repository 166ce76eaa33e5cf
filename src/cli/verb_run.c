/* run: one answer, or many lines of them. */
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/run_lines.h"
#include "cli/open.h"
#include "cli/chat_prompt.h"
#include "cli/request.h"
#include "cli/verbs.h"
#include "engine/generate.h"

#include <unistd.h>

#define AT(field) offsetof(struct options, field)

enum { PROMPT_MOST = 256 << 20 };

/* The words, then what a pipe brings after a blank line. */
static enum err gather(struct strbuf *text, const struct options *o,
                       struct err_info *why)
{
    bool piped = o->n_words == 0 || stdin_has_text();

    words_join(text, o);
    if (piped) {
        if (o->n_words > 0)
            strbuf_puts(text, "\n\n");
        size_t before = text->len;
        enum err e = read_stream(text, stdin, PROMPT_MOST, why);
        if (e != ERR_OK)
            return e;
        if (text->len > before && text->at[text->len - 1] == '\n')
            text->len--;
        if (o->n_words > 0 && text->len == before)
            text->len = before - 2;
    }
    return text->failed ? fail_nomem(why) : ERR_OK;
}

static void print_answer(struct console *c, const struct options *o,
                         const struct answer *a, const struct sampling *used)
{
    struct strbuf out = { 0 };

    console_clear(c);
    if (o->json) {
        answer_put_json(&out, a);
        strbuf_putc(&out, '\n');
        if (!out.failed)
            fwrite(out.at, 1, out.len, stdout);
        strbuf_drop(&out);
    } else if (a->last_byte != '\n') {
        putchar('\n');
    }
    fflush(stdout);
    if (o->stats)
        answer_print_stats(a, used);
    if (a->reason == JOB_LENGTH && !o->json)
        notice(&c->notices, "the answer was cut off after %zu tokens "
               "(--max-tokens, or the context is full)", a->usage.n_output);
}

static enum err answer_once(struct console *c, struct engine *e,
                            const struct options *o, struct answer *a,
                            struct err_info *why)
{
    struct arena arena = { 0 };
    struct strbuf text = { 0 };
    struct tok_ids ids = { 0 };
    struct request r;
    struct job_request job;
    struct sched *sched = NULL;
    struct generated end;
    struct sampling fallback = sampling_chat_default();

    enum err err = request_from_options(&r, &arena, o, why);
    if (err == ERR_OK)
        err = gather(&text, o, why);
    /* Raw text may be empty: the model then begins one. */
    if (err == ERR_OK && text.len == 0 && !prompt_is_raw(e, o))
        err = fail(why, ERR_REQUEST, "there is no prompt: give it as words "
                   "behind MODEL, or on stdin");
    if (err == ERR_OK)
        err = prompt_words_ids(&ids, e, o, strbuf_slice(&text), why);
    if (err == ERR_OK)
        err = request_to_job(&job, &r, e, &fallback, why);
    if (err == ERR_OK)
        err = engine_sched(&sched, e, &(struct sched_options){
            .max_running = 1 }, why);
    if (err == ERR_OK) {
        job.prompt = ids.at;
        job.n_prompt = ids.n;
        job.event = answer_event;
        job.arg = a;
        job.continues = prompt_is_raw(e, o);
        err = generate(sched, &job, &c->progress, &end, why);
    }
    if (err == ERR_OK)
        print_answer(c, o, a, &job.sampling);
    sched_close(sched);
    tok_ids_drop(&ids);
    strbuf_drop(&text);
    arena_drop(&arena);
    return err;
}

static int run_once(struct console *c, struct engine *e,
                    const struct options *o, double load_ms)
{
    struct err_info why = { .code = ERR_OK };
    struct answer a = {
        .stream = !o->json,
        .wants_logprobs = o->logprobs.given,
        .load_ms = load_ms,
    };
    int status = EXIT_DONE;

    if (answer_once(c, e, o, &a, &why) != ERR_OK)
        status = console_error(c, &why);
    else if (a.reason == JOB_CANCELLED)
        status = EXIT_INTERRUPTED;
    answer_drop(&a);
    return status;
}

static int run_run(const struct options *o)
{
    struct console c;
    struct engine *e = NULL;
    struct err_info why = { .code = ERR_OK };
    int64_t start = clock_ns();
    int status;

    if (!o->jsonl && o->n_words == 0 && isatty(STDIN_FILENO) == 1)
        return verb_chat.run(o);
    console_open(&c, o);
    interrupt_catch();
    enum err err = open_engine(&e, &c, o, ENGINE_RUN,
                               o->jsonl ? LINES_SEQS + LINES_KEPT : 1, &why);
    if (err == ERR_OK)
        err = prompt_usable(e, o, &why);
    if (err != ERR_OK)
        status = console_error(&c, &why);
    else if (o->jsonl)
        status = run_lines(&c, e, o, clock_ms_since(start));
    else
        status = run_once(&c, e, o, clock_ms_since(start));
    engine_close(e);
    return status;
}

static const struct flag flags[] = {
    { .name = "raw", .kind = FLAG_SWITCH, .at = AT(raw),
      .help = "feed the text as it is, without the chat template" },
    { .name = "json", .kind = FLAG_SWITCH, .at = AT(json),
      .help = "print one JSON object at the end instead of the text" },
    { .name = "jsonl", .kind = FLAG_SWITCH, .at = AT(jsonl),
      .help = "JSON lines: one request a line in, one object a line out" },
    { .name = "stats", .kind = FLAG_SWITCH, .at = AT(stats),
      .help = "end with a line of counts and speeds on stderr" },
    { .name = "logprobs", .kind = FLAG_UINT, .at = AT(logprobs), .value = "N",
      .least = 0, .most = SAMPLING_TOP_MAX,
      .help = "with --json: log-probabilities, N alternatives" },
    { .name = NULL },
};

static const struct flag_group group = { "Answer", flags };
static const struct flag_group *const groups[] = {
    &group, &flags_prompt, &flags_sampling, &flags_model, &flags_general, NULL,
};

const struct verb verb_run = {
    .name = "run",
    .usage = "MODEL [PROMPT...]",
    .does = "answer once",
    .details = "Text from a pipe follows PROMPT after a blank line; without "
               "PROMPT it is the prompt; without both it is chat. With --jsonl "
               "a line is {\"prompt\": ...}, {\"messages\": [...]} or "
               "{\"tokens\": [...]} with any of max_tokens, temperature, top_k, "
               "top_p, min_p, seed, stop, ignore_eos, logprobs; lines are "
               "computed together and answered in order.",
    .example = "cat notes.txt | osmia run model.gguf \"Summarise this\"",
    .groups = groups,
    .needs_model = true,
    .most_words = MANY_WORDS,
    .run = run_run,
};
