/* POST /v1/infer: the whole answer at once, or with "stream": true as events. */
#include "routes/route_table.h"
#include "routes/worker_job.h"
#include "routes/worker_stream.h"
#include "base/clock.h"

/* An answer being gathered; its text is dropped with the call. */
struct gathering {
    struct worker_job *job;
    struct strbuf      text;
};

static void drop(void *arg)
{
    struct gathering *g = arg;

    strbuf_drop(&g->text);
    tok_ids_drop(&g->job->ids);
}

static void refuse(struct call *c, const struct piece *end)
{
    if (end->reason == JOB_TIMEOUT)
        call_refuse(c, REFUSE_INFERENCE_TIMEOUT, NULL,
                    "the inference took longer than is allowed");
    else if (end->reason == JOB_CANCELLED)
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL,
                    "the worker is shutting down");
    else
        call_refuse(c, REFUSE_INTERNAL, NULL, "%s: %s",
                    worker_error_code(end), end->error->text);
}

static void on_piece(struct call *c, void *arg, const struct piece *piece)
{
    struct gathering *g = arg;
    struct strbuf body = { 0 };

    if (piece->kind == PIECE_TOKEN || piece->kind == PIECE_END)
        strbuf_put(&g->text, piece->text);
    if (piece->kind != PIECE_END)
        return;
    if (piece->reason != JOB_STOP && piece->reason != JOB_LENGTH) {
        refuse(c, piece);
        return;
    }
    strbuf_puts(&body, "{\"text\":");
    json_put_string(&body, strbuf_slice(&g->text));
    strbuf_printf(&body, ",\"tokens_generated\":%zu,\"duration_ms\":%.0f}",
                  piece->usage->n_output, clock_ms_since(c->started_ns));
    body.failed |= g->text.failed;
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

static void gather(struct call *c, struct worker_job *job)
{
    struct gathering *g = arena_zero(&c->arena, 1, sizeof *g);
    struct err_info why;

    if (job->form.stream) {
        execute_job(c, job);
        return;
    }
    if (g == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    g->job = job;
    c->cleanup = drop;
    c->cleanup_arg = g;
    if (call_run(c, &job->request, on_piece, g, &why) != ERR_OK)
        worker_job_refuse(c, &why);
}

static void handle(struct call *c)
{
    static const struct worker_rules rules = { .max_tokens = 256,
                                               .temperature = 0.7f };

    worker_job_prepare(c, &rules, gather);
}

const struct route route_infer = {
    .method = "POST", .paths = { "/v1/infer" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_WORK, .body = ROUTE_JSON, .handle = handle,
};
