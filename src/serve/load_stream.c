#include "serve/load_stream.h"
#include "serve/server_own.h"

static void put(struct call *c, struct strbuf *event)
{
    call_stream_data(c, event);
    strbuf_drop(event);
}

static void put_layers(struct call *c, uint64_t loaded)
{
    struct strbuf event = { 0 };
    uint64_t total = atomic_load(&c->server->loader.n_total);

    strbuf_printf(&event, "{\"stage\":\"loading_to_vram\",\"layers_loaded\":%u,"
                  "\"layers_total\":%u,\"vram_mb\":0}", (unsigned)loaded,
                  (unsigned)total);
    put(c, &event);
    c->told = loaded + 1;
}

static void put_end(struct call *c)
{
    struct strbuf event = { 0 };

    if (c->server->state == SERVE_READY) {
        strbuf_puts(&event, "{\"stage\":\"ready\"}");
    } else {
        strbuf_puts(&event, "{\"stage\":\"failed\",\"message\":");
        json_put_string(&event, slice_of(c->server->state == SERVE_FAILED
            ? c->server->failure.text : "the worker is shutting down"));
        strbuf_putc(&event, '}');
    }
    put(c, &event);
    call_stream_end(c);
}

void load_stream_open(struct call *c)
{
    call_stream_open(c);
    put_layers(c, atomic_load(&c->server->loader.n_done));
}

void load_stream_tick(struct call *c)
{
    uint64_t loaded = atomic_load(&c->server->loader.n_done);

    if (c->over)
        return;
    if (loaded + 1 != c->told)
        put_layers(c, loaded);
    if (c->server->state != SERVE_LOADING)
        put_end(c);
}
