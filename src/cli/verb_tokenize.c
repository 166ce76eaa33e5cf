/* tokenize and detokenize: text to ids and back. */
#include "base/limits.h"
#include "cli/lines.h"
#include "cli/open.h"
#include "cli/verbs.h"

#include <errno.h>
#include <stdlib.h>

#define AT(field) offsetof(struct options, field)

enum { TEXT_MOST = 1 << 30 };

/* ---- tokenize ---- */

static enum err text_of(struct slice *text, unsigned *flags,
                        const struct json *in, struct err_info *why)
{
    static const char *const known[] = { "text", "add_special",
                                         "parse_special", NULL };
    bool add, parse;

    *flags = TOK_ADD_SPECIAL | TOK_PARSE_SPECIAL;
    if (in->kind == JSON_STRING) {
        *text = in->string;
        return ERR_OK;
    }
    const struct json *member = json_get(in, "text");
    if (!json_is(member, JSON_STRING))
        return fail(why, ERR_REQUEST,
                    "expected a string or an object with a string \"text\"");
    *text = member->string;
    enum err e = line_known(in, known, why);
    if (e == ERR_OK)
        e = line_bool(&add, in, "add_special", true, why);
    if (e == ERR_OK)
        e = line_bool(&parse, in, "parse_special", true, why);
    if (e == ERR_OK)
        *flags = (add ? TOK_ADD_SPECIAL : 0) | (parse ? TOK_PARSE_SPECIAL : 0);
    return e;
}

static void put_ids(struct strbuf *out, const struct tok_ids *ids,
                    const char *between)
{
    for (size_t i = 0; i < ids->n; i++)
        strbuf_printf(out, "%s%d", i > 0 ? between : "", ids->at[i]);
}

static enum err tokenize_line(void *arg, const struct json *in,
                              struct arena *arena, struct strbuf *out,
                              struct err_info *why)
{
    const struct tokenizer *tok = arg;
    struct tok_ids ids = { 0 };
    struct slice text;
    unsigned flags;

    (void)arena;
    enum err e = text_of(&text, &flags, in, why);
    if (e == ERR_OK)
        e = tok_encode(tok, text, flags, &ids, why);
    if (e == ERR_OK) {
        strbuf_putc(out, '[');
        put_ids(out, &ids, ", ");
        strbuf_putc(out, ']');
    }
    tok_ids_drop(&ids);
    return e;
}

static void put_pieces(struct strbuf *out, const struct tokenizer *tok,
                       const int32_t *ids, size_t n)
{
    struct strbuf piece = { 0 };

    for (size_t i = 0; i < n; i++) {
        strbuf_clear(&piece);
        tok_piece(tok, ids[i], &piece);
        strbuf_printf(out, "%d\t", ids[i]);
        strbuf_put_visible(out, strbuf_slice(&piece));
        strbuf_putc(out, '\n');
    }
    out->failed |= piece.failed;
    strbuf_drop(&piece);
}

static enum err print(const struct strbuf *out, struct err_info *why)
{
    if (out->failed)
        return fail_nomem(why);
    fwrite(out->at, 1, out->len, stdout);
    return ERR_OK;
}

static enum err tokenize_text(const struct tokenizer *tok,
                              const struct options *o, struct err_info *why)
{
    struct strbuf text = { 0 }, out = { 0 };
    struct tok_ids ids = { 0 };
    enum err e = ERR_OK;

    if (o->n_words > 0)
        words_join(&text, o);
    else
        e = read_stream(&text, stdin, TEXT_MOST, why);
    if (e == ERR_OK && text.failed)
        e = fail_nomem(why);
    if (e == ERR_OK)
        e = tok_encode(tok, strbuf_slice(&text),
                       TOK_ADD_SPECIAL | TOK_PARSE_SPECIAL, &ids, why);
    if (e == ERR_OK) {
        if (o->pieces) {
            put_pieces(&out, tok, ids.at, ids.n);
        } else {
            put_ids(&out, &ids, " ");
            strbuf_putc(&out, '\n');
        }
        e = print(&out, why);
    }
    strbuf_drop(&text);
    strbuf_drop(&out);
    tok_ids_drop(&ids);
    return e;
}

/* ---- detokenize ---- */

static enum err detokenize_line(void *arg, const struct json *in,
                                struct arena *arena, struct strbuf *out,
                                struct err_info *why)
{
    static const char *const known[] = { "tokens", "skip_special", NULL };
    const struct tokenizer *tok = arg;
    struct strbuf text = { 0 };
    bool skip = false;
    int32_t *ids;
    size_t n;
    enum err e = ERR_OK;

    if (in->kind == JSON_OBJECT) {
        e = line_known(in, known, why);
        if (e == ERR_OK)
            e = line_bool(&skip, in, "skip_special", false, why);
        in = json_get(in, "tokens");
    }
    if (e == ERR_OK)
        e = line_ids(&ids, &n, in, tok_size(tok), arena, why);
    if (e == ERR_OK)
        e = tok_decode(tok, ids, n, skip ? TOK_SKIP_SPECIAL : 0, &text, why);
    if (e == ERR_OK)
        json_put_string(out, strbuf_slice(&text));
    if (text.failed)
        e = fail_nomem(why);
    strbuf_drop(&text);
    return e;
}

/* Ids in words, apart by blanks or commas, with brackets or without. */
static enum err parse_ids(struct tok_ids *ids, const char *text, size_t n_ids,
                          struct err_info *why)
{
    static const char apart[] = " \t\r\n,[]";

    for (text += strspn(text, apart); *text != '\0';
         text += strspn(text, apart)) {
        char *end;
        errno = 0;
        long long id = strtoll(text, &end, 10);
        if (end == text || errno != 0 || id < 0
            || (unsigned long long)id >= n_ids
            || (*end != '\0' && strchr(apart, *end) == NULL))
            return fail(why, ERR_REQUEST, "\"%.*s\" is no token id, expected "
                        "0 to %zu", (int)strcspn(text, apart), text, n_ids - 1);
        if (!tok_ids_push(ids, (int32_t)id))
            return fail_nomem(why);
        text = end;
    }
    return ERR_OK;
}

static enum err detokenize_ids(const struct tokenizer *tok,
                               const struct options *o, struct err_info *why)
{
    struct strbuf text = { 0 }, out = { 0 };
    struct tok_ids ids = { 0 };
    enum err e = ERR_OK;

    if (o->n_words > 0)
        words_join(&text, o);
    else
        e = read_stream(&text, stdin, TEXT_MOST, why);
    const char *words = strbuf_cstr(&text);
    if (e == ERR_OK && words == NULL)
        e = fail_nomem(why);
    if (e == ERR_OK)
        e = parse_ids(&ids, words, tok_size(tok), why);
    if (e == ERR_OK && o->pieces)
        put_pieces(&out, tok, ids.at, ids.n);
    if (e == ERR_OK && !o->pieces) {
        e = tok_decode(tok, ids.at, ids.n, 0, &out, why);
        strbuf_putc(&out, '\n');
    }
    if (e == ERR_OK)
        e = print(&out, why);
    strbuf_drop(&text);
    strbuf_drop(&out);
    tok_ids_drop(&ids);
    return e;
}

/* ---- both ---- */

typedef enum err convert(const struct tokenizer *tok, const struct options *o,
                         struct err_info *why);

static int run_tokens(const struct options *o, line_answer *line, convert *once)
{
    struct console c;
    struct engine *e = NULL;
    struct err_info why = { .code = ERR_OK };
    int status;

    console_open(&c, o);
    if (open_engine(&e, &c, o, ENGINE_TEXT, 1, &why) != ERR_OK) {
        status = console_error(&c, &why);
    } else if (o->jsonl) {
        /* The tokenizer is immutable; `line` takes it as const again. */
        status = lines_run(line, (void *)(uintptr_t)engine_tokenizer(e));
    } else {
        interrupt_catch();
        status = once(engine_tokenizer(e), o, &why) == ERR_OK
               ? EXIT_DONE : console_error(&c, &why);
    }
    engine_close(e);
    return status;
}

static int run_tokenize(const struct options *o)
{
    return run_tokens(o, tokenize_line, tokenize_text);
}

static int run_detokenize(const struct options *o)
{
    return run_tokens(o, detokenize_line, detokenize_ids);
}

static const struct flag flags[] = {
    { .name = "jsonl", .kind = FLAG_SWITCH, .at = AT(jsonl),
      .help = "JSON lines: one request a line in, one answer a line out" },
    { .name = "pieces", .kind = FLAG_SWITCH, .at = AT(pieces),
      .help = "one line per token: id, tab, piece" },
    { .name = NULL },
};

static const struct flag_group group = { "Tokens", flags };
static const struct flag_group *const groups[] = { &group, &flags_general,
                                                   NULL };

const struct verb verb_tokenize = {
    .name = "tokenize",
    .usage = "MODEL [TEXT]",
    .does = "ids of a text",
    .details = "Without TEXT, all of stdin is the text. Special tokens written "
               "in it become their ids; BOS and EOS are added as the tokenizer "
               "does by itself. Needs no weights. With --jsonl a line is a "
               "JSON string, or {\"text\": ..., \"add_special\": true, "
               "\"parse_special\": true}; the answer is an array of ids.",
    .example = "osmia tokenize model.gguf --pieces \"Hello, bee\"",
    .groups = groups,
    .needs_model = true,
    .most_words = MANY_WORDS,
    .run = run_tokenize,
};

const struct verb verb_detokenize = {
    .name = "detokenize",
    .usage = "MODEL [IDS...]",
    .does = "text of ids",
    .details = "Without IDS they are read from stdin. Needs no weights. With "
               "--jsonl a line is an array of ids, or {\"tokens\": [...], "
               "\"skip_special\": false}; the answer is a JSON string.",
    .example = "osmia detokenize model.gguf 19556 28 33344",
    .groups = groups,
    .needs_model = true,
    .most_words = MANY_WORDS,
    .run = run_detokenize,
};
