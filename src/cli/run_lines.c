/* Lines are admitted as they are read, and the end of input is not awaited: as
 * long as there is work, reading never blocks.
 *
 *   1. Slots form a queue in input order; only its head is printed.
 *   2. At most LINES_SLOTS lines are in the queue, so that memory is bounded
 *      whatever the input's length.
 *   3. A slot whose line was refused holds its error and never had a job. */
#include "cli/run_lines.h"
#include "cli/answer.h"
#include "cli/lines.h"
#include "cli/open.h"
#include "cli/chat_prompt.h"
#include "cli/request.h"
#include "engine/generate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINES_SLOTS = 4 * LINES_SEQS };

struct slot {
    struct answer   answer;
    bool            refused;
    struct err_info why;
};

struct run {
    struct console       *console;
    struct engine        *engine;
    const struct options *options;
    struct sched         *sched;
    double                load_ms;
    struct strbuf         input;     /* read, not yet taken, from `taken` on */
    size_t                taken;
    bool                  ended;     /* stdin has no more */
    bool                  all_right;
    size_t                head, n;   /* the queue in the ring of slots */
    struct slot           slots[LINES_SLOTS];
};

/* ---- input ---- */

/* The next whole line; the last one may lack its newline. */
static bool next_line(struct run *b, struct slice *line)
{
    struct slice all = strbuf_slice(&b->input);
    size_t end = slice_find(all, SLICE("\n"), b->taken);

    if (end == all.len && (!b->ended || b->taken == all.len))
        return false;
    *line = (struct slice){ all.at + b->taken, end - b->taken };
    b->taken = end < all.len ? end + 1 : end;
    return true;
}

/* Read what there is; with `wait`, until there is something. */
static void fill(struct run *b, bool wait)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
    char piece[16384];

    if (b->ended || poll(&p, 1, wait ? -1 : 0) <= 0)
        return;
    ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n < 0 && errno == EINTR)
        return;
    if (b->taken > 0) {     /* forget the lines that were taken */
        b->input.len -= b->taken;
        memmove(b->input.at, b->input.at + b->taken, b->input.len);
        b->taken = 0;
    }
    if (n <= 0)
        b->ended = true;
    else
        strbuf_put(&b->input, (struct slice){ piece, (size_t)n });
    if (b->input.failed)
        b->ended = true;
}

/* ---- one line to a job ---- */

static enum err messages_ids(struct run *b, const struct json *line,
                             const struct json *messages, struct arena *arena,
                             struct tok_ids *ids, struct err_info *why)
{
    struct chat_request r = {
        .messages = messages,
        .tools = json_get(line, "tools"),
        .kwargs = json_get(line, "chat_template_kwargs"),
        .add_generation_prompt = true,
    };
    struct strbuf prompt = { 0 };
    enum err e = ERR_OK;

    if (r.kwargs == NULL)
        e = prompt_kwargs(&r.kwargs, arena, b->options, why);
    if (e == ERR_OK)
        e = chat_render(engine_chat(b->engine), &r, &prompt, why);
    if (e == ERR_OK && prompt.failed)
        e = fail_nomem(why);
    if (e == ERR_OK)
        e = engine_encode_chat(b->engine, strbuf_slice(&prompt), ids, why);
    strbuf_drop(&prompt);
    return e;
}

static enum err line_prompt(struct run *b, const struct json *line,
                            struct arena *arena, struct tok_ids *ids,
                            struct err_info *why)
{
    const struct json *prompt = json_get(line, "prompt");
    const struct json *messages = json_get(line, "messages");
    const struct json *tokens = json_get(line, "tokens");
    size_t n_ids = engine_vocab_size(b->engine);
    int32_t *at;
    size_t n;

    if ((prompt != NULL) + (messages != NULL) + (tokens != NULL) != 1)
        return fail(why, ERR_REQUEST, "expected an object with one of "
                    "\"prompt\", \"messages\" and \"tokens\"");
    if (messages != NULL)
        return messages_ids(b, line, messages, arena, ids, why);
    if (prompt != NULL && prompt->kind != JSON_STRING)
        return fail(why, ERR_REQUEST, "\"prompt\" is %s, expected a string",
                    json_kind_name(prompt->kind));
    if (prompt != NULL)
        return prompt_words_ids(ids, b->engine, b->options, prompt->string,
                                why);
    enum err e = line_ids(&at, &n, tokens, n_ids, arena, why);
    if (e == ERR_OK && n == 0)
        e = fail(why, ERR_REQUEST, "\"tokens\" is empty, expected at least "
                 "one id");
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        if (!tok_ids_push(ids, at[i]))
            e = fail_nomem(why);
    return e;
}

static const char *const known[] = {
    "prompt", "messages", "tokens", "tools", "chat_template_kwargs",
    "max_tokens", "temperature", "top_k", "top_p", "min_p", "seed", "stop",
    "ignore_eos", "logprobs", "repetition_penalty", "frequency_penalty",
    "presence_penalty", "repeat_last_n", NULL,
};

static enum err submit(struct run *b, struct slot *slot,
                       const struct json *line, struct arena *arena,
                       struct err_info *why)
{
    struct sampling fallback = sampling_off();
    struct tok_ids ids = { 0 };
    struct request r;
    struct job_request job;
    uint64_t id;

    fallback.temperature = 0;       /* programs get greedy unless they ask */
    if (line->kind != JSON_OBJECT)
        return fail(why, ERR_REQUEST, "expected an object, not %s",
                    json_kind_name(line->kind));
    enum err e = line_known(line, known, why);
    if (e == ERR_OK)
        e = request_from_options(&r, arena, b->options, why);
    if (e == ERR_OK)
        e = request_from_line(&r, arena, line, why);
    if (e == ERR_OK)
        e = line_prompt(b, line, arena, &ids, why);
    if (e == ERR_OK)
        e = request_to_job(&job, &r, b->engine, &fallback, why);
    if (e == ERR_OK) {
        job.prompt = ids.at;
        job.n_prompt = ids.n;
        job.event = answer_event;
        job.arg = &slot->answer;
        job.continues = json_get(line, "messages") == NULL
                     && prompt_is_raw(b->engine, b->options);
        slot->answer.wants_logprobs = r.logprobs;
        e = sched_submit(b->sched, &job, &id, why);
    }
    tok_ids_drop(&ids);
    return e;
}

static void admit(struct run *b, struct slice text)
{
    struct slot *slot = &b->slots[(b->head + b->n++) % LINES_SLOTS];
    struct arena arena = { 0 };
    struct json *line;

    *slot = (struct slot){ .answer = { .load_ms = b->load_ms } };
    enum err e = json_parse(&line, &arena, text, JSON_DEPTH, &slot->why);
    if (e == ERR_OK)
        e = submit(b, slot, line, &arena, &slot->why);
    slot->refused = e != ERR_OK;
    arena_drop(&arena);
}

/* ---- output ---- */

/* Print the answers at the head of the queue that are complete. */
static bool print_done(struct run *b)
{
    struct strbuf out = { 0 };
    bool written = true;

    while (written && b->n > 0) {
        struct slot *slot = &b->slots[b->head];
        if (!slot->refused && !slot->answer.done)
            break;
        bool failed = slot->refused || slot->answer.reason == JOB_ERROR;
        strbuf_clear(&out);
        if (failed)
            line_put_error(&out, slot->refused ? &slot->why
                                               : &slot->answer.error);
        else
            answer_put_json(&out, &slot->answer);
        written = line_write(&out);
        b->all_right &= written && !failed;
        answer_drop(&slot->answer);
        b->head = (b->head + 1) % LINES_SLOTS;
        b->n--;
    }
    strbuf_drop(&out);
    return written;
}

/* ---- the loop ---- */

static enum err loop(struct run *b, struct err_info *why)
{
    struct slice line;
    bool written = true;
    enum err e = ERR_OK;

    while (e == ERR_OK && written && !interrupt_raised()) {
        while (b->n < LINES_SLOTS && next_line(b, &line))
            admit(b, line);
        written = print_done(b);
        if (b->n > 0)
            e = sched_step(b->sched, &b->console->progress, why);
        else if (b->ended && b->taken == b->input.len)
            break;
        fill(b, b->n == 0);
    }
    return e == ERR_OK && !written ? fail(why, ERR_IO,
                                          "stdout: cannot be written") : e;
}

int run_lines(struct console *c, struct engine *e, const struct options *o,
              double load_ms)
{
    static const struct sched_options plan = {
        .max_running = LINES_SEQS, .max_kept = LINES_KEPT,
    };
    struct err_info why = { .code = ERR_OK };
    struct run *b = calloc(1, sizeof *b);
    int status = EXIT_DONE;

    if (b == NULL) {
        fail_nomem(&why);
        return console_error(c, &why);
    }
    *b = (struct run){ .console = c, .engine = e, .options = o,
                               .load_ms = load_ms, .all_right = true };
    enum err err = engine_sched(&b->sched, e, &plan, &why);
    if (err == ERR_OK)
        err = loop(b, &why);
    if (err != ERR_OK)
        status = console_error(c, &why);
    else if (interrupt_raised())
        status = EXIT_INTERRUPTED;
    else if (!b->all_right)
        status = EXIT_FAILED;
    sched_close(b->sched);
    for (; b->n > 0; b->n--, b->head = (b->head + 1) % LINES_SLOTS)
        answer_drop(&b->slots[b->head].answer);
    strbuf_drop(&b->input);
    free(b);
    return status;
}
