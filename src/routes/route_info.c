/* GET /info: the worker as heartbeats describe it. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/identity.h"
#include "serve/sandbox.h"

static void handle(struct call *c)
{
    struct strbuf body = { 0 };

    identity_put(&body, c->server, identity_status(c->server));
    strbuf_printf(&body, ",\"sandbox\":\"%s\"}",
                  sandbox_name(server_options(c->server)->sandbox));
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

const struct route route_info = {
    .method = "GET", .paths = { "/info" }, .auth = ROUTE_TOKEN,
    .handle = handle,
};
