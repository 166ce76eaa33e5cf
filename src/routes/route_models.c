/* GET /v1/models and /v1/models/{id}: the one model there is. */
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/server.h"

#include <time.h>

/* What programs ask for that choose between models stands in `meta`. */
static void put_model(struct strbuf *out, const struct server *s)
{
    const struct engine *e = server_engine(s);
    long long created = (long long)time(NULL) - (long long)server_uptime_s(s);

    strbuf_puts(out, "{\"id\":");
    json_put_string(out, slice_of(server_options(s)->model_name));
    strbuf_printf(out, ",\"object\":\"model\",\"created\":%lld,"
                  "\"owned_by\":\"osmia\",\"meta\":{\"n_ctx\":%u,"
                  "\"n_ctx_train\":%u,\"n_vocab\":%zu,\"size\":%llu}}", created,
                  (unsigned)engine_ctx(e), (unsigned)engine_model_ctx(e),
                  engine_vocab_size(e),
                  (unsigned long long)engine_weights_size(e));
}

static void handle_list(struct call *c)
{
    struct strbuf body = { 0 };

    strbuf_puts(&body, "{\"object\":\"list\",\"data\":[");
    put_model(&body, c->server);
    strbuf_puts(&body, "]}");
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

static void handle_one(struct call *c)
{
    const struct serve_options *o = server_options(c->server);
    struct strbuf body = { 0 };

    if (!o->any_model && !slice_is(c->part, o->model_name)) {
        call_refuse(c, REFUSE_MODEL_NOT_FOUND, "model", "this model is not "
                    "served here, \"%s\" is", o->model_name);
        return;
    }
    put_model(&body, c->server);
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

const struct route route_models = {
    .method = "GET", .paths = { "/v1/models" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .errors = ROUTE_OPENAI, .handle = handle_list,
};

const struct route route_model = {
    .method = "GET", .paths = { "/v1/models/{..}" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .errors = ROUTE_OPENAI, .handle = handle_one,
};
