/* The scheduler as a state machine, driven by random events: clients come, give
 * up, read slowly; steps are cancelled; the cache is too small; windows move
 * on; rows of logits are broken.  Each client compares every token with an oracle
 * that computes its answer alone and without a cache, and between two events
 * everything that can be counted is. */
#include "support/check.h"

#include "base/clock.h"
#include "sched_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool stop_at_once(void *arg, const char *doing, uint64_t done,
                         uint64_t total)
{
    (void)doing, (void)done, (void)total;
    return *(bool *)arg;
}

/* This program's own clock, in the place of the library's: time passes by being
 * asked for, at a pace that the seed draws, and sometimes jumps as it does when
 * a machine has slept.  So deadlines and paces can be replayed, too. */
static struct { int64_t now; uint64_t state; } watch;

int64_t clock_ns(void)
{
    watch.state = watch.state * 6364136223846793005u + 1442695040888963407u;
    uint64_t draw = watch.state >> 33;
    watch.now += 200 + (int64_t)(draw % 4000);
    if (draw % 5000 == 0)
        watch.now += 3600 * INT64_C(1000000000);
    return watch.now;
}

enum { CLIENTS = 40 };

struct world {
    struct fake   f;
    struct sched *s;
    struct client c[CLIENTS];
    bool          live[CLIENTS];
    uint64_t      last_started;
    size_t        n_right, n_cancelled, n_late, n_broken;
};

static void settle(struct world *w, size_t i)
{
    struct client *c = &w->c[i];
    if (!w->live[i] || !c->done)
        return;
    if (c->reason == JOB_CANCELLED)
        w->n_cancelled++;
    else if (c->reason == JOB_TIMEOUT)
        w->n_late += c->deadline_ns != 0;
    else if (c->reason == JOB_ERROR)
        w->n_broken += c->error.code == ERR_NUMBER;
    else {
        assert_right(c);
        w->n_right++;
    }
    w->live[i] = false;
}

static void random_submit(struct world *w, size_t i)
{
    struct client *c = &w->c[i];
    random_client(c, &w->f, 60);
    c->last_started = &w->last_started;
    if (below(20) == 0)                     /* over before it began, or soon */
        c->deadline_ns = clock_ns() + (int64_t)below(300000);
    submit(w->s, c);
    w->live[i] = true;
}

/* What lies outside of the scheduler's power. */
static void random_trouble(struct world *w)
{
    struct fake_seq *seq = &w->f.seq[below(w->f.n_seqs)];
    w->f.fork_fails = below(4) == 0;
    w->f.nan_at = below(40) == 0 ? (int)below(80) : -1;
    if (seq->open && seq->len > 0 && below(8) == 0)      /* a window moves on */
        seq->floor = (uint32_t)below(seq->len + 1);
}

/* What anybody can see between two events. */
static void check_world(const struct world *w)
{
    size_t n = 0, used = fake_blocks_used(&w->f);
    struct sched_blocks b = sched_blocks(w->s);
    for (size_t i = 0; i < CLIENTS; i++)
        n += w->live[i] && !w->c[i].done;
    assert_int_equal(sched_jobs(w->s), n);
    assert_true(sched_running(w->s) <= n);
    assert_true(sched_running(w->s) <= sched_max_running(w->s));
    assert_true(b.all == w->f.n_blocks && b.jobs + b.kept == used);
    assert_true(sched_running(w->s) > 0 || b.jobs == 0);
}

static void random_event(struct world *w)
{
    size_t i = below(CLIENTS);
    struct client *c = &w->c[i];
    bool stop = below(8) == 0;
    struct progress progress = { stop_at_once, &stop };
    switch (below(8)) {
    case 0:
        if (!w->live[i])
            random_submit(w, i);
        break;
    case 1:
        if (w->live[i] && below(4) == 0)
            assert_true(sched_cancel(w->s, c->id));
        break;
    case 2:
        if (w->live[i] && below(4) == 0)
            atomic_store(&c->cancel, true);
        break;
    case 3:
        if (w->live[i] && c->started) {     /* there is nothing to read yet */
            c->held = below(3) == 0;
            assert_true(sched_hold(w->s, c->id, c->held));
        }
        break;
    default:
        random_trouble(w);
        if (sched_step(w->s, &progress, NULL) != ERR_OK)
            assert_true(stop && sched_stepped(w->s) == 0);
    }
    check_world(w);
}

static void finish_all(struct world *w)
{
    size_t steps = 0;
    w->f.nan_at = -1;
    for (size_t i = 0; i < CLIENTS; i++)
        if (w->live[i]) {
            w->c[i].held = false;
            sched_hold(w->s, w->c[i].id, false);
        }
    while (sched_jobs(w->s) > 0) {
        assert_int_equal(sched_step(w->s, NULL, NULL), ERR_OK);
        assert_true(++steps < 100000);            /* nobody waits for ever */
    }
    for (size_t i = 0; i < CLIENTS; i++)
        settle(w, i);
}

struct tally {
    size_t n_events, n_right, n_late, n_broken, n_cancelled, n_paused, n_shared;
};

static void run_world(struct world *w, struct tally *t)
{
    print_message("world %llu\n", (unsigned long long)client_seed);
    memset(w, 0, sizeof *w);
    watch.now = 1;
    watch.state = client_seed;
    struct fake_options fo = { .block = 1 + below(4),
        .n_blocks = 62 + below(200), .n_seqs = 4 + below(20),
        .max_rows = 2 + below(12), .max_tokens = 20 + below(40),
        .ctx = 90 + (uint32_t)below(100) };
    struct sched_options so = { .max_kept = below(6), .chunk = 1 + below(30),
        .chunk_beside = 1 + below(10), .max_step_ms = below(2) ? 0.02 : 0 };
    w->s = open_on(&w->f, &fo, &so);
    for (size_t i = 0; i < 1500; i++, t->n_events++) {
        random_event(w);
        for (size_t k = 0; k < CLIENTS; k++)
            settle(w, k);
    }
    finish_all(w);
    t->n_right += w->n_right;
    t->n_late += w->n_late;
    t->n_broken += w->n_broken;
    t->n_cancelled += w->n_cancelled;
    t->n_paused += sched_stats(w->s).n_paused;
    t->n_shared += sched_stats(w->s).n_shared;
    close_clean(w->s, &w->f);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given != NULL ? strtoull(given, NULL, 0) : otherwise;
}

/* Each world is made of its seed alone: OSMIA_TEST_SEED=N OSMIA_TEST_WORLDS=1 is the one that failed, more
 * worlds a longer run. */
static void random_worlds(void **state)
{
    static struct world w;
    uint64_t first = from_environment("OSMIA_TEST_SEED", 1);
    uint64_t n = from_environment("OSMIA_TEST_WORLDS", 60);
    struct tally t = { 0 };
    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        client_seed = first + i;
        run_world(&w, &t);
    }
    print_message("seeds %llu..%llu: %zu events, %zu answers, %zu cancelled, "
                  "%zu late, %zu broken, %zu pauses, %zu tokens shared\n",
                  (unsigned long long)first,
                  (unsigned long long)(first + n - 1), t.n_events, t.n_right,
                  t.n_cancelled, t.n_late, t.n_broken, t.n_paused, t.n_shared);
    if (n >= 60)
        assert_true(t.n_right > 1000 && t.n_paused > 100 && t.n_shared > 1000
                    && t.n_late > 20 && t.n_broken > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
