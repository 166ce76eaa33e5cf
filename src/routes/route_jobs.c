/* POST /v1/jobs, /v1/inference: make a job, say where it can be streamed. */
#include "routes/route_table.h"
#include "routes/worker_job.h"
#include "serve/records.h"
#include "serve/server.h"

/* The stop strings live in the call; the stream, in another call, names them. */
static bool copy_stops(struct record *r, const struct texts *stops)
{
    struct slice *copy = arena_zero(&r->arena, stops->n + 1, sizeof *copy);

    if (copy == NULL)
        return false;
    for (size_t i = 0; i < stops->n; i++) {
        copy[i] = arena_copy(&r->arena, stops->at[i]);
        if (copy[i].at == NULL)
            return false;
    }
    r->stops = copy;
    r->n_stops = stops->n;
    return true;
}

static enum err start(struct record *r, struct call *c,
                      const struct worker_job *job, struct err_info *why)
{
    if (!copy_stops(r, &job->form.stop))
        return fail_nomem(why);
    enum err e = run_open(&r->run, c->server, &job->request, why);
    if (e == ERR_OK)
        run_keep(r->run, r);
    return e;
}

static void queue(struct call *c, struct worker_job *job)
{
    struct records *all = server_records(c->server);
    struct record *r = record_open(all, c->principal);
    struct strbuf body = { 0 };
    struct err_info why;

    enum err e = r != NULL ? start(r, c, job, &why) : fail_nomem(&why);
    if (e != ERR_OK) {
        if (r != NULL)
            record_close(all, r);
        worker_job_refuse(c, &why);
        return;
    }
    strbuf_printf(&body, "{\"job_id\":\"%s\",\"sse_url\":\"/v1/jobs/%s/stream\""
                  "}", r->id, r->id);
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

static void handle(struct call *c)
{
    static const struct worker_rules rules = { .temperature = 1 };

    worker_job_prepare(c, &rules, queue);
}

const struct route route_jobs = {
    .method = "POST", .paths = { "/v1/jobs", "/v1/inference" },
    .auth = ROUTE_TOKEN, .when = ROUTE_WORK, .body = ROUTE_JSON,
    .handle = handle,
};
