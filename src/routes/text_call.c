/* What /tokenize, /detokenize and /apply-template have in common: read the
 * body, compute off the loop, answer.  What differs is data (struct
 * text_route). */
#include "routes/text_call.h"

struct text_work {
    const struct text_route *route;
    struct reading           reading;
    struct strbuf            reply;
    enum err                 code;
    struct err_info          why;
};

static void drop(void *arg)
{
    struct text_work *w = arg;
    if (w->reply.at != NULL)
        explicit_bzero(w->reply.at, w->reply.cap);
    strbuf_drop(&w->reply);
}

static void work(struct call *c, void *arg)
{
    struct text_work *w = arg;
    const struct text_route *r = w->route;
    w->code = fields_read(&w->reading, r->tables, r->n_tables, c->json,
                          &w->why);
    if (w->code == ERR_OK)
        w->code = r->make(&w->reply, server_engine(c->server), w->reading.form,
                          &c->arena, &w->why);
    if (w->code == ERR_OK && w->reply.failed)
        w->code = fail_nomem(&w->why);
}

static void done(struct call *c, void *arg)
{
    struct text_work *w = arg;
    const struct reading *r = &w->reading;
    if (r->ignored[0] != '\0')
        call_header(c, "x-ignored-fields", r->ignored);
    if (w->code != ERR_OK)
        call_refuse_why(c, r->n_faults > 0 ? r->fault[0].field : NULL, &w->why);
    else
        call_reply_json(c, 200, &w->reply);
}

void text_call(struct call *c, const struct text_route *route)
{
    struct text_work *w = arena_zero(&c->arena, 1, sizeof *w);
    void *form = arena_zero(&c->arena, 1, route->form_size);
    if (w == NULL || form == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    if (route->defaults != NULL)
        memcpy(form, route->defaults, route->form_size);
    w->route = route;
    w->reading.form = form;
    w->reading.arena = &c->arena;
    w->reading.n_ids = engine_vocab_size(server_engine(c->server));
    c->cleanup = drop;
    c->cleanup_arg = w;
    call_work(c, work, done, w);
}
