/* GET /: a few lines for whoever looks with a browser. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/server.h"
#include "osmia.h"

static void handle(struct call *c)
{
    const struct serve_options *o = server_options(c->server);
    struct strbuf body = { 0 };

    strbuf_printf(&body, "Osmia %s serves %s.\n\n"
                  "  POST /v1/chat/completions, /v1/completions   "
                  "as OpenAI's clients send them\n"
                  "  GET  /v1/models, /health, /metrics\n", OSMIA_VERSION,
                  o->model_name);
    call_reply(c, 200, "text/plain; charset=utf-8", &body);
    strbuf_drop(&body);
}

const struct route route_root = {
    .method = "GET", .paths = { "/" }, .handle = handle,
};
