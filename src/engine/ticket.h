/* A job between its two sides, from the service's inside.
 *
 * The inference thread appends to `in`; the reader takes from `out`, and when
 * that is used up the two change places.  So the lock is held for a copy of one
 * piece or for a swap, never for longer.
 *
 *   1. `in` holds at most max_unread tokens: with them `full` is set and the
 *      job gets no step until the reader has swapped.
 *   2. After `over` nothing is appended.
 *   3. Memory goes with the last of the two who know it: `released` by the
 *      reader, `left` by the inference thread.
 *
 * Thread: as each field says. */
#ifndef OSMIA_ENGINE_TICKET_H
#define OSMIA_ENGINE_TICKET_H

#include "engine/service.h"
#include <pthread.h>

/* A token that waits to be read. */
struct unread {
    size_t        text_len;
    size_t        n_output;
    struct sample token;
};

struct unread_queue {
    struct unread *at;               /* [max_unread] */
    size_t         n;
    struct strbuf  text;             /* of all of them, joined */
};

struct ticket {
    pthread_mutex_t     lock;

    /* under the lock */
    struct service     *service;     /* NULL once the job has left it */
    struct unread_queue in;
    bool                started, over, released, left;
    bool                waiting;     /* the reader found nothing: wake it */

    /* anybody's */
    atomic_bool         cancel, full;

    /* written before `over`, then the reader's */
    struct job_usage    usage;
    struct err_info     error;
    struct strbuf       end_text;
    enum job_reason     reason;
    int                 stop;

    /* the reader's */
    struct unread_queue out;
    size_t              next, text_at;    /* in `out`: what comes next */
    bool                told_started;

    /* the inference thread's */
    struct ticket      *sibling;     /* in the service's lists */
    struct job         *prepared;    /* until it is added */
    uint64_t            id;
    size_t              n_output, max_unread;
    bool                held, ended;
    int64_t             submitted_ns, last_ns;
};

enum err ticket_open(struct ticket **out, size_t max_unread,
                     struct err_info *why);
/* The inference thread has done with it. */
void     ticket_leave(struct ticket *t);

/* ---- from the inference thread; true: the reader is to be woken ---- */

bool ticket_put_started(struct ticket *t);
bool ticket_put_token(struct ticket *t, const struct job_event *ev);
bool ticket_put_end(struct ticket *t, const struct job_event *ev);

/* ---- service.c ---- */

/* Something has changed that the inference thread must look at. */
void service_poke(struct service *s);

#endif
