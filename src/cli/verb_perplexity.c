/* perplexity: how well a model predicts a text.
 *
 * The text is cut into windows of --ctx tokens; each starts from an empty cache
 * (with BOS where the tokenizer adds one), and only the second half of a window
 * counts, so that every counted token has at least half a window before it.
 * This is the usual convention, so figures compare with other programs'. */
#include "base/file.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/verbs.h"
#include "engine/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WINDOW_DEFAULT = 512, WINDOW_LEAST = 8 };

struct tally {
    const int32_t *tokens;      /* of the window */
    size_t         n;
    size_t         n_vocab;
    double         sum, sum_squares;    /* of the negative log-probabilities */
    size_t         n_counted;
};

static enum err count_row(void *arg, uint32_t pos, const float *logits,
                          struct err_info *why)
{
    struct tally *t = arg;
    double base;

    if ((size_t)pos + 1 >= t->n)
        return ERR_OK;
    enum err e = logprob_base(&base, logits, t->n_vocab, why);
    if (e != ERR_OK)
        return e;
    double loss = base - (double)logits[t->tokens[pos + 1]];
    t->sum += loss;
    t->sum_squares += loss * loss;
    t->n_counted++;
    return ERR_OK;
}

static double tally_ppl(const struct tally *t)
{
    return exp(t->sum / (double)t->n_counted);
}

/* Half-width of the 68 % interval of the perplexity. */
static double tally_error(const struct tally *t)
{
    double n = (double)t->n_counted, mean = t->sum / n;
    double variance = t->sum_squares / n - mean * mean;

    return variance > 0 ? sqrt(variance / n) * exp(mean) : 0;
}

struct ppl_run {
    struct console *console;
    struct engine  *engine;
    const struct tok_ids *ids;
    size_t          window;
    int32_t         bos;        /* -1: none is added */
    int32_t        *tokens;     /* [window] */
};

static enum err run_window(struct ppl_run *r, size_t at, struct tally *t,
                           struct err_info *why)
{
    struct session *session;
    size_t n = 0;

    enum err e = session_open(&session, r->engine, (uint32_t)r->window, why);
    if (e != ERR_OK)
        return e;
    for (; n < r->window; n++)
        r->tokens[n] = r->ids->at[at + n];
    if (r->bos >= 0)
        r->tokens[0] = r->bos;
    t->tokens = r->tokens;
    t->n = n;
    struct session_run run = {
        .tokens = r->tokens, .n = n, .rows_from = n / 2 - 1,
        .row = count_row, .arg = t, .progress = &r->console->progress,
    };
    e = session_run(session, &run, why);
    session_close(session);
    return e;
}

static enum err run_windows(struct ppl_run *r, struct err_info *why)
{
    struct tally t = { .n_vocab = engine_vocab_size(r->engine) };
    size_t n_windows = r->ids->n / r->window;

    for (size_t i = 0; i < n_windows; i++) {
        enum err e = run_window(r, i * r->window, &t, why);
        if (e != ERR_OK)
            return e;
        if (r->console->talks) {
            console_clear(r->console);
            fprintf(stderr, r->console->is_terminal
                    ? "\r\033[Kwindow %zu / %zu: perplexity %.4f"
                    : "window %zu / %zu: perplexity %.4f\n",
                    i + 1, n_windows, tally_ppl(&t));
            r->console->line_drawn = r->console->is_terminal;
        }
    }
    console_clear(r->console);
    printf("perplexity %.4f +- %.4f (%zu tokens counted, %zu windows of %zu)\n",
           tally_ppl(&t), tally_error(&t), t.n_counted, n_windows, r->window);
    return ERR_OK;
}

static enum err measure(struct console *c, struct engine *e,
                        const struct options *o, struct err_info *why)
{
    const struct tokenizer *tok = engine_tokenizer(e);
    struct tok_ids ids = { 0 };
    struct file f;
    struct ppl_run r = {
        .console = c, .engine = e, .ids = &ids,
        .window = o->ctx.given ? (size_t)o->ctx.value : WINDOW_DEFAULT,
        .bos = tok_adds_bos(tok) ? tok_role_id(tok, TOK_ROLE_BOS) : -1,
    };

    if (r.window > engine_ctx(e))
        r.window = engine_ctx(e);
    enum err err = file_open(&f, o->words[0], why);
    if (err != ERR_OK)
        return err;
    err = tok_encode(tok, file_slice(&f), 0, &ids, why);
    if (err == ERR_OK && ids.n < r.window)
        err = fail(why, ERR_REQUEST, "%s: %zu tokens are less than one window "
                   "of %zu; give a longer text or a smaller --ctx",
                   o->words[0], ids.n, r.window);
    r.tokens = calloc(r.window, sizeof *r.tokens);
    if (err == ERR_OK && r.tokens == NULL)
        err = fail_nomem(why);
    if (err == ERR_OK)
        err = run_windows(&r, why);
    free(r.tokens);
    tok_ids_drop(&ids);
    file_close(&f);
    return err;
}

static enum err check_perplexity(const struct options *o, struct err_info *why)
{
    if (o->n_words != 1)
        return fail(why, ERR_REQUEST, "perplexity needs one FILE with a text");
    if (o->ctx.given && o->ctx.value < WINDOW_LEAST)
        return fail(why, ERR_REQUEST, "--ctx is too small for a window, "
                    "expected at least %d", WINDOW_LEAST);
    return ERR_OK;
}

static int run_perplexity(const struct options *o)
{
    struct console c;
    struct engine *e = NULL;
    struct err_info why = { .code = ERR_OK };

    console_open(&c, o);
    interrupt_catch();
    enum err err = open_engine(&e, &c, o, ENGINE_RUN, 1, &why);
    if (err == ERR_OK)
        err = measure(&c, e, o, &why);
    engine_close(e);
    return err == ERR_OK ? EXIT_DONE : console_error(&c, &why);
}

static const struct flag_group *const groups[] = { &flags_model,
                                                   &flags_general, NULL };

const struct verb verb_perplexity = {
    .name = "perplexity",
    .usage = "MODEL FILE",
    .does = "perplexity of a text, in windows of --ctx tokens (512)",
    .details = "Each window starts from an empty cache; its second half "
               "counts. Lower is better; compare only the same text and "
               "window.",
    .example = "osmia perplexity model.gguf book.txt --ctx 1024",
    .groups = groups,
    .needs_model = true,
    .most_words = 1,
    .check = check_perplexity,
    .run = run_perplexity,
};
