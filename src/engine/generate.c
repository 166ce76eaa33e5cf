#include "engine/generate.h"

#include <assert.h>

/* Between the job and its client: remembers how it ended. */
struct listener {
    const struct job_request *client;
    struct generated          end;
    struct err_info           error;
    bool                      done;
};

static void listen(void *arg, const struct job_event *ev)
{
    struct listener *l = arg;
    if (ev->done) {
        l->done = true;
        l->end = (struct generated){ ev->reason, *ev->usage };
        if (ev->error != NULL)
            l->error = *ev->error;
    }
    l->client->event(l->client->arg, ev);
}

/* Cancelling goes through the job, so that its client gets a last event with
 * what there is, as with any other ending. */
enum err generate(struct sched *s, const struct job_request *r,
                  const struct progress *progress, struct generated *out,
                  struct err_info *why)
{
    struct listener listener = { .client = r };
    struct job_request heard = *r;
    uint64_t id;
    heard.event = listen;
    heard.arg = &listener;
    enum err e = sched_submit(s, &heard, &id, why);
    if (e != ERR_OK)
        return e;
    while (!listener.done && e == ERR_OK)
        e = sched_step(s, progress, why);
    if (!listener.done)
        sched_cancel(s, id);
    assert(listener.done);
    *out = listener.end;
    if (e != ERR_OK && e != ERR_CANCELLED)
        return e;
    if (out->reason != JOB_ERROR)
        return ERR_OK;
    if (why != NULL)
        *why = listener.error;
    return listener.error.code;
}
