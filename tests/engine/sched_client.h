/* Clients of the scheduler over the fake model, each with an oracle: what it
 * must be told, token by token. */
#ifndef OSMIA_TESTS_SCHED_CLIENT_H
#define OSMIA_TESTS_SCHED_CLIENT_H

#include "engine/sched.h"
#include "fake_runner.h"

enum { PROMPT_MAX = 200, OUT_MAX = FAKE_LEN };

/* A job as its client sees it, beside what it must see. */
struct client {
    uint64_t          id;
    int32_t           prompt[PROMPT_MAX], want[OUT_MAX];
    size_t            n_prompt, max_tokens, n_want, n_got;
    struct sampling   sampling;
    enum job_reason   want_reason, reason;
    bool              done, held, ignore_eos, started;
    atomic_bool       cancel;
    int64_t           deadline_ns;
    uint64_t         *last_started;     /* id of who started last; or NULL */
    struct job_usage  usage;
    struct err_info   error;
};

/* Compute alone and without a cache what the client must get. */
void expect(struct client *c, const struct fake *f);
void submit(struct sched *s, struct client *c);
/* The callbacks of a request whose `arg` is a client. */
void on_started(void *arg);
void on_event(void *arg, const struct job_event *ev);
/* It got all of what the oracle says. */
void assert_right(const struct client *c);

struct sched *open_on(struct fake *f, const struct fake_options *fo,
                      const struct sched_options *so);
void run_out(struct sched *s);
/* Close; no block and no sequence is left. */
void close_clean(struct sched *s, const struct fake *f);

/* Random numbers: a function of client_seed, which they change. */
extern uint64_t client_seed;
size_t below(size_t n);
/* Prompts come in a few families that begin alike; the oracle was asked. */
void random_client(struct client *c, const struct fake *f, size_t longest);

#endif
