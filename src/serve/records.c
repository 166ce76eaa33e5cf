#include "serve/records.h"
#include "base/clock.h"

#include <stdlib.h>

static struct record **bucket_of(const struct records *all, struct slice id)
{
    return (struct record **)&all->buckets[slice_hash(id) % RECORD_BUCKETS];
}

static void enter(struct records *all, struct record *r,
                  enum record_state state)
{
    all->n_fresh -= r->state == RECORD_FRESH;
    all->n_expired += state == RECORD_EXPIRED;
    r->state = state;
    r->since_ns = clock_ns();
}

static void end_run(struct record *r)
{
    struct run *run = r->run;

    r->run = NULL;
    if (run == NULL)
        return;
    run_keep(run, NULL);
    run_close(run);
}

static void drop_facts(struct record *r)
{
    arena_drop(&r->arena);
    r->stops = NULL;
    r->n_stops = 0;
}

static void expire(struct records *all, struct record *r)
{
    end_run(r);
    drop_facts(r);
    enter(all, r, RECORD_EXPIRED);
}

/* The queue is bounded, so that the oldest of so many have ended. */
static void make_room(struct records *all)
{
    struct record *r = all->oldest;

    while (r != NULL && r->run != NULL && r->state != RECORD_FRESH)
        r = r->newer;
    if (all->n >= RECORDS_MAX && r != NULL)
        record_close(all, r);
    if (all->n_fresh < RECORDS_FRESH_MAX)
        return;
    r = all->oldest;
    while (r != NULL && r->state != RECORD_FRESH)
        r = r->newer;
    if (r != NULL)
        expire(all, r);
}

struct record *record_open(struct records *all, uint32_t principal)
{
    struct record *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    make_room(all);
    stamp_job(r->id);
    r->principal = principal;
    r->since_ns = clock_ns();
    r->older = all->newest;
    if (all->newest != NULL)
        all->newest->newer = r;
    else
        all->oldest = r;
    all->newest = r;
    struct record **bucket = bucket_of(all, slice_of(r->id));
    r->chain = *bucket;
    *bucket = r;
    all->n++;
    all->n_fresh++;
    return r;
}

void record_close(struct records *all, struct record *r)
{
    struct record **link = bucket_of(all, slice_of(r->id));

    end_run(r);
    while (*link != r)
        link = &(*link)->chain;
    *link = r->chain;
    if (r->older != NULL)
        r->older->newer = r->newer;
    else
        all->oldest = r->newer;
    if (r->newer != NULL)
        r->newer->older = r->older;
    else
        all->newest = r->older;
    all->n--;
    all->n_fresh -= r->state == RECORD_FRESH;
    all->n_expired -= r->state == RECORD_EXPIRED;
    arena_drop(&r->arena);
    free(r);
}

struct record *record_find(const struct records *all, struct slice id,
                           uint32_t principal)
{
    struct record *r = *bucket_of(all, id);

    while (r != NULL && !slice_is(id, r->id))
        r = r->chain;
    return r != NULL && r->principal == principal ? r : NULL;
}

void record_take(struct records *all, struct record *r)
{
    enter(all, r, RECORD_TAKEN);
}

void record_cancel(struct record *r)
{
    if (r->state == RECORD_FRESH)
        end_run(r);
    else if (r->run != NULL)
        run_cancel(r->run);
}

void record_run_over(struct record *r)
{
    r->run = NULL;
    drop_facts(r);
    /* Its time begins when the stream has ended. */
    r->since_ns = clock_ns();
}

static void look_at(struct records *all, struct record *r,
                    const struct record_times *t, int64_t now_ns)
{
    int64_t age = now_ns - r->since_ns;

    if (r->state == RECORD_EXPIRED) {
        if (age > 2 * t->ttl_ns || all->n_expired > RECORDS_EXPIRED_MAX)
            record_close(all, r);
        return;
    }
    if (r->state == RECORD_FRESH && age > t->grace_ns)
        record_cancel(r);
    /* A stream that goes on keeps its record. */
    if (age <= t->ttl_ns || (r->state == RECORD_TAKEN && r->run != NULL))
        return;
    expire(all, r);
}

void records_tick(struct records *all, const struct record_times *t,
                  int64_t now_ns)
{
    struct record *newer;

    for (struct record *r = all->oldest; r != NULL; r = newer) {
        newer = r->newer;
        look_at(all, r, t, now_ns);
    }
}

void records_drop(struct records *all)
{
    struct record *newer;

    for (struct record *r = all->oldest; r != NULL; r = newer) {
        newer = r->newer;
        record_close(all, r);
    }
}
