/* GET /metrics: numbers for Prometheus. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/metrics.h"

static void handle(struct call *c)
{
    struct strbuf body = { 0 };

    metrics_put(&body, c->server);
    call_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    strbuf_drop(&body);
}

const struct route route_metrics = {
    .method = "GET", .paths = { "/metrics" }, .auth = ROUTE_TOKEN,
    .handle = handle,
};
