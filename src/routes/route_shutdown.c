/* POST /shutdown: stop once what runs is done, in thirty seconds at most. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/server.h"

enum { SHUTDOWN_S = 30 };

static void handle(struct call *c)
{
    struct strbuf body = { 0 };

    if (!server_drain(c->server, SHUTDOWN_S)) {
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL,
                    "the worker is shutting down already");
        return;
    }
    strbuf_printf(&body, "{\"status\":\"shutting_down\","
                  "\"timeout_seconds\":%d}", SHUTDOWN_S);
    call_reply_json(c, 202, &body);
    strbuf_drop(&body);
}

const struct route route_shutdown = {
    .method = "POST", .paths = { "/shutdown", "/v1/shutdown" },
    .auth = ROUTE_TOKEN, .handle = handle,
};
