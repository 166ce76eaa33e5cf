/* Who runs what in a step: admission, shared prefixes, room, grants. */
#include "engine/sched_own.h"

#include "base/clock.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A copy of fewer tokens costs more than it saves. */
enum { SHARE_MIN = 8 };

static const struct runner *runner_of(const struct sched *s)
{
    return s->parts.runner;
}

/* ---- room ---- */

/* Its tokens stay, its cache goes.  The whole of it: keeping a part would save
 * little and could hold the very blocks that are needed. */
static void pause(struct sched *s, struct job *j)
{
    if (j->seq >= 0)
        runner_of(s)->ops->seq_close(runner_of(s)->arg, j->seq);
    j->seq = -1;
    j->ran = j->grant = 0;
    j->begun = false;
    j->state = JOB_WAITING;
    s->n_running--;
    s->stats.n_paused++;
}

/* The youngest running job whose reader is slow, but not number `but`; or
 * NULL. */
static struct job *slow_job(const struct sched *s, uint64_t but)
{
    struct job *slow = NULL;
    for (struct job *i = s->jobs; i != NULL; i = i->next)
        if (i->state != JOB_WAITING && i->held && i->id != but)
            slow = i;
    return slow;
}

/* Whom to pause so that `j` gets room: the youngest whose reader is slow, else
 * the youngest, which may be j itself. */
static struct job *victim_for(const struct sched *s, const struct job *j)
{
    struct job *youngest = NULL, *slow = slow_job(s, j->id);
    for (struct job *i = s->jobs; i != NULL; i = i->next)
        if (i->state != JOB_WAITING)
            youngest = i;
    return slow != NULL ? slow : youngest;
}

/* Room for n more tokens of j.  False: j was paused, or has ended because even
 * alone it finds no room (n_positions was promised, so only a runner that does
 * not keep its word comes here). */
static bool make_room(struct sched *s, struct job *j, size_t n)
{
    struct err_info why;
    for (;;) {
        enum err e = runner_of(s)->ops->reserve(runner_of(s)->arg, j->seq, n,
                                                &why);
        if (e == ERR_OK)
            return true;
        if (e == ERR_FULL && shelf_shrink(&s->shelf, n))
            continue;
        struct job *victim = victim_for(s, j);
        if (e != ERR_FULL || (victim == j && s->n_running == 1)) {
            sched_end(s, j, JOB_ERROR, &why);
            return false;
        }
        pause(s, victim);
        if (victim == j)
            return false;
    }
}

/* ---- admission ---- */

/* Positions that running prompts will still take. */
static size_t pledged(const struct sched *s)
{
    size_t n = 0;
    for (const struct job *j = s->jobs; j != NULL; j = j->next)
        if (j->state == JOB_PREFILL)
            n += job_left(j);
    return n;
}

/* Is there room for the whole of j, and a block to grow into for everybody?
 * Finished sequences give way; the one that j can begin with is the one used
 * last, so it goes last, too, and only then has to be looked at again. */
static bool has_room(struct sched *s, const struct job *j)
{
    struct prefix p = job_prefix(j);
    size_t common;
    shelf_find(&s->shelf, &p, &common);
    for (;;) {
        size_t room = runner_of(s)->ops->room(runner_of(s)->arg);
        if (s->shelf.n <= 1)
            shelf_find(&s->shelf, &p, &common);
        size_t need = j->n_tokens - common + pledged(s)
                      + (s->n_running + 1) * runner_of(s)->block;
        if (room >= need)
            return true;
        if (shelf_shrink(&s->shelf, need - room))
            continue;
        struct job *slow = slow_job(s, j->id);
        if (slow == NULL)
            return s->n_running == 0;
        pause(s, slow);
    }
}

/* A slow reader must not keep others from being admitted for ever: its job
 * makes place.  What it has run goes to the shelf, so that going on costs next
 * to nothing as long as there is room. */
static bool make_place(struct sched *s)
{
    struct job *slow = slow_job(s, 0);
    if (slow == NULL)
        return false;
    struct prefix p = job_prefix(slow);
    int32_t *copy = malloc(slow->n_tokens * sizeof *copy);
    if (copy != NULL && slow->ran > 0) {
        memcpy(copy, slow->tokens, slow->ran * sizeof *copy);
        p.tokens = copy;
        p.n = slow->ran;
        shelf_put(&s->shelf, (struct shelf_entry){ .own = copy, .prefix = p,
                                                   .seq = slow->seq });
        slow->seq = -1;
    } else {
        free(copy);
    }
    pause(s, slow);
    return true;
}

/* A sequence for j; finished ones give theirs. */
static int open_seq(struct sched *s, const struct job *j)
{
    int seq;
    do
        seq = runner_of(s)->ops->seq_open(runner_of(s)->arg,
                                          (uint32_t)j->limit);
    while (seq < 0 && shelf_drop_oldest(&s->shelf));
    return seq;
}

static bool admit(struct sched *s, struct job *j)
{
    if (s->n_running >= s->options.max_running && !make_place(s))
        return false;
    if (!has_room(s, j) || (j->seq = open_seq(s, j)) < 0)
        return false;
    j->state = JOB_PREFILL;
    s->n_running++;
    if (j->admitted_ns == 0) {
        j->admitted_ns = clock_ns();
        if (j->request.started != NULL)
            j->request.started(j->request.arg);
    }
    return true;
}

/* First come, first served: nobody overtakes one that does not fit yet, or a
 * long prompt would wait for ever behind short ones. */
static void admit_waiting(struct sched *s)
{
    for (struct job *j = s->jobs; j != NULL; j = j->next)
        if (j->state == JOB_WAITING && !j->held && !admit(s, j))
            return;
}

/* ---- shared prefixes ---- */

struct donor {
    int    seq;
    size_t common;       /* tokens it can give now */
    bool   more_soon;    /* a running prompt will hold more of them */
};

static struct donor find_donor(struct sched *s, const struct job *j)
{
    struct prefix mine = job_prefix(j);
    struct donor d = { .seq = -1 };
    size_t soon = 0;
    mine.n--;                        /* its last token must run: for logits */
    struct shelf_entry *kept = shelf_find(&s->shelf, &mine, &d.common);
    if (kept != NULL)
        d.seq = kept->seq;
    for (struct job *i = s->jobs; i != NULL; i = i->next) {
        struct prefix theirs = job_prefix(i);
        size_t common;
        if (i->state == JOB_WAITING || i == j)
            continue;
        common = prefix_common(&theirs, &mine);
        if (common > soon && i->state == JOB_PREFILL && !i->held
            && i->id < j->id)
            soon = common;
        if (common > i->ran)
            common = i->ran;
        if (common > d.common && prefix_kept(runner_of(s), i->seq, common)) {
            d.common = common;
            d.seq = i->seq;
        }
    }
    d.more_soon = soon >= d.common + SHARE_MIN;
    return d;
}

static bool fork_from(struct sched *s, struct job *j, int seq, size_t n)
{
    struct err_info why;
    if (n < SHARE_MIN || !prefix_kept(runner_of(s), seq, n)
        || runner_of(s)->ops->fork(runner_of(s)->arg, seq, j->seq, (uint32_t)n,
                                   &why) != ERR_OK)
        return false;
    j->ran = n;
    return true;
}

/* Begin with what others have run.  False: better wait, an older job is just
 * running more of the same prompt. */
static bool begin_with_shared(struct sched *s, struct job *j)
{
    struct donor d = find_donor(s, j);
    if (d.more_soon)
        return false;
    /* The copy of a partial block may find no room: whole blocks need none. */
    if (!fork_from(s, j, d.seq, d.common))
        fork_from(s, j, d.seq, d.common - d.common % runner_of(s)->block);
    s->stats.n_shared += j->ran;
    if (!j->met_cache) {
        j->usage.n_cached = j->ran;
        s->stats.n_prompt += j->usage.n_prompt;
    }
    j->met_cache = j->begun = true;
    return true;
}

/* ---- grants ---- */

/* Reserving comes with the grant: when a step is made of grants, room for all
 * of them is there. */
static void grant(struct sched *s, struct job *j, size_t n)
{
    if (make_room(s, j, n))
        j->grant = n;
}

/* Jobs of a state, oldest first; `next` is read before the job may end. */
static size_t grant_decoding(struct sched *s)
{
    size_t n = 0;
    for (struct job *j = s->jobs, *next; j != NULL; j = next) {
        next = j->next;
        if (j->state == JOB_DECODE && !j->held) {
            grant(s, j, 1);
            n++;
        }
    }
    return n;
}

static void grant_prompts(struct sched *s, size_t chunk)
{
    for (struct job *j = s->jobs, *next; j != NULL && chunk > 0; j = next) {
        next = j->next;
        if (j->state != JOB_PREFILL || j->held
            || (!j->begun && !begin_with_shared(s, j)))
            continue;
        size_t n = job_left(j) < chunk ? job_left(j) : chunk;
        chunk -= n;
        grant(s, j, n);
    }
}

/* A job alone may take longer steps: nobody waits for it, and when it is given
 * up, the step is, too.  Longer than this would keep newcomers waiting. */
enum { ALONE_SHARE = 3 };

static bool is_alone(const struct sched *s)
{
    size_t n = 0;
    for (const struct job *j = s->jobs; j != NULL; j = j->next)
        n += j->state != JOB_WAITING && !j->held;
    return n == 1;
}

static size_t prompt_chunk(const struct sched *s, size_t n_decoding)
{
    size_t left = runner_of(s)->max_tokens - n_decoding;
    size_t most = n_decoding > 0 ? s->options.chunk_beside : s->options.chunk;
    return pace_chunk(&s->pace, n_decoding, is_alone(s) ? ALONE_SHARE : 1,
                      most < left ? most : left);
}

static size_t granted(const struct sched *s, enum job_state state)
{
    size_t n = 0;
    for (const struct job *j = s->jobs; j != NULL; j = j->next)
        n += j->state == state ? j->grant : 0;
    return n;
}

/* Decoding jobs first: whatever prompts take, they may not take the room of a
 * token that somebody is waiting for. */
void plan_step(struct sched *s)
{
    admit_waiting(s);
    for (struct job *j = s->jobs; j != NULL; j = j->next)
        j->grant = 0;
    grant_prompts(s, prompt_chunk(s, grant_decoding(s)));
    s->granted_prompt = granted(s, JOB_PREFILL);
}
