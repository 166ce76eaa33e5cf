/* GET /v1/jobs/{id}/stream: the events of a job, once. */
#include "routes/route_table.h"
#include "routes/worker_stream.h"
#include "serve/records.h"
#include "serve/server.h"

static void handle(struct call *c)
{
    struct record *r = record_find(server_records(c->server), c->part,
                                   c->principal);

    if (r == NULL) {
        call_refuse(c, REFUSE_JOB_NOT_FOUND, NULL, "there is no such job");
        return;
    }
    if (r->state == RECORD_EXPIRED) {
        call_refuse(c, REFUSE_JOB_EXPIRED, NULL,
                    "the job ended long ago; its results are gone");
        return;
    }
    if (r->state == RECORD_TAKEN) {
        call_refuse(c, REFUSE_STREAM_ALREADY_TAKEN, NULL,
                    "the job has been streamed already");
        return;
    }
    record_take(server_records(c->server), r);
    /* The record may expire while its last words are still being sent. */
    struct slice id = arena_copy(&c->arena, slice_of(r->id));
    struct worker_stream *w = id.at == NULL ? NULL
        : worker_stream_open(c, id.at, r->stops, r->n_stops);
    if (w == NULL)
        return;
    if (r->run != NULL)
        run_attach(r->run, c, worker_stream_piece, w);
    else
        worker_stream_cancelled(c, w);
}

const struct route route_stream = {
    .method = "GET",
    .paths = { "/v1/jobs/{}/stream", "/v1/inference/{}/stream" },
    .auth = ROUTE_TOKEN, .when = ROUTE_LOADED, .streams = true, .handle = handle,
};
