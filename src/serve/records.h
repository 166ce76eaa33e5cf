/* Jobs that are asked for in two calls: one makes the record, another streams.
 *
 *   FRESH --stream--> TAKEN --its time is over--> EXPIRED --> (forgotten)
 *     |                                              ^
 *     +------------ its time is over ----------------+
 *
 *   1. A record that nobody streams within the grace time has its job
 *      cancelled; the stream, should it still be asked for, says so.
 *   2. Only the principal that made a record can see it.
 *   3. There is a bound on fresh records and on all of them: the oldest expire,
 *      or are forgotten, before their time.
 *   4. Expired records keep their id for a while, so that a late client hears
 *      410 and not 404; how many is bounded. */
#ifndef OSMIA_SERVE_RECORDS_H
#define OSMIA_SERVE_RECORDS_H

#include "base/arena.h"
#include "serve/run.h"
#include "serve/stamp.h"

enum record_state { RECORD_FRESH, RECORD_TAKEN, RECORD_EXPIRED };

struct record {
    struct record    *older, *newer, *chain;    /* private */
    char              id[JOB_ID_SIZE];
    uint32_t          principal;
    enum record_state state;
    int64_t           since_ns;      /* in this state */
    struct run       *run;           /* NULL: it is over */
    struct arena      arena;         /* what the route needs to stream it */
    const struct slice *stops;       /* [n_stops], in the arena */
    size_t            n_stops;
};

/* A finished job that nobody has streamed holds some ten kilobytes, any other
 * record less than one. */
enum { RECORD_BUCKETS = 1024, RECORDS_EXPIRED_MAX = 8192,
       RECORDS_FRESH_MAX = 1024, RECORDS_MAX = 32768 };

struct records {
    struct record *oldest, *newest;
    struct record *buckets[RECORD_BUCKETS];
    size_t         n, n_fresh, n_expired;
};

/* A record without a run.  NULL: out of memory. */
struct record *record_open(struct records *all, uint32_t principal);
/* Forget it, and end its run. */
void           record_close(struct records *all, struct record *r);
/* NULL: there is none that this principal may see. */
struct record *record_find(const struct records *all, struct slice id,
                           uint32_t principal);
/* Its stream begins. */
void           record_take(struct records *all, struct record *r);
/* Its job ends; a stream that was never asked for will say so. */
void           record_cancel(struct record *r);
/* Told by the run. */
void           record_run_over(struct record *r);

struct record_times { int64_t grace_ns, ttl_ns; };
/* Look at the clock: cancel, expire, forget. */
void           records_tick(struct records *all, const struct record_times *t,
                            int64_t now_ns);
void           records_drop(struct records *all);

#endif
