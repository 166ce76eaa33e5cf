/* GET /v1/loading/progress: how far the loading is, as a stream.
 *
 * One event whenever a look finds something new, so that a slow listener misses
 * some of them but never the last. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/load_stream.h"
#include "serve/server.h"

static void handle(struct call *c)
{
    if (server_state(c->server) == SERVE_LOADING)
        load_stream_open(c);
    else
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL, "Model not loading");
}

const struct route route_progress = {
    .method = "GET", .paths = { "/v1/loading/progress" }, .streams = true,
    .handle = handle,
};
