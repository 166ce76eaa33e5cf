#include "serve/identity.h"
#include "base/json.h"
#include "serve/health.h"
#include "osmia.h"

const char *identity_status(const struct server *s)
{
    switch (server_state(s)) {
    case SERVE_LOADING:  return "starting";
    case SERVE_READY:    return health_is_busy(s) ? "busy" : "ready";
    case SERVE_FAILED:
    case SERVE_DRAINING: break;
    }
    return "stopping";
}

void identity_put(struct strbuf *out, const struct server *s,
                  const char *status)
{
    const struct serve_options *o = server_options(s);

    strbuf_puts(out, "{\"id\":");
    json_put_string(out, slice_of(server_worker_id(s)));
    strbuf_puts(out, ",\"model_id\":");
    json_put_string(out, slice_of(o->model_ref));
    strbuf_printf(out, ",\"device\":\"%s:%u\",\"port\":%u,\"status\":\"%s\","
                  "\"implementation\":\"llm-worker-rbee\",\"version\":\"%s\"",
                  o->backend, o->device, server_port(s), status,
                  OSMIA_VERSION);
}
