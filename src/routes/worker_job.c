/* From a form to a job.  The prompt is tokenized off the loop, since it may be
 * long; the context is looked at on the loop, afterwards, because only then the
 * number of tokens is known and the refusal can name it. */
#include "routes/worker_job.h"

#include "serve/server.h"
#include <stdio.h>
#include <sys/random.h>

enum { COMPAT_SEED = 42 };

static void drop_job(void *arg)
{
    struct worker_job *job = arg;

    tok_ids_drop(&job->ids);
}

/* Off the loop.  The prompt is raw text, but special tokens written in it are
 * tokens: orchestrators render templates themselves. */
static void encode(struct call *c, void *arg)
{
    struct worker_job *job = arg;

    job->result = engine_encode_chat(server_engine(c->server),
                                     job->form.prompt, &job->ids, &job->why);
}

/* ERR_REQUEST: it does not fit into the context, and may not be cut. */
static bool fits(struct call *c, struct worker_job *job)
{
    struct reading r = { 0 };
    char constraint[48];
    size_t ctx = engine_ctx(server_engine(c->server));
    size_t room = ctx > job->ids.n ? ctx - job->ids.n : 0;
    uint32_t *wanted = &job->form.max_tokens;

    if (job->ids.n == 0) {
        fault_add(&r, "prompt", "non_empty", "prompt has no token");
    } else if (room == 0 || (*wanted > room && !job->form.truncate)) {
        snprintf(constraint, sizeof constraint, "context_length(%zu)", ctx);
        fault_add(&r, "prompt", constraint, "prompt has %zu tokens; with "
                  "%u to generate they do not fit into a context of %zu",
                  job->ids.n, *wanted, ctx);
    } else {
        if (*wanted > room)
            *wanted = (uint32_t)room;
        return true;
    }
    worker_refuse_faults(c, &r);
    return false;
}

static uint64_t seed_of(const struct call *c, const struct worker_form *form)
{
    uint64_t seed = 0;

    if (form->seed.given)
        return form->seed.value;
    if (form->is_operation && server_options(c->server)->compat_seed)
        return COMPAT_SEED;
    /* Eight bytes always come whole; 0 would be a seed like others. */
    return getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed ? seed : 0;
}

static void on_encoded(struct call *c, void *arg)
{
    struct worker_job *job = arg;
    struct worker_form *form = &job->form;

    if (job->result != ERR_OK) {
        call_refuse_why(c, "prompt", &job->why);
        return;
    }
    if (!fits(c, job))
        return;
    job->request = (struct job_request){
        .prompt = job->ids.at, .n_prompt = job->ids.n,
        .max_tokens = form->max_tokens, .sampling = sampling_off(),
        .stops = form->stop.at, .n_stops = form->stop.n, .continues = true,
        .principal = c->principal,
    };
    sampling_override(&job->request.sampling, &form->asked);
    job->request.sampling.seed = seed_of(c, form);
    job->next(c, job);
}

void worker_job_prepare(struct call *c, const struct worker_rules *rules,
                        void (*next)(struct call *c, struct worker_job *job))
{
    struct worker_job *job = arena_zero(&c->arena, 1, sizeof *job);

    if (job == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    job->next = next;
    c->cleanup = drop_job;
    c->cleanup_arg = job;
    if (worker_form_read(&job->form, c, rules))
        call_work(c, encode, on_encoded, job);
}

void worker_job_refuse(struct call *c, const struct err_info *why)
{
    struct reading r = { 0 };

    if (why->code == ERR_BUSY) {
        call_refuse(c, REFUSE_WORKER_UNHEALTHY, NULL,
                    "the worker is shutting down");
    } else if (why->code == ERR_LIMIT || why->code == ERR_REQUEST) {
        fault_add(&r, "prompt", "validation_failed", "%s", why->text);
        worker_refuse_faults(c, &r);
    } else {
        call_refuse_why(c, NULL, why);
    }
}
