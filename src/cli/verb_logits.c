/* logits: the raw output of forward, for comparing engines. */
#include "cli/lines.h"
#include "cli/open.h"
#include "cli/verbs.h"
#include "engine/session.h"

struct logits_line {
    const int32_t *tokens;
    size_t         n;
    uint64_t       from, chunk, top;     /* top 0: whole rows */
};

struct logits_out {
    struct strbuf      *text;
    size_t              n_vocab;
    size_t              n_top;
    struct top_logprob *top;             /* [n_top] */
    bool                any;             /* a row has been written */
};

static enum err read_line(struct logits_line *l, const struct json *in,
                          size_t n_vocab, struct arena *arena,
                          struct err_info *why)
{
    static const char *const known[] = { "tokens", "from", "chunk", "top",
                                         NULL };
    int32_t *ids;

    if (in->kind != JSON_OBJECT)
        return fail(why, ERR_REQUEST, "expected an object with \"tokens\"");
    enum err e = line_known(in, known, why);
    if (e == ERR_OK)
        e = line_ids(&ids, &l->n, json_get(in, "tokens"), n_vocab, arena, why);
    if (e == ERR_OK && l->n == 0)
        e = fail(why, ERR_REQUEST, "\"tokens\" is empty, expected at least "
                 "one id");
    if (e != ERR_OK)
        return e;
    l->tokens = ids;
    l->from = l->n - 1;
    e = line_uint(&l->from, in, "from", l->n - 1, why);
    if (e == ERR_OK)
        e = line_uint(&l->chunk, in, "chunk", 1u << 30, why);
    if (e == ERR_OK)
        e = line_uint(&l->top, in, "top", n_vocab, why);
    return e;
}

static enum err put_row(void *arg, uint32_t pos, const float *logits,
                        struct err_info *why)
{
    struct logits_out *o = arg;
    double base;

    (void)pos;
    strbuf_puts(o->text, o->any ? ", [" : "[");
    o->any = true;
    if (o->n_top == 0) {
        for (size_t i = 0; i < o->n_vocab; i++)
            strbuf_printf(o->text, "%s%.9g", i > 0 ? ", " : "",
                          (double)logits[i]);
    } else {
        enum err e = logprob_base(&base, logits, o->n_vocab, why);
        if (e != ERR_OK)
            return e;
        logprob_top(o->top, o->n_top, logits, o->n_vocab, base);
        for (size_t i = 0; i < o->n_top; i++)
            strbuf_printf(o->text, "%s[%d, %.9g]", i > 0 ? ", " : "",
                          o->top[i].id, (double)o->top[i].logprob);
    }
    strbuf_putc(o->text, ']');
    return o->text->failed ? fail_nomem(why) : ERR_OK;
}

static enum err logits_line(void *arg, const struct json *in,
                            struct arena *arena, struct strbuf *out,
                            struct err_info *why)
{
    struct engine *engine = arg;
    struct logits_line l = { 0 };
    struct logits_out rows = { .text = out,
                               .n_vocab = engine_vocab_size(engine) };
    struct session *session;

    enum err e = read_line(&l, in, rows.n_vocab, arena, why);
    if (e != ERR_OK)
        return e;
    rows.n_top = (size_t)l.top;
    rows.top = arena_take(arena, rows.n_top + 1, sizeof *rows.top);
    if (rows.top == NULL)
        return fail_nomem(why);
    /* A session of its own declares the line's length (RoPE kinds that depend
     * on it) and starts from an empty cache. */
    e = session_open(&session, engine, (uint32_t)l.n, why);
    if (e != ERR_OK)
        return e;
    struct session_run run = {
        .tokens = l.tokens, .n = l.n, .rows_from = (size_t)l.from,
        .chunk = (size_t)l.chunk, .row = put_row, .arg = &rows,
    };
    strbuf_puts(out, "{\"logits\": [");
    e = session_run(session, &run, why);
    strbuf_puts(out, "]}");
    session_close(session);
    return e;
}

static int run_logits(const struct options *o)
{
    struct console c;
    struct engine *e = NULL;
    struct err_info why = { .code = ERR_OK };
    int status;

    console_open(&c, o);
    if (open_engine(&e, &c, o, ENGINE_RUN, 1, &why) != ERR_OK)
        status = console_error(&c, &why);
    else
        status = lines_run(logits_line, e);
    engine_close(e);
    return status;
}

static const struct flag_group *const groups[] = { &flags_model,
                                                   &flags_general, NULL };

const struct verb verb_logits = {
    .name = "logits",
    .usage = "MODEL",
    .does = "the raw output of forward, for comparing engines",
    .details = "A line of stdin is {\"tokens\": [ids], \"from\": 0, \"chunk\": "
               "0, \"top\": K}: ids are fed as they are, the cache reset first; "
               "\"from\" is the first position to report (absent: only the "
               "last), \"chunk\" feeds in pieces of that many tokens, \"top\" "
               "asks for the K best [id, logprob] instead of all logits.",
    .example = "echo '{\"tokens\": [1, 2, 3]}' | osmia logits model.gguf",
    .groups = groups,
    .needs_model = true,
    .run = run_logits,
};
