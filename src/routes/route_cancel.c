/* POST /cancel {"job_id"}: the job ends soon; idempotent. */
#include "routes/cancel.h"
#include "routes/route_table.h"
#include "routes/worker_form.h"

static void handle(struct call *c)
{
    const struct json *id = json_get(c->json, "job_id");
    struct reading r = { 0 };

    if (json_is(id, JSON_STRING)) {
        cancel_job(c, id->string);
        return;
    }
    fault_add(&r, "job_id", "validation_failed", "job_id must be a string");
    worker_refuse_faults(c, &r);
}

const struct route route_cancel = {
    .method = "POST", .paths = { "/cancel", "/v1/cancel" },
    .auth = ROUTE_TOKEN, .when = ROUTE_LOADED, .body = ROUTE_JSON,
    .handle = handle,
};
