#include "engine/job.h"

#include "base/clock.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the request, copied: its owner may forget it after submitting ---- */

static bool copy_stops(struct job *j)
{
    struct slice *stops = arena_zero(&j->arena, j->request.n_stops + 1,
                                     sizeof *stops);
    if (stops == NULL)
        return false;
    for (size_t i = 0; i < j->request.n_stops; i++) {
        stops[i] = arena_copy(&j->arena, j->request.stops[i]);
        if (stops[i].at == NULL)
            return false;
    }
    j->request.stops = stops;
    return true;
}

static bool copy_bias(struct job *j)
{
    struct sampling *s = &j->request.sampling;
    struct logit_bias *bias = arena_zero(&j->arena, s->n_bias + 1,
                                         sizeof *bias);
    if (bias == NULL)
        return false;
    if (s->n_bias > 0)
        memcpy(bias, s->bias, s->n_bias * sizeof *bias);
    s->bias = bias;
    return true;
}

/* All of `limit` at once: decoding never allocates. */
static bool copy_prompt(struct job *j, size_t limit)
{
    j->tokens = calloc(limit, sizeof *j->tokens);
    if (j->tokens == NULL)
        return false;
    memcpy(j->tokens, j->request.prompt,
           j->request.n_prompt * sizeof *j->tokens);
    j->request.prompt = j->tokens;
    j->n_tokens = j->request.n_prompt;
    j->limit = limit;
    return true;
}

enum err job_open(struct job **out, const struct job_request *r, size_t limit,
                  const struct tokenizer *tok, struct err_info *why)
{
    struct job *j = calloc(1, sizeof *j);
    assert(limit > r->n_prompt && r->n_prompt > 0);
    if (j == NULL)
        return fail_nomem(why);
    j->request = *r;
    j->seq = -1;
    j->submitted_ns = clock_ns();
    j->usage.n_prompt = r->n_prompt;
    if (!copy_stops(j) || !copy_bias(j) || !copy_prompt(j, limit)) {
        job_close(j);
        return fail_nomem(why);
    }
    emit_init(&j->emit, tok, &(struct emit_options){
        .stops = j->request.stops, .n_stops = r->n_stops,
        .show_special = r->show_special, .continues = r->continues,
        .shown = j->request.shown, .n_shown = r->n_shown });
    *out = j;
    return ERR_OK;
}

void job_close(struct job *j)
{
    assert(j->seq < 0);
    emit_drop(&j->emit);
    if (j->tokens != NULL)           /* nobody's business any more */
        explicit_bzero(j->tokens, j->n_tokens * sizeof *j->tokens);
    free(j->tokens);
    arena_drop(&j->arena);
    free(j);
}

/* ---- while it runs ---- */

void job_check(const struct job *j)
{
    assert(j->n_tokens >= j->request.n_prompt && j->n_tokens <= j->limit);
    assert(j->ran < j->n_tokens);
    assert((j->state == JOB_WAITING) == (j->seq < 0));
    assert(j->state != JOB_WAITING || (j->ran == 0 && j->grant == 0));
    assert(j->state != JOB_DECODE || job_left(j) == 1);
    assert(j->usage.n_output == j->n_tokens - j->request.n_prompt);
    (void)j;
}

struct prefix job_prefix(const struct job *j)
{
    return (struct prefix){ .tokens = j->tokens, .n = j->n_tokens,
                            .principal = j->request.principal,
                            .regime = j->regime };
}

static double ms_between(int64_t from, int64_t to)
{
    return (double)(to - from) / 1e6;
}

static void note_first_token(struct job *j)
{
    j->first_ns = clock_ns();
    j->usage.wait_ms = ms_between(j->submitted_ns, j->admitted_ns);
    j->usage.prefill_ms = ms_between(j->admitted_ns, j->first_ns);
    j->usage.first_token_ms = ms_between(j->submitted_ns, j->first_ns);
}

/* The end token is no part of the answer: neither counted nor shown, and not in
 * `tokens`, so that the shelf holds what the next turn's prompt begins with. */
bool job_take_token(struct job *j, const struct sample *token, bool is_end,
                    enum job_reason *reason, struct err_info *why)
{
    if (j->first_ns == 0)
        note_first_token(j);
    *reason = JOB_STOP;
    if (is_end && !j->request.ignore_eos)
        return true;
    j->tokens[j->n_tokens++] = token->id;
    j->usage.n_output++;
    *reason = JOB_ERROR;
    if (emit_token(&j->emit, token->id, why) != ERR_OK)
        return true;
    j->request.event(j->request.arg, &(struct job_event){
        .token = token, .text = strbuf_slice(&j->emit.safe) });
    *reason = j->emit.stopped ? JOB_STOP : JOB_LENGTH;
    return j->emit.stopped || j->n_tokens == j->limit;
}

/* Text held back because it might have become a stop string is shown after all,
 * for a cancelled answer, too; half a character becomes U+FFFD.  An error shows
 * nothing more: the text might be its cause. */
void job_finish(struct job *j, enum job_reason reason,
                const struct err_info *error)
{
    struct err_info why;
    struct job_event ev = { .done = true, .reason = reason, .usage = &j->usage,
                            .error = error, .stop = -1 };
    if (reason != JOB_ERROR) {
        if (emit_end(&j->emit, &why) != ERR_OK) {
            ev.reason = JOB_ERROR;
            ev.error = &why;
        }
        ev.text = strbuf_slice(&j->emit.safe);
    }
    if (ev.reason == JOB_STOP && j->emit.stopped)
        ev.stop = (int)j->emit.stops.hit;
    if (j->first_ns != 0)
        j->usage.decode_ms = clock_ms_since(j->first_ns);
    j->request.event(j->request.arg, &ev);
}
