#include "lib/lib_own.h"

#include <stdlib.h>
#include <string.h>

/* One call of osmia_generate. */
struct call {
    struct osmia_generate request;
    struct slice         *stops;
    atomic_bool           enough;     /* on_text said so */
};

/* After `enough` nothing more is told, not even text that was held back. */
static void pass_on(void *arg, const struct job_event *ev)
{
    struct call *c = arg;
    if (c->request.on_text == NULL || atomic_load(&c->enough)
        || (ev->done && ev->text.len == 0))
        return;
    const char *text = ev->text.len > 0 ? ev->text.at : "";
    if (c->request.on_text(c->request.arg, text, ev->text.len))
        atomic_store(&c->enough, true);
}

static enum err take_request(struct call *c, const struct osmia_generate *given,
                             struct err_info *why)
{
    struct osmia_generate *r = &c->request;
    *r = (struct osmia_generate)OSMIA_GENERATE_INIT;
    memcpy(r, given, given->size < sizeof *r ? given->size : sizeof *r);
    c->stops = calloc(r->n_stops + 1, sizeof *c->stops);
    if (c->stops == NULL)
        return fail_nomem(why);
    for (size_t i = 0; i < r->n_stops; i++)
        c->stops[i] = slice_of(r->stops[i]);
    return ERR_OK;
}

/* One job at a time, but with the scheduler of many: its shelf keeps the last
 * answer's cache for the next prompt that begins like it. */
static enum err answer(struct osmia_model *m, struct call *c,
                       struct generated *end, struct err_info *why)
{
    struct progress progress = lib_progress(m);
    struct job_request job = {
        .prompt = c->request.prompt, .n_prompt = c->request.n_prompt,
        .max_tokens = c->request.max_tokens,
        .sampling = lib_sampling(m, c->request.sampling),
        .stops = c->stops, .n_stops = c->request.n_stops,
        .ignore_eos = c->request.ignore_eos, .cancel = &c->enough,
        .event = pass_on, .arg = c };
    enum err e = ERR_OK;
    if (m->sched == NULL)
        e = engine_sched(&m->sched, m->engine, &(struct sched_options){
            .max_running = 1, .max_kept = 1 }, why);
    if (e == ERR_OK)
        e = generate(m->sched, &job, &progress, end, why);
    if (e == ERR_OK && end->reason == JOB_CANCELLED && !atomic_load(&c->enough))
        e = fail(why, ERR_CANCELLED, "the answer was cancelled");
    return e;
}

static void tell_usage(struct osmia_usage *usage, const struct generated *end)
{
    struct osmia_usage u = {
        .size = usage->size,
        .finish = end->reason == JOB_LENGTH ? OSMIA_FINISH_LENGTH
                                            : OSMIA_FINISH_STOP,
        .n_prompt = end->usage.n_prompt, .n_cached = end->usage.n_cached,
        .n_output = end->usage.n_output,
        .first_token_ms = end->usage.first_token_ms,
        .decode_ms = end->usage.decode_ms };
    memcpy(usage, &u, u.size < sizeof u ? u.size : sizeof u);
}

enum osmia_status osmia_generate(struct osmia_model *model,
                                 const struct osmia_generate *request,
                                 struct osmia_usage *usage,
                                 struct osmia_error *error)
{
    struct err_info why;
    struct call call = { .stops = NULL };
    struct generated end = { .reason = JOB_ERROR };
    enum osmia_status status = lib_enter(model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = take_request(&call, request, &why);
    if (e == ERR_OK)
        e = answer(model, &call, &end, &why);
    free(call.stops);
    lib_leave(model);
    if (usage != NULL)
        tell_usage(usage, &end);
    return lib_error(error, e, &why);
}
