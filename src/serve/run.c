/* Jobs and those who listen to them.
 *
 * Pieces are pulled, never pushed.  The engine wakes the loop when a job has
 * something; the loop asks each call's runs for as much as the client's socket
 * takes, and no more.  So what a slow client has not read yet waits in one
 * place (the ticket's queue), is bounded there, and holds up nothing but its
 * own job.
 *
 * What ends a run early is decided here as well: a model file that changed, an
 * engine that is lost.  Routes see an ordinary last piece with an error. */
#include "serve/run.h"
#include "base/clock.h"
#include "base/mapguard.h"
#include "serve/conn.h"
#include "serve/records.h"
#include "serve/server_own.h"

#include <stdlib.h>

struct run {
    struct run    *next;             /* of the same call */
    struct server *server;
    struct ticket *ticket;
    struct call   *call;             /* NULL: nobody listens */
    struct record *record;           /* NULL: none */
    run_piece     *fn;
    void          *arg;
    bool           started, has_token, ended;
};

enum err run_open(struct run **out, struct server *s,
                  const struct job_request *r, struct err_info *why)
{
    struct job_request request = *r;
    size_t most = s->opt.max_tokens_in;
    struct run *run = calloc(1, sizeof *run);

    if (run == NULL)
        return fail_nomem(why);
    run->server = s;
    request.deadline_ns = clock_ns() + (int64_t)s->opt.timeout_s * 1000000000;
    enum err e = ERR_OK;
    if (s->service == NULL)
        e = fail(why, ERR_BUSY, "there is no model");
    else if (most > 0 && r->n_prompt > most)
        e = fail(why, ERR_LIMIT, "the prompt has %zu tokens, at most %zu are "
                 "allowed", r->n_prompt, most);
    else
        e = service_submit(s->service, &request, &run->ticket, why);
    if (e != ERR_OK) {
        free(run);
        return e;
    }
    if (++s->n_runs > s->most_runs)
        s->most_runs = s->n_runs;
    *out = run;
    return ERR_OK;
}

void run_attach(struct run *r, struct call *c, run_piece *fn, void *arg)
{
    struct run **last = &c->runs;

    while (*last != NULL)
        last = &(*last)->next;
    *last = r;
    r->call = c;
    r->fn = fn;
    r->arg = arg;
}

enum err call_run(struct call *c, const struct job_request *r, run_piece *fn,
                  void *arg, struct err_info *why)
{
    struct job_request request = *r;
    struct run *run;

    request.principal = c->principal;
    enum err e = run_open(&run, c->server, &request, why);
    if (e == ERR_OK)
        run_attach(run, c, fn, arg);
    return e;
}

void run_keep(struct run *r, struct record *record)
{
    r->record = record;
}

void run_cancel(struct run *r)
{
    ticket_cancel(r->ticket);
}

static enum run_phase phase_of(const struct run *r)
{
    return !r->started ? RUN_QUEUED : !r->has_token ? RUN_PREFILL : RUN_DECODE;
}

static void detach(struct run *r)
{
    struct run **link = &r->call->runs;

    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
}

void run_close(struct run *r)
{
    if (r == NULL)
        return;
    if (!r->ended)
        metrics_count_end(&r->server->metrics, JOB_CANCELLED, phase_of(r));
    if (r->call != NULL)
        detach(r);
    if (r->record != NULL)
        record_run_over(r->record);
    ticket_release(r->ticket);
    r->server->n_runs--;
    free(r);
}

static void note(struct run *r, const struct piece *piece)
{
    if (piece->kind == PIECE_END) {
        r->ended = true;
        metrics_count_end(&r->server->metrics, piece->reason, phase_of(r));
        if (piece->reason == JOB_ERROR)
            r->server->n_failed_row++;
        else if (piece->reason != JOB_CANCELLED)
            r->server->n_failed_row = 0;
    }
    r->started |= piece->kind != PIECE_NONE;
    r->has_token |= piece->kind == PIECE_TOKEN;
}

/* The run ends here and now, whatever its job does. */
static void give_up(const struct run *r, struct piece *piece,
                    struct err_info *error)
{
    static const struct job_usage nothing = { 0 };

    ticket_cancel(r->ticket);
    *piece = (struct piece){ .kind = PIECE_END, .reason = JOB_ERROR,
                             .stop = -1, .usage = &nothing, .error = error };
}

/* The next piece; PIECE_NONE: there is none yet.  What comes out of a model
 * whose file changed meanwhile is not passed on, and from an engine that is
 * lost nothing will ever come: both end the run with an error. */
static enum piece_kind take(const struct run *r, struct piece *piece,
                            struct err_info *error)
{
    enum piece_kind kind = ticket_take(r->ticket, piece);

    if (r->server->model_changed || mapguard_broken()) {
        if (kind == PIECE_NONE || kind == PIECE_STARTED)
            return kind;
        fail(error, ERR_IO, "the model's file has changed on disk");
    } else if (r->server->engine_lost && kind == PIECE_NONE) {
        fail(error, ERR_BUSY, "the engine has stopped working");
    } else {
        return kind;
    }
    give_up(r, piece, error);
    return PIECE_END;
}

bool call_pump(struct call *c, size_t most)
{
    struct run *next;

    for (struct run *r = c->runs; r != NULL && !c->over; r = next) {
        next = r->next;
        while (!r->ended && !c->over) {
            struct err_info error;
            struct piece piece;
            if (conn_backlog(c->conn) > most)
                return true;
            if (take(r, &piece, &error) == PIECE_NONE)
                break;
            note(r, &piece);
            r->fn(c, r->arg, &piece);
        }
    }
    return false;
}
