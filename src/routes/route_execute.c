/* POST /execute: a job and its stream in one call. */
#include "routes/route_table.h"
#include "routes/worker_job.h"
#include "routes/worker_stream.h"
#include "serve/stamp.h"

#include <stdio.h>

static const char *name_job(struct call *c)
{
    char uuid[UUID_SIZE], id[4 + UUID_SIZE];

    stamp_uuid(uuid);
    snprintf(id, sizeof id, "job-%s", uuid);
    return arena_copy(&c->arena, slice_of(id)).at;
}

void execute_job(struct call *c, struct worker_job *job)
{
    const char *id = name_job(c);
    struct worker_stream *w = arena_zero(&c->arena, 1, sizeof *w);
    struct err_info why;

    if (id == NULL || w == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    if (call_run(c, &job->request, worker_stream_piece, w, &why) != ERR_OK) {
        worker_job_refuse(c, &why);
        return;
    }
    *w = (struct worker_stream){ .job_id = id, .stops = job->form.stop.at,
                                 .n_stops = job->form.stop.n };
    call_stream_open(c);
}

static void handle(struct call *c)
{
    static const struct worker_rules rules = { .max_tokens = 256,
                                               .temperature = 1 };

    worker_job_prepare(c, &rules, execute_job);
}

const struct route route_execute = {
    .method = "POST", .paths = { "/execute" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_WORK, .body = ROUTE_JSON, .handle = handle,
};
