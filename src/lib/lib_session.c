/* Sequences of the C API: the model's own (osmia_forward) and sessions, both
 * of them engine sessions behind the one-call-at-a-time lock of the model. */
#include "lib/lib_own.h"

#include <stdlib.h>
#include <string.h>

/* ---- sampling ---- */

struct osmia_sampling osmia_sampling_defaults(const struct osmia_model *model)
{
    struct sampling fallback = sampling_chat_default();
    struct sampling_given asked = { .given = 0 };
    struct sampling s = engine_sampling_for(model->engine, &asked, &fallback);
    return (struct osmia_sampling){
        .size = sizeof(struct osmia_sampling),
        .temperature = s.temperature, .top_k = s.top_k, .top_p = s.top_p,
        .min_p = s.min_p, .repetition_penalty = s.repetition_penalty,
        .frequency_penalty = s.frequency_penalty,
        .presence_penalty = s.presence_penalty,
        .repeat_last_n = s.repeat_last_n };
}

struct sampling lib_sampling(const struct osmia_model *m,
                             const struct osmia_sampling *given)
{
    struct osmia_sampling s = osmia_sampling_defaults(m);
    struct sampling out = sampling_off();
    if (given != NULL)
        memcpy(&s, given, given->size < sizeof s ? given->size : sizeof s);
    out.temperature = s.temperature;
    out.top_k = s.top_k;
    out.top_p = s.top_p;
    out.min_p = s.min_p;
    out.repetition_penalty = s.repetition_penalty;
    out.frequency_penalty = s.frequency_penalty;
    out.presence_penalty = s.presence_penalty;
    out.repeat_last_n = s.repeat_last_n;
    out.seed = s.seed;
    return out;
}

/* ---- the model's own sequence ---- */

/* Everything is checked before the cache is cut back to `position`: a call
 * that is refused leaves it alone. */
static enum err run_at(struct osmia_model *m, const struct session_run *r,
                       size_t position, struct err_info *why)
{
    size_t held;
    enum err e = ERR_OK;
    if (m->own == NULL)
        e = session_open(&m->own, m->engine, 0, why);
    if (e != ERR_OK)
        return e;
    session_tokens(m->own, &held);
    if (position > held)
        return fail(why, ERR_REQUEST, "position %zu was asked for, the cache "
                    "holds %zu tokens", position, held);
    if (r->n > engine_ctx(m->engine) - position)
        return fail(why, ERR_LIMIT, "%zu tokens at position %zu do not fit "
                    "into a context of %u", r->n, position,
                    (unsigned)engine_ctx(m->engine));
    session_truncate(m->own, position);
    e = session_run(m->own, r, why);
    session_tokens(m->own, &held);
    atomic_store(&m->position, held);
    return e;
}

enum osmia_status osmia_forward(struct osmia_model *model,
                                const int32_t *tokens, size_t n,
                                size_t position, float *logits,
                                struct osmia_error *error)
{
    struct err_info why;
    struct progress progress = lib_progress(model);
    struct session_run r = { .tokens = tokens, .n = n, .progress = &progress,
                             .rows_from = logits != NULL && n > 0 ? n - 1 : n };
    enum osmia_status status = lib_enter(model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = run_at(model, &r, position, &why);
    if (e == ERR_OK && logits != NULL)
        memcpy(logits, session_logits(model->own),
               engine_vocab_size(model->engine) * sizeof *logits);
    lib_leave(model);
    return lib_error(error, e, &why);
}

size_t osmia_position(const struct osmia_model *model)
{
    return atomic_load(&model->position);
}

enum osmia_status osmia_reset_cache(struct osmia_model *model,
                                    struct osmia_error *error)
{
    enum osmia_status status = lib_enter(model, error);
    if (status != OSMIA_OK)
        return status;
    if (model->own != NULL)
        session_truncate(model->own, 0);
    if (model->sched != NULL)
        sched_forget(model->sched);
    atomic_store(&model->position, 0);
    lib_leave(model);
    return OSMIA_OK;
}

/* ---- sessions ---- */

/* The engine has spare sequences for its own purposes; the caller gets as many
 * as were asked for. */
static enum err count_session(struct osmia_model *m, struct err_info *why)
{
    if (m->n_sessions >= m->max_sessions)
        return fail(why, ERR_FULL, "%zu sessions are open, no more were asked "
                    "for when the model was loaded (n_sessions)",
                    m->n_sessions);
    m->n_sessions++;
    return ERR_OK;
}

/* Give a new session to the outside; it owns one of the n_sessions. */
static enum err hand_out(struct osmia_session **out, struct osmia_model *m,
                         const struct session *from, size_t n,
                         struct err_info *why)
{
    struct osmia_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return fail_nomem(why);
    enum err e = count_session(m, why);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    e = from == NULL ? session_open(&s->session, m->engine, 0, why)
                     : session_fork(&s->session, from, n, why);
    if (e != ERR_OK) {
        m->n_sessions--;
        free(s);
        return e;
    }
    s->model = m;
    *out = s;
    return ERR_OK;
}

enum osmia_status osmia_session_open(struct osmia_session **out,
                                     struct osmia_model *model,
                                     struct osmia_error *error)
{
    struct err_info why;
    enum osmia_status status = lib_enter(model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = hand_out(out, model, NULL, 0, &why);
    lib_leave(model);
    return lib_error(error, e, &why);
}

static enum osmia_status too_many(size_t n, struct osmia_error *error)
{
    struct err_info why;
    return lib_error(error, fail(&why, ERR_REQUEST, "the session does not hold "
                                 "%zu tokens", n), &why);
}

enum osmia_status osmia_session_fork(struct osmia_session **out,
                                     const struct osmia_session *session,
                                     size_t n, struct osmia_error *error)
{
    struct err_info why;
    size_t held;
    enum osmia_status status = lib_enter(session->model, error);
    if (status != OSMIA_OK)
        return status;
    session_tokens(session->session, &held);
    if (n > held) {
        lib_leave(session->model);
        return too_many(n, error);
    }
    enum err e = hand_out(out, session->model, session->session, n, &why);
    lib_leave(session->model);
    return lib_error(error, e, &why);
}

/* Closing gives blocks back to the cache, which a call on another session may
 * be using: the contract in osmia.h forbids that, and `busy` would show it. */
void osmia_session_close(struct osmia_session *session)
{
    if (session == NULL)
        return;
    session_close(session->session);
    session->model->n_sessions--;
    free(session);
}

const int32_t *osmia_session_tokens(const struct osmia_session *session,
                                    size_t *n)
{
    return session_tokens(session->session, n);
}

const float *osmia_session_logits(const struct osmia_session *session)
{
    return session_logits(session->session);
}

enum osmia_status osmia_session_append(struct osmia_session *session,
                                       const int32_t *tokens, size_t n,
                                       struct osmia_error *error)
{
    struct err_info why;
    struct progress progress = lib_progress(session->model);
    struct session_run r = { .tokens = tokens, .n = n, .progress = &progress,
                             .rows_from = n > 0 ? n - 1 : 0 };
    enum osmia_status status = lib_enter(session->model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = session_run(session->session, &r, &why);
    lib_leave(session->model);
    return lib_error(error, e, &why);
}

enum osmia_status osmia_session_set(struct osmia_session *session,
                                    const int32_t *tokens, size_t n,
                                    size_t *n_reused, struct osmia_error *error)
{
    struct err_info why;
    struct progress progress = lib_progress(session->model);
    struct session_run r = { .tokens = tokens, .n = n, .progress = &progress,
                             .rows_from = n > 0 ? n - 1 : 0 };
    enum osmia_status status = lib_enter(session->model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = session_feed(session->session, &r, n_reused, &why);
    lib_leave(session->model);
    return lib_error(error, e, &why);
}

enum osmia_status osmia_session_sample(struct osmia_session *session,
                                       const struct osmia_sampling *sampling,
                                       size_t n_prompt, int32_t *token,
                                       struct osmia_error *error)
{
    struct err_info why;
    struct sample sample;
    struct sampling p = lib_sampling(session->model, sampling);
    enum osmia_status status = lib_enter(session->model, error);
    if (status != OSMIA_OK)
        return status;
    enum err e = session_sample(session->session, &p, n_prompt, &sample, &why);
    lib_leave(session->model);
    if (e == ERR_OK)
        *token = sample.id;
    return lib_error(error, e, &why);
}

enum osmia_status osmia_session_truncate(struct osmia_session *session,
                                         size_t n, struct osmia_error *error)
{
    size_t held;
    enum osmia_status status = lib_enter(session->model, error);
    if (status != OSMIA_OK)
        return status;
    session_tokens(session->session, &held);
    if (n <= held)
        session_truncate(session->session, n);
    lib_leave(session->model);
    return n <= held ? OSMIA_OK : too_many(n, error);
}
