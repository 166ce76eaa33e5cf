#include "engine/ticket.h"

#include <stdlib.h>
#include <string.h>

/* ---- its life ---- */

enum { TEXT_SIZE = 1024 };       /* most jobs never need more between reads */

static bool open_queue(struct unread_queue *q, size_t max)
{
    q->at = calloc(max, sizeof *q->at);
    return q->at != NULL && strbuf_reserve(&q->text, TEXT_SIZE);
}

/* What was read and written is nobody's business any more. */
static void wipe(struct strbuf *b)
{
    if (b->at != NULL)
        explicit_bzero(b->at, b->cap);
    strbuf_drop(b);
}

static void drop_queue(struct unread_queue *q)
{
    wipe(&q->text);
    free(q->at);
}

static void ticket_free(struct ticket *t)
{
    drop_queue(&t->in);
    drop_queue(&t->out);
    wipe(&t->end_text);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

enum err ticket_open(struct ticket **out, size_t max_unread,
                     struct err_info *why)
{
    struct ticket *t = calloc(1, sizeof *t);
    if (t == NULL)
        return fail_nomem(why);
    pthread_mutex_init(&t->lock, NULL);      /* default ones cannot fail */
    t->max_unread = max_unread;
    t->waiting = true;
    if (!open_queue(&t->in, max_unread) || !open_queue(&t->out, max_unread)) {
        ticket_free(t);
        return fail_nomem(why);
    }
    *out = t;
    return ERR_OK;
}

void ticket_leave(struct ticket *t)
{
    pthread_mutex_lock(&t->lock);
    t->left = true;
    t->service = NULL;
    bool last = t->released;
    pthread_mutex_unlock(&t->lock);
    if (last)
        ticket_free(t);
}

/* The service is poked under the lock: so it is still there. */
static void give_up(struct ticket *t)
{
    atomic_store(&t->cancel, true);
    if (t->service != NULL)
        service_poke(t->service);
}

void ticket_cancel(struct ticket *t)
{
    pthread_mutex_lock(&t->lock);
    give_up(t);
    pthread_mutex_unlock(&t->lock);
}

void ticket_release(struct ticket *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    give_up(t);
    t->released = true;
    bool last = t->left;
    pthread_mutex_unlock(&t->lock);
    if (last)
        ticket_free(t);
}

/* ---- in ---- */

static bool wake_reader(struct ticket *t)
{
    bool wake = t->waiting && !t->released;
    t->waiting = false;
    return wake;
}

bool ticket_put_started(struct ticket *t)
{
    pthread_mutex_lock(&t->lock);
    t->started = true;
    bool wake = wake_reader(t);
    pthread_mutex_unlock(&t->lock);
    return wake;
}

bool ticket_put_token(struct ticket *t, const struct job_event *ev)
{
    pthread_mutex_lock(&t->lock);
    t->in.at[t->in.n++] = (struct unread){
        .text_len = ev->text.len, .n_output = ++t->n_output,
        .token = *ev->token };
    strbuf_put(&t->in.text, ev->text);
    if (t->in.n == t->max_unread)
        atomic_store(&t->full, true);
    if (t->in.text.failed)           /* no memory: its end will say so */
        atomic_store(&t->cancel, true);
    bool wake = wake_reader(t);
    pthread_mutex_unlock(&t->lock);
    return wake;
}

bool ticket_put_end(struct ticket *t, const struct job_event *ev)
{
    pthread_mutex_lock(&t->lock);
    strbuf_put(&t->end_text, ev->text);
    t->usage = *ev->usage;
    t->reason = ev->reason;
    t->stop = ev->stop;
    if (ev->error != NULL)
        t->error = *ev->error;
    if (t->in.text.failed || t->end_text.failed) {
        fail_nomem(&t->error);
        t->reason = JOB_ERROR;
        t->in.n = 0;                 /* texts and lengths no longer agree */
        strbuf_clear(&t->end_text);
    }
    t->over = true;
    bool wake = wake_reader(t);
    pthread_mutex_unlock(&t->lock);
    return wake;
}

/* ---- out ---- */

static void swap(struct ticket *t)
{
    struct unread_queue full = t->in;
    t->in = t->out;
    t->out = full;
    t->in.n = 0;
    strbuf_clear(&t->in.text);
    t->next = t->text_at = 0;
    if (atomic_exchange(&t->full, false) && t->service != NULL)
        service_poke(t->service);
}

/* What there is to be told; fills `out` when that is tokens. */
static enum piece_kind look(struct ticket *t)
{
    enum piece_kind kind = PIECE_NONE;
    pthread_mutex_lock(&t->lock);
    if (t->started && !t->told_started) {
        kind = PIECE_STARTED;
        t->told_started = true;
    } else if (t->in.n > 0) {
        swap(t);
        kind = PIECE_TOKEN;
    } else if (t->over) {
        kind = PIECE_END;
    } else {
        t->waiting = true;
    }
    pthread_mutex_unlock(&t->lock);
    return kind;
}

static void take_token(struct ticket *t, struct piece *piece)
{
    const struct unread *u = &t->out.at[t->next++];
    piece->text = (struct slice){ t->out.text.at + t->text_at, u->text_len };
    piece->token = &u->token;
    piece->n_output = u->n_output;
    t->text_at += u->text_len;
}

enum piece_kind ticket_take(struct ticket *t, struct piece *piece)
{
    bool more = t->next < t->out.n;
    *piece = (struct piece){ .kind = more ? PIECE_TOKEN : look(t), .stop = -1 };
    if (piece->kind == PIECE_TOKEN)
        take_token(t, piece);
    if (piece->kind != PIECE_END)
        return piece->kind;
    piece->text = strbuf_slice(&t->end_text);
    piece->reason = t->reason;
    piece->stop = t->stop;
    piece->usage = &t->usage;
    piece->error = t->reason == JOB_ERROR ? &t->error : NULL;
    return PIECE_END;
}
