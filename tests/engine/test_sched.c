#include "support/check.h"

#include "engine/sched.h"
#include "fake_runner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPT_MAX = 200, OUT_MAX = FAKE_LEN };

/* A job as its client sees it, beside what it must see. */
struct client {
    uint64_t          id;
    int32_t           prompt[PROMPT_MAX], want[OUT_MAX];
    size_t            n_prompt, max_tokens, n_want, n_got;
    struct sampling   sampling;
    enum job_reason   want_reason, reason;
    bool              done, held, ignore_eos;
    atomic_bool       cancel;
    struct job_usage  usage;
    struct err_info   error;
};

/* ---- the oracle: the same answer, computed alone and without a cache ---- */

static void expect(struct client *c, const struct fake *f)
{
    int32_t tokens[FAKE_LEN];
    float logits[FAKE_VOCAB];
    struct sampler *s;
    size_t most = f->runner.ctx < f->runner.capacity ? f->runner.ctx
                                                     : f->runner.capacity;
    size_t n = c->n_prompt, limit = c->n_prompt + c->max_tokens;
    if (c->max_tokens == 0 || limit > most)
        limit = most;
    assert_int_equal(sampler_open(&s, FAKE_VOCAB, NULL, 0, NULL), ERR_OK);
    memcpy(tokens, c->prompt, n * sizeof *tokens);
    for (c->want_reason = JOB_LENGTH; n < limit; n++) {
        struct sample out;
        struct sample_context at = { .logits = logits, .tokens = tokens,
                                     .n_tokens = n, .n_prompt = c->n_prompt };
        fake_logits(logits, tokens, n);
        assert_int_equal(sampler_draw(s, &c->sampling, &at, &out, NULL),
                         ERR_OK);
        if (out.id == FAKE_EOS && !c->ignore_eos) {
            c->want_reason = JOB_STOP;
            break;
        }
        tokens[n] = out.id;
    }
    sampler_close(s);
    c->n_want = n - c->n_prompt;
    memcpy(c->want, tokens + c->n_prompt, c->n_want * sizeof *tokens);
}

static void on_event(void *arg, const struct job_event *ev)
{
    struct client *c = arg;
    assert_false(c->done);
    if (!ev->done) {
        assert_false(c->held);
        if (c->n_got >= c->n_want || c->want[c->n_got] != ev->token->id)
            fail_msg("job %llu: token %zu is %d", (unsigned long long)c->id,
                     c->n_got, ev->token->id);
        c->n_got++;
        return;
    }
    c->done = true;
    c->reason = ev->reason;
    c->usage = *ev->usage;
    if (ev->error != NULL)
        c->error = *ev->error;
}

static void submit(struct sched *s, struct client *c)
{
    struct err_info why;
    struct job_request r = {
        .prompt = c->prompt, .n_prompt = c->n_prompt,
        .max_tokens = c->max_tokens, .sampling = c->sampling,
        .ignore_eos = c->ignore_eos, .cancel = &c->cancel,
        .event = on_event, .arg = c };
    if (sched_submit(s, &r, &c->id, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

static const int32_t eos[] = { FAKE_EOS };

static struct sched *open_on(struct fake *f, const struct fake_options *fo,
                             const struct sched_options *so)
{
    struct sched *s;
    fake_open(f, fo);
    struct sched_parts parts = { .runner = &f->runner, .eos = eos, .n_eos = 1 };
    assert_int_equal(sched_open(&s, &parts, so, NULL), ERR_OK);
    return s;
}

static void run_out(struct sched *s)
{
    while (sched_jobs(s) > 0) {
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
        assert_true(sched_stepped(s) > 0);
    }
}

static void assert_right(const struct client *c)
{
    assert_true(c->done);
    assert_int_equal(c->reason, c->want_reason);
    assert_int_equal(c->n_got, c->n_want);
    assert_int_equal(c->usage.n_output, c->n_want);
    assert_int_equal(c->usage.n_prompt, c->n_prompt);
}

static void close_clean(struct sched *s, const struct fake *f)
{
    sched_close(s);
    assert_int_equal(fake_blocks_used(f), 0);
    assert_int_equal(fake_seqs_open(f), 0);
}

/* ---- random clients ---- */

static uint64_t seed;
static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((seed >> 33) % n);
}

/* Prompts come in a few families that begin alike. */
static void random_client(struct client *c, const struct fake *f,
                          size_t longest)
{
    size_t shared = below(longest), family = below(3);
    memset(c, 0, sizeof *c);
    c->n_prompt = 1 + below(longest);
    for (size_t i = 0; i < c->n_prompt; i++)
        c->prompt[i] = (int32_t)(i < shared ? (i * 7 + family) % FAKE_VOCAB
                                            : below(FAKE_VOCAB));
    c->max_tokens = below(4) ? 1 + below(40) : 0;
    c->sampling = sampling_off();
    c->sampling.seed = below(1000);
    c->ignore_eos = below(4) == 0;
    if (below(3) == 0)
        c->sampling.temperature = 0;
    if (below(3) == 0)
        c->sampling.repetition_penalty = 1.2f;
    if (below(3) == 0)
        c->sampling.frequency_penalty = 0.5f;
    expect(c, f);
}

static const struct fake_options roomy = { .n_blocks = 2000, .block = 4,
    .n_seqs = 32, .max_tokens = 64, .max_rows = 16, .ctx = 300 };

/* ---- tests ---- */

static void alone_and_together(void **state)
{
    static struct fake f;
    static struct client c[24];
    static const struct sched_options ways[] = {
        { .max_running = 1, .chunk = 1, .chunk_beside = 1 },
        { .max_running = 16, .chunk = 7, .chunk_beside = 3, .max_kept = 4 },
        { .max_running = 3, .chunk = 64, .chunk_beside = 64, .max_kept = 20 },
        { .max_running = 8 },
    };
    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        struct sched *s = open_on(&f, &roomy, &ways[w]);
        seed = 5;
        for (size_t i = 0; i < 24; i++)
            random_client(&c[i], &f, PROMPT_MAX);
        for (size_t i = 0; i < 24; i++)
            submit(s, &c[i]);
        run_out(s);
        for (size_t i = 0; i < 24; i++)
            assert_right(&c[i]);
        assert_true(f.most_in_step <= 64);
        close_clean(s, &f);
    }
}

/* The check of the tests above can fail: a client that expects otherwise. */
static bool oracle_differs(void)
{
    static struct fake f;
    static struct client a, b;
    fake_open(&f, &roomy);
    seed = 9;
    random_client(&a, &f, 30);
    b = a;
    b.prompt[0] ^= 1;
    expect(&b, &f);
    return a.n_want != b.n_want
           || memcmp(a.want, b.want, a.n_want * sizeof *a.want) != 0;
}

static void prefixes_are_shared(void **state)
{
    static struct fake f;
    static struct client c[4];
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .chunk = 16, .chunk_beside = 16, .max_kept = 4 });
    (void)state;
    assert_true(oracle_differs());
    seed = 3;
    for (size_t i = 0; i < 4; i++) {
        random_client(&c[i], &f, 100);
        c[i].n_prompt = 120;
        c[i].max_tokens = 5;
        for (size_t t = 0; t < 120; t++)
            c[i].prompt[t] = (int32_t)(t < 110 ? t % 40 : i + t % 9);
        expect(&c[i], &f);
    }
    submit(s, &c[0]);                      /* three at once: one runs it */
    submit(s, &c[1]);
    submit(s, &c[2]);
    run_out(s);
    assert_int_equal(c[0].usage.n_cached, 0);
    assert_int_equal(c[1].usage.n_cached, 110);
    assert_int_equal(c[2].usage.n_cached, 110);
    submit(s, &c[3]);                      /* one later: finds it kept */
    run_out(s);
    assert_int_equal(c[3].usage.n_cached, 110);
    size_t ran = f.n_ran;
    for (size_t i = 0; i < 4; i++)
        assert_right(&c[i]);
    assert_true(ran <= 120 + 3 * 10 + 4 * 5);
    sched_forget(s);
    assert_int_equal(fake_blocks_used(&f), 0);
    close_clean(s, &f);
}

/* A conversation: each turn's prompt is the last one, its answer, new words. */
static void a_turn_runs_only_its_new_tokens(void **state)
{
    static struct fake f;
    static struct client c;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .max_kept = 2 });
    (void)state;
    seed = 8;
    random_client(&c, &f, 20);
    for (int turn = 0; turn < 6; turn++) {
        size_t n = c.n_prompt + c.n_want, before = f.n_ran;
        if (turn > 0) {
            memcpy(c.prompt + c.n_prompt, c.want, c.n_want * sizeof *c.want);
            c.prompt[n] = 17;
            c.prompt[n + 1] = 30 + turn;
            c.n_prompt = n + 2;
        }
        c.max_tokens = 12;
        c.n_got = 0;
        c.done = false;
        expect(&c, &f);
        submit(s, &c);
        run_out(s);
        assert_right(&c);
        if (turn > 0 && n >= 10)          /* the last token may not have run */
            assert_true(f.n_ran - before <= 3 + c.n_want);
    }
    close_clean(s, &f);
}

static void principals_and_regimes_do_not_share(void **state)
{
    static struct fake f;
    static struct client c[3];
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .max_kept = 8 });
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        random_client(&c[i], &f, 10);
        c[i].n_prompt = 100;
        for (size_t t = 0; t < 100; t++)
            c[i].prompt[t] = (int32_t)t % 40;
        c[i].max_tokens = i == 2 ? 80 : 5;        /* another regime */
        expect(&c[i], &f);
        struct job_request r = { .prompt = c[i].prompt, .n_prompt = 100,
            .max_tokens = c[i].max_tokens, .sampling = c[i].sampling,
            .principal = i == 1, .event = on_event, .arg = &c[i] };
        assert_int_equal(sched_submit(s, &r, &c[i].id, NULL), ERR_OK);
        run_out(s);
        assert_int_equal(c[i].usage.n_cached, 0);
        assert_right(&c[i]);
    }
    close_clean(s, &f);
}

static void refusals(void **state)
{
    static struct fake f;
    static struct client c;
    struct err_info why;
    uint64_t id;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    int32_t prompt[400] = { 1 };
    struct job_request r = { .prompt = prompt, .n_prompt = 300,
        .sampling = sampling_off(), .event = on_event, .arg = &c };
    (void)state;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "300 tokens"));
    r.n_prompt = 0;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_REQUEST);
    r.n_prompt = 299;
    prompt[7] = FAKE_VOCAB;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "token 7"));
    prompt[7] = -1;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_REQUEST);
    prompt[7] = 0;
    r.sampling.top_p = 2;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_REQUEST);
    r.sampling.top_p = 1;
    struct slice stop = SLICE("x");
    r.stops = &stop;
    r.n_stops = 1;
    assert_int_equal(sched_submit(s, &r, &id, &why), ERR_REQUEST);
    assert_int_equal(sched_jobs(s), 0);
    close_clean(s, &f);
}

/* 299 tokens in a context of 300 leave room for one. */
static void the_context_ends_an_answer(void **state)
{
    static struct fake f;
    static struct client c;
    static const size_t lens[] = { 100, 120, 199 };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fake_options o = roomy;
        o.ctx = 200;
        struct sched *s = open_on(&f, &o, &(struct sched_options){ 0 });
        random_client(&c, &f, 10);
        c.n_prompt = lens[i];
        for (size_t t = 0; t < c.n_prompt; t++)
            c.prompt[t] = (int32_t)(1 + t % 30);
        c.sampling.bias = &(struct logit_bias){ FAKE_EOS, -100 };
        c.sampling.n_bias = 1;
        c.max_tokens = i == 1 ? 1000 : 0;
        expect(&c, &f);
        assert_int_equal(c.n_want, 200 - lens[i]);
        submit(s, &c);
        run_out(s);
        assert_right(&c);
        assert_int_equal(c.reason, JOB_LENGTH);
        close_clean(s, &f);
    }
}

static bool stop_at_once(void *arg, const char *doing, uint64_t done,
                         uint64_t total)
{
    (void)doing, (void)done, (void)total;
    return *(bool *)arg;
}

static void cancelled_steps_change_nothing(void **state)
{
    static struct fake f;
    static struct client c;
    bool stop = true;
    struct progress progress = { stop_at_once, &stop };
    struct err_info why;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .chunk = 8 });
    (void)state;
    seed = 21;
    random_client(&c, &f, 100);
    submit(s, &c);
    for (int i = 0; sched_jobs(s) > 0; i++) {
        stop = i % 3 != 2;
        assert_int_equal(sched_step(s, &progress, &why),
                         stop ? ERR_CANCELLED : ERR_OK);
    }
    assert_right(&c);
    close_clean(s, &f);
}

static void flags_end_a_step_nobody_needs(void **state)
{
    static struct fake f;
    static struct client a, b;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .chunk = 8 });
    (void)state;
    seed = 22;
    random_client(&a, &f, 100);
    random_client(&b, &f, 100);
    submit(s, &a);
    assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
    atomic_store(&a.cancel, true);
    submit(s, &b);
    run_out(s);
    assert_int_equal(a.reason, JOB_CANCELLED);
    assert_right(&b);
    assert_false(sched_cancel(s, a.id));
    close_clean(s, &f);
}

static void a_row_of_nan_ends_its_job_only(void **state)
{
    static struct fake f;
    static struct client a, b;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    (void)state;
    seed = 30;
    do
        random_client(&a, &f, 20);
    while (a.n_want < 5);
    do
        random_client(&b, &f, 20);
    while (b.n_prompt + b.n_want >= a.n_prompt + 3);
    f.nan_at = (int)a.n_prompt + 2;
    submit(s, &a);
    submit(s, &b);
    run_out(s);
    assert_int_equal(a.reason, JOB_ERROR);
    assert_int_equal(a.error.code, ERR_NUMBER);
    assert_int_equal(a.n_got, 3);
    assert_right(&b);
    close_clean(s, &f);
}

static void a_model_that_fails_loses_no_job(void **state)
{
    static struct fake f;
    static struct client c;
    struct err_info why;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    (void)state;
    random_client(&c, &f, 20);
    submit(s, &c);
    f.forward_says = ERR_IO;
    assert_int_equal(sched_step(s, NULL, &why), ERR_IO);
    f.forward_says = ERR_OK;
    run_out(s);
    assert_right(&c);
    close_clean(s, &f);
}

/* ---- a mask ---- */

static enum err only_even(void *arg, uint64_t *bits, size_t n_ids,
                          const int32_t *output, size_t n_output,
                          struct err_info *why)
{
    size_t *calls = arg;
    (void)output, (void)why;
    assert_int_equal(n_output, *calls);
    for (size_t i = 0; i < n_ids; i += 64)
        bits[i / 64] = 0x5555555555555554u;      /* even, and not EOS */
    (*calls)++;
    return ERR_OK;
}

static void only_even_came(void *arg, const struct job_event *ev)
{
    (void)arg;
    assert_true(ev->done || ev->token->id % 2 == 0);
}

static void masks_reach_the_sampler(void **state)
{
    static struct fake f;
    size_t calls = 0;
    uint64_t id;
    int32_t prompt[] = { 1, 2, 3 };
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    struct job_request r = { .prompt = prompt, .n_prompt = 3, .max_tokens = 20,
        .sampling = sampling_off(), .mask = { only_even, &calls },
        .event = only_even_came };
    (void)state;
    assert_int_equal(sched_submit(s, &r, &id, NULL), ERR_OK);
    run_out(s);
    assert_int_equal(calls, 20);
    close_clean(s, &f);
}

/* ---- everything at once ---- */

enum { CLIENTS = 40 };

struct world {
    struct fake   f;
    struct sched *s;
    struct client c[CLIENTS];
    bool          live[CLIENTS];
    size_t        n_right, n_cancelled;
};

static void settle(struct world *w, size_t i)
{
    struct client *c = &w->c[i];
    if (!w->live[i] || !c->done)
        return;
    if (c->reason == JOB_CANCELLED)
        w->n_cancelled++;
    else {
        assert_right(c);
        w->n_right++;
    }
    w->live[i] = false;
}

static void random_event(struct world *w)
{
    size_t i = below(CLIENTS);
    struct client *c = &w->c[i];
    bool stop = below(8) == 0;
    struct progress progress = { stop_at_once, &stop };
    switch (below(8)) {
    case 0:
        if (!w->live[i]) {
            random_client(c, &w->f, 60);
            submit(w->s, c);
            w->live[i] = true;
        }
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
        if (w->live[i])
            c->held = below(3) == 0;
        if (w->live[i])
            assert_true(sched_hold(w->s, c->id, c->held));
        break;
    default:
        w->f.fork_fails = below(4) == 0;
        if (sched_step(w->s, &progress, NULL) != ERR_OK)
            assert_true(stop && sched_stepped(w->s) == 0);
    }
}

static void finish_all(struct world *w)
{
    size_t steps = 0;
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

static void random_worlds(void **state)
{
    static struct world w;
    const char *given = getenv("OSMIA_TEST_SEED");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    size_t n_events = 0, n_right = 0, n_paused = 0, n_shared = 0;
    (void)state;
    for (uint64_t round = 0; round < 60; round++) {
        seed = first + round;
        memset(&w, 0, sizeof w);
        struct fake_options fo = { .block = 1 + below(4),
            .n_blocks = 60 + below(200), .n_seqs = 4 + below(20),
            .max_rows = 2 + below(12), .max_tokens = 20 + below(40),
            .ctx = 90 + (uint32_t)below(100) };
        struct sched_options so = { .max_kept = below(6),
            .chunk = 1 + below(30), .chunk_beside = 1 + below(10) };
        w.s = open_on(&w.f, &fo, &so);
        for (size_t i = 0; i < 1500; i++, n_events++) {
            random_event(&w);
            for (size_t k = 0; k < CLIENTS; k++)
                settle(&w, k);
        }
        finish_all(&w);
        n_right += w.n_right;
        n_paused += sched_stats(w.s).n_paused;
        n_shared += sched_stats(w.s).n_shared;
        close_clean(w.s, &w.f);
    }
    print_message("seeds %llu..%llu: %zu events, %zu answers, %zu pauses, "
                  "%zu tokens shared\n", (unsigned long long)first,
                  (unsigned long long)first + 59, n_events, n_right, n_paused,
                  n_shared);
    assert_true(n_right > 1000 && n_paused > 100 && n_shared > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_and_together),
        cmocka_unit_test(prefixes_are_shared),
        cmocka_unit_test(a_turn_runs_only_its_new_tokens),
        cmocka_unit_test(principals_and_regimes_do_not_share),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_context_ends_an_answer),
        cmocka_unit_test(cancelled_steps_change_nothing),
        cmocka_unit_test(flags_end_a_step_nobody_needs),
        cmocka_unit_test(a_row_of_nan_ends_its_job_only),
        cmocka_unit_test(a_model_that_fails_loses_no_job),
        cmocka_unit_test(masks_reach_the_sampler),
        cmocka_unit_test(random_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
