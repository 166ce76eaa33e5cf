/* GET /v1/ready: where the worker is between loading and idle.  Always 200. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/health.h"
#include "serve/server.h"

static void handle(struct call *c)
{
    struct strbuf body = { 0 };
    bool loading, ready = health_fault(c->server, &loading) == NULL
                       && server_state(c->server) == SERVE_READY;
    const char *state = loading ? "loading" : !ready ? "error"
                      : health_is_busy(c->server) ? "busy" : "idle";

    strbuf_printf(&body, "{\"ready\":%s,\"state\":\"%s\",%s}",
                  ready ? "true" : "false", state,
                  ready ? "\"model_loaded\":true"
                        : "\"progress_url\":\"/v1/loading/progress\"");
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

const struct route route_ready = {
    .method = "GET", .paths = { "/v1/ready" }, .handle = handle,
};
