#include "support/check.h"

#include "sched_client.h"

#include <assert.h>
#include <string.h>

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
        client_seed = 5;
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
    client_seed = 9;
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
    client_seed = 3;
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
    client_seed = 8;
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
        c.done = c.started = false;
        expect(&c, &f);
        submit(s, &c);
        run_out(s);
        assert_right(&c);
        if (turn > 0 && n >= 10)          /* the last token may not have run */
            assert_true(f.n_ran - before <= 3 + c.n_want);
    }
    close_clean(s, &f);
}

/* A prompt whose first n_shared tokens are those of `family`, the rest of its
 * own; -> how many were found in the cache. */
static size_t ask_family(struct sched *s, const struct fake *f, int family,
                         size_t n_shared, size_t n_prompt)
{
    static struct client c;
    static int32_t own;
    random_client(&c, f, 10);
    own++;
    c.n_prompt = n_prompt;
    for (size_t t = 0; t < n_prompt; t++)
        c.prompt[t] = (int32_t)(t < n_shared ? t * 7 + (size_t)family
                                : t + (size_t)own * 5) % FAKE_VOCAB;
    if (n_prompt > n_shared + 1) {    /* nobody else's, surely */
        c.prompt[n_shared] = own % FAKE_VOCAB;
        c.prompt[n_shared + 1] = own / FAKE_VOCAB;
    }
    c.max_tokens = 2;
    expect(&c, f);
    submit(s, &c);
    run_out(s);
    assert_right(&c);
    return c.usage.n_cached;
}

/* When room is needed, what was used longest ago gives it from its end: its
 * beginning, which others share, can still be found. */
static void beginnings_are_kept_longest(void **state)
{
    static struct fake f;
    struct fake_options tight = roomy;
    tight.n_blocks = 60;                                /* 240 tokens */
    struct sched *s = open_on(&f, &tight, &(struct sched_options){
        .max_running = 1, .max_kept = 8 });
    (void)state;
    client_seed = 11;
    assert_int_equal(ask_family(s, &f, 1, 140, 140), 0);
    assert_int_equal(ask_family(s, &f, 2, 140, 140), 0);   /* takes its end */
    size_t found = ask_family(s, &f, 1, 60, 70);
    assert_true(found >= 56 && found <= 60);
    close_clean(s, &f);
}

/* Hundreds of short conversations with one preamble do not push it out. */
static void a_preamble_serves_all(void **state)
{
    static struct fake f;
    struct fake_options tight = roomy;
    tight.n_blocks = 120;
    struct sched *s = open_on(&f, &tight, &(struct sched_options){
        .max_running = 2, .max_kept = 20 });
    (void)state;
    client_seed = 12;
    ask_family(s, &f, 3, 80, 90);
    for (int i = 0; i < 300; i++)
        assert_in_range(ask_family(s, &f, 3, 80, 90), 80, 81);
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
            .principal = i == 1, .started = on_started, .event = on_event,
            .arg = &c[i] };
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
    client_seed = 21;
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
    client_seed = 22;
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

static bool cancel_client(void *arg, const char *doing, uint64_t done,
                          uint64_t total)
{
    (void)doing, (void)done, (void)total;
    atomic_store(&((struct client *)arg)->cancel, true);
    return false;
}

/* The only one it was for goes away while it is computed. */
static void a_deserted_step_is_given_up(void **state)
{
    static struct fake f;
    static struct client c;
    struct progress progress = { cancel_client, &c };
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    (void)state;
    f.n_more_ticks = 1;
    client_seed = 23;
    random_client(&c, &f, 100);
    submit(s, &c);
    assert_int_equal(sched_step(s, &progress, NULL), ERR_OK);
    assert_int_equal(c.reason, JOB_CANCELLED);
    assert_int_equal(f.n_ran, 0);
    assert_int_equal(sched_stats(s).n_cancelled[JOB_IN_PROMPT], 1);
    close_clean(s, &f);
}

/* Two prompts of which the cache holds one: the second does not wait for a
 * reader that may never come back. */
static void a_slow_readers_blocks_are_taken(void **state)
{
    static struct fake f;
    static struct client a, b;
    struct fake_options tight = roomy;
    tight.n_blocks = 40;
    struct sched *s = open_on(&f, &tight, &(struct sched_options){
        .max_kept = 2 });
    (void)state;
    client_seed = 24;
    for (struct client *c = &a; c != NULL; c = c == &a ? &b : NULL) {
        random_client(c, &f, 10);
        c->n_prompt = 100;
        c->max_tokens = 20;
        c->ignore_eos = true;
        for (size_t t = 0; t < 100; t++)
            c->prompt[t] = (int32_t)(1 + (t + (size_t)(c == &b)) % 30);
        expect(c, &f);
    }
    submit(s, &a);
    while (a.n_got < 3)
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
    sched_hold(s, a.id, true);
    submit(s, &b);
    for (int i = 0; i < 100 && !b.done; i++)
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
    assert_right(&b);
    sched_hold(s, a.id, false);
    run_out(s);
    assert_right(&a);
    close_clean(s, &f);
}

static void a_row_of_nan_ends_its_job_only(void **state)
{
    static struct fake f;
    static struct client a, b;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    (void)state;
    client_seed = 30;
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

/* Ten seconds of equal streams differ by one token at most. */
static void equal_streams_go_on_equally(void **state)
{
    static struct fake f;
    static struct client c[6];
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ .chunk = 16,
        .chunk_beside = 5, .max_kept = 2 });
    (void)state;
    client_seed = 77;
    for (size_t i = 0; i < 6; i++) {
        random_client(&c[i], &f, 40);
        c[i].ignore_eos = true;
        c[i].max_tokens = 200;
        expect(&c[i], &f);
        if (i < 4)
            submit(s, &c[i]);
    }
    while (c[3].n_got == 0)
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
    size_t first[4];
    for (size_t i = 0; i < 4; i++)
        first[i] = c[i].n_got;
    submit(s, &c[4]);                       /* prompts beside them */
    submit(s, &c[5]);
    for (size_t n = 1; n <= 100; n++) {
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(c[i].n_got - first[i], n);
    }
    run_out(s);
    for (size_t i = 0; i < 6; i++)
        assert_right(&c[i]);
    close_clean(s, &f);
}

/* A window has let go what the longest common prefix would need: a shorter one
 * serves, or none. */
static void windows_shorten_hits(void **state)
{
    static struct fake f;
    static struct client c[3];
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){
        .max_kept = 4 });
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        client_seed = 50;
        random_client(&c[i], &f, 10);
        c[i].n_prompt = 100;
        c[i].max_tokens = 5;
        for (size_t t = 0; t < 100; t++)
            c[i].prompt[t] = (int32_t)(t < 40 + 30 * i ? t % 40 : i + t % 9);
        expect(&c[i], &f);
    }
    submit(s, &c[0]);                       /* has 40 with the others, */
    run_out(s);
    submit(s, &c[1]);                       /*   and this 70 with the last */
    run_out(s);
    assert_int_equal(c[1].usage.n_cached, 40);
    for (size_t i = 0; i < f.n_seqs; i++)   /* the second one's window */
        if (f.seq[i].open && f.content[(size_t)f.seq[i].block[15] * 4]
                             == c[1].prompt[60])
            f.seq[i].floor = 90;
    submit(s, &c[2]);
    run_out(s);
    assert_int_equal(c[2].usage.n_cached, 40);
    for (size_t i = 0; i < 3; i++)
        assert_right(&c[i]);
    close_clean(s, &f);
}

static void deadlines(void **state)
{
    static struct fake f;
    static struct client a, b;
    struct sched *s = open_on(&f, &roomy, &(struct sched_options){ 0 });
    (void)state;
    client_seed = 40;
    random_client(&a, &f, 100);
    random_client(&b, &f, 100);
    a.deadline_ns = 1;                      /* long ago */
    b.deadline_ns = INT64_MAX;
    submit(s, &a);
    submit(s, &b);
    run_out(s);
    assert_int_equal(a.reason, JOB_TIMEOUT);
    assert_false(a.started);
    assert_right(&b);
    assert_int_equal(sched_stats(s).n_cancelled[JOB_QUEUED], 1);
    assert_int_equal(sched_stats(s).n_ended[JOB_TIMEOUT], 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_and_together),
        cmocka_unit_test(prefixes_are_shared),
        cmocka_unit_test(a_turn_runs_only_its_new_tokens),
        cmocka_unit_test(beginnings_are_kept_longest),
        cmocka_unit_test(a_preamble_serves_all),
        cmocka_unit_test(principals_and_regimes_do_not_share),
        cmocka_unit_test(refusals),
        cmocka_unit_test(the_context_ends_an_answer),
        cmocka_unit_test(cancelled_steps_change_nothing),
        cmocka_unit_test(flags_end_a_step_nobody_needs),
        cmocka_unit_test(a_deserted_step_is_given_up),
        cmocka_unit_test(a_slow_readers_blocks_are_taken),
        cmocka_unit_test(a_row_of_nan_ends_its_job_only),
        cmocka_unit_test(a_model_that_fails_loses_no_job),
        cmocka_unit_test(equal_streams_go_on_equally),
        cmocka_unit_test(windows_shorten_hits),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(masks_reach_the_sampler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
