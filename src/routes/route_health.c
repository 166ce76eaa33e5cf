/* GET /health: can this worker serve?  200 says yes; 503 says what is wrong.
 * Orchestrators poll it until the first 2xx, so loading is a 503, too. */
#include "routes/model_facts.h"
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/health.h"
#include "serve/server.h"

static void put_model(struct strbuf *out, const struct engine *e)
{
    struct model_facts f = model_facts(e);

    strbuf_printf(out, ",\"quant_kind\":\"%s\",\"tokenizer_kind\":\"%s\","
                  "\"vocab_size\":%zu,\"context_length\":%u", f.type->name,
                  f.tokenizer, engine_vocab_size(e), engine_ctx(e));
}

/* Somebody who reads text and no JSON. */
static bool wants_text(const struct call *c)
{
    struct slice accept = head_field(c->head, "accept");

    return head_list_has(accept, "text/plain");
}

static void handle(struct call *c)
{
    const struct engine *engine = server_engine(c->server);
    struct strbuf body = { 0 };
    bool loading;
    const char *fault = health_fault(c->server, &loading);

    if (fault == NULL && wants_text(c)) {
        strbuf_puts(&body, "ok");
        call_reply(c, 200, "text/plain", &body);
        strbuf_drop(&body);
        return;
    }
    strbuf_printf(&body, "{\"status\":\"%s\",\"model\":",
                  fault == NULL ? "healthy" : loading ? "loading"
                                                      : "unhealthy");
    json_put_string(&body, slice_of(server_options(c->server)->model_ref));
    if (fault != NULL) {
        strbuf_puts(&body, ",\"message\":");
        json_put_string(&body, slice_of(fault));
        call_header(c, "Retry-After", "1");
    }
    strbuf_printf(&body, ",\"resident\":%s,\"vram_bytes_used\":0,"
                  "\"uptime_seconds\":%.0f",
                  engine != NULL ? "true" : "false",
                  server_uptime_s(c->server));
    if (engine != NULL)
        put_model(&body, engine);
    strbuf_putc(&body, '}');
    call_reply_json(c, fault == NULL ? 200 : 503, &body);
    strbuf_drop(&body);
}

const struct route route_health = {
    .method = "GET", .paths = { "/health" }, .handle = handle,
};
