/* The inference thread, and all that other threads may ask of it.
 *
 * One thread owns the scheduler and whatever lies below it.  Everybody else
 * hands in requests, takes what comes of them out of a bounded queue for each
 * job, and may give a job up at any time.  None of these calls waits for a
 * step.
 *
 *   service_submit --> inbox --> scheduler --> queue of the job --> ticket_take
 *                                    ^                                  |
 *                                    +------ room again, cancelled -----+
 *
 * A job whose queue is full takes no part in steps until it is read again: a
 * slow reader delays nobody else.
 *
 * Thread-safe, but for one thing: a ticket belongs to one thread at a time. */
#ifndef OSMIA_ENGINE_SERVICE_H
#define OSMIA_ENGINE_SERVICE_H

#include "engine/histogram.h"
#include "engine/sched.h"

struct service;
struct ticket;                   /* a job, as seen by who asked for it */

struct service_options {
    struct sched_options sched;
    size_t   max_queue;          /* jobs beyond those that may run */
    size_t   max_unread;         /* pieces that a job may be ahead of its
                                    reader; 0: 64 */
    /* Called from the inference thread when a job has something to take and
     * had nothing before.  Must be quick and must not call the service. */
    void   (*wake)(void *arg);
    void    *arg;
};

/* Start the thread.  The parts outlive the service, and from now on only its
 * thread runs the runner. */
enum err service_open(struct service **out, const struct sched_parts *parts,
                      const struct service_options *o, struct err_info *why);
/* The same over an engine, which nobody else may run from then on. */
struct engine;
enum err engine_service(struct service **out, struct engine *e,
                        const struct service_options *o, struct err_info *why);
/* Every job ends (JOB_CANCELLED), the thread too; waits for it (one layer of a
 * step, at most).  All tickets have been released or are released later: they
 * may outlive the service.  False: the thread has given no sign of life for
 * two seconds.  It is left alone then, and so must be all that it works with:
 * the parts, and the tickets. */
bool     service_close(struct service *s);

/* ---- jobs ---- */

/* Queue a job; the request is copied.  Its `cancel`, `event`, `started` and
 * `arg` are not used.  ERR_FULL: as many jobs as may run and wait are there;
 * ERR_BUSY: service_drain was called; ERR_LIMIT, ERR_REQUEST, ERR_NOMEM: see
 * sched_submit. */
enum err service_submit(struct service *s, const struct job_request *r,
                        struct ticket **out, struct err_info *why);

enum piece_kind {
    PIECE_NONE,       /* nothing yet: wait for `wake` */
    PIECE_STARTED,    /* it has left the queue; comes once, first (not for a job
                         that ended while it waited) */
    PIECE_TOKEN,      /* one token; its text may be empty: some is held back */
    PIECE_END         /* the last; from then on PIECE_END again and again */
};

/* What is in it belongs to the ticket and is valid until the next take. */
struct piece {
    enum piece_kind      kind;
    struct slice         text;       /* TOKEN, END: safe to show: sched.h */
    const struct sample *token;      /* TOKEN */
    size_t               n_output;   /* TOKEN: tokens generated so far, this one
                                        included */
    enum job_reason      reason;     /* END: */
    int                  stop;       /*   index of the stop string, or -1 */
    const struct job_usage *usage;
    const struct err_info  *error;   /*   JOB_ERROR, else NULL */
};

/* The next thing that happened to the job, first in, first out. */
enum piece_kind ticket_take(struct ticket *t, struct piece *piece);
/* The job is to end soon; its last piece says so. */
void            ticket_cancel(struct ticket *t);
/* The job is to end, and nobody will take anything any more.  NULL is fine. */
void            ticket_release(struct ticket *t);

/* No more jobs are taken in (ERR_BUSY); those there go on. */
void            service_drain(struct service *s);
/* Cancel every job there is. */
void            service_cancel_all(struct service *s);

/* ---- looking at it ---- */

struct service_stats {
    struct sched_stats sched;        /* counters, see there */
    size_t   n_running, n_waiting;   /* jobs now */
    size_t   max_running, max_queue;
    size_t   n_blocks;               /* of the cache: all, */
    size_t   n_blocks_jobs;          /*   in use by jobs, */
    size_t   n_blocks_kept;          /*   kept for their prefixes alone */
    uint64_t n_refused;              /* jobs refused with ERR_FULL */
    struct histogram wait_ms;        /* of jobs: submit to admission, */
    struct histogram first_token_ms; /*   submit to the first token, */
    struct histogram between_ms;     /*   one token to the next, */
    struct histogram job_ms;         /*   submit to the end */
    struct histogram step_ms;        /* of steps: how long, */
    struct histogram batch;          /*   how many tokens */
};
void service_stats(struct service *s, struct service_stats *out);

/* Signs of life: the thread gives one at least every half second, and between
 * any two layers of a step.  An old one means that it is stuck or dead. */
struct service_health {
    double   beat_age_ms;
    uint64_t n_failed;               /* steps that failed, one after another,
                                        up to now; 0: all is well */
    struct err_info last_error;      /* of the last step that failed */
};
void service_health(struct service *s, struct service_health *out);

#endif
