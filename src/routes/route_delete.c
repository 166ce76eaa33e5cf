/* DELETE /v1/jobs/{id}: the queen's way to cancel. */
#include "routes/cancel.h"
#include "routes/route_table.h"

static void handle(struct call *c)
{
    cancel_job(c, c->part);
}

const struct route route_delete = {
    .method = "DELETE", .paths = { "/v1/jobs/{}" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .handle = handle,
};
