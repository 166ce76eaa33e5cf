/* From a body of the worker's forms to a job for the engine: read, checked,
 * tokenized (off the loop), measured against the context. */
#ifndef OSMIA_ROUTES_WORKER_JOB_H
#define OSMIA_ROUTES_WORKER_JOB_H

#include "engine/sched.h"
#include "routes/worker_form.h"
#include "text/tokenizer.h"

struct worker_job {
    struct worker_form form;
    struct tok_ids     ids;          /* dropped with the call */
    struct job_request request;      /* ready to be queued */
    enum err           result;       /* of the tokenizer */
    struct err_info    why;
    void             (*next)(struct call *c, struct worker_job *job);
};

/* Call `next` with the job when it is ready, unless the call is refused or its
 * client goes before.  The call's cleanup is taken. */
void worker_job_prepare(struct call *c, const struct worker_rules *rules,
                        void (*next)(struct call *c, struct worker_job *job));

/* Queue it and stream its events into this call (route_execute.c). */
void execute_job(struct call *c, struct worker_job *job);

/* Refuse a job that could not be queued. */
void worker_job_refuse(struct call *c, const struct err_info *why);

#endif
