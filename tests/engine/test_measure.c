/* What runs for every token allocates nothing, in timed steps and in whole jobs;
 * the device counts what it computes. */
#include "support/check.h"

#include "engine/generate.h"
#include "engine/measure.h"
#include "support/alloc_fail.h"
#include "support/tiny_model.h"

#include <string.h>

static struct scratch scratch;

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

static struct engine *opened(unsigned n_threads)
{
    struct engine_options o = engine_defaults(scratch_path(&scratch,
                                                           "tiny.gguf"));
    struct engine  *e;
    struct err_info why;

    o.n_threads = n_threads;
    o.n_seqs = 3;
    o.weights = "q8_0";
    if (engine_open(&e, &o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return e;
}

static struct measure_run run(struct engine *e, const struct measure_case *c,
                              size_t *n_opening, size_t *n_running)
{
    struct measure    *m;
    struct measure_run r;
    struct err_info    why;

    alloc_fail_at(0);
    assert_int_equal(measure_open(&m, e, c, NULL, &why), ERR_OK);
    *n_opening = alloc_fail_asked();
    alloc_fail_off();
    assert_int_equal(measure_run(m, &r, &why), ERR_OK);      /* warms up */
    alloc_fail_at(0);
    assert_int_equal(measure_run(m, &r, &why), ERR_OK);
    *n_running = alloc_fail_asked();
    assert_int_equal(alloc_fail_off(), 0);
    measure_close(m);
    return r;
}

static void a_step_allocates_nothing(void **state)
{
    static const struct measure_case cases[] = {
        { MEASURE_DECODE, 40, 1, 0 }, { MEASURE_DECODE, 40, 3, 30 },
        { MEASURE_PREFILL, 70, 1, 5 },
    };

    (void)state;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct engine *e = opened(threads);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            size_t n_opening, n_running;
            run(e, &cases[i], &n_opening, &n_running);
            assert_int_equal(n_running, 0);
            assert_true(n_opening > 0);       /* so the counter counts */
        }
        engine_close(e);
    }
}

/* Allocations seen at each token of a job. */
enum { TOKENS = 80, EARLY = 12 };
struct seen {
    size_t n, asked[TOKENS];
};

static void on_event(void *arg, const struct job_event *ev)
{
    struct seen *s = arg;

    if (!ev->done && s->n < TOKENS)
        s->asked[s->n++] = alloc_fail_asked();
}

static void generate_one(struct engine *e, const struct sampling *p,
                         struct seen *seen)
{
    static const int32_t  prompt[] = { TINY_BOS, 40, 41, 42, 43 };
    static const struct slice stops[] = { { "no such text", 12 } };
    struct sched_options  so = { .max_running = 2 };
    struct generated      end;
    struct sched         *sched;
    struct err_info       why;
    struct job_request    r = {
        .prompt = prompt, .n_prompt = 5, .max_tokens = TOKENS, .sampling = *p,
        .stops = stops, .n_stops = 1, .ignore_eos = true, .event = on_event,
        .arg = seen,
    };

    assert_int_equal(engine_sched(&sched, e, &so, &why), ERR_OK);
    alloc_fail_at(0);
    assert_int_equal(generate(sched, &r, NULL, &end, &why), ERR_OK);
    alloc_fail_off();
    sched_close(sched);
    assert_int_equal(seen->n, TOKENS);
}

/* Beside the model: scheduler, cache, sampler, log-probabilities, text.  The
 * first tokens may: buffers of text grow until they hold the longest piece. */
static void a_token_allocates_nothing(void **state)
{
    struct engine  *e = opened(2);
    struct sampling p[3] = { sampling_off(), sampling_off(), sampling_off() };

    (void)state;
    p[0].temperature = 0;
    p[1].temperature = 1.2f;
    p[1].top_k = 40;
    p[1].top_p = 0.9f;
    p[1].min_p = 0.01f;
    p[2].temperature = 0.8f;
    p[2].repetition_penalty = 1.3f;
    p[2].frequency_penalty = 0.5f;
    p[2].logprobs = true;
    p[2].n_top = 5;
    for (size_t i = 0; i < 3; i++) {
        struct seen seen = { 0 };
        generate_one(e, &p[i], &seen);
        assert_true(seen.asked[0] > 0);           /* so the counter counts */
        assert_int_equal(seen.asked[TOKENS - 1], seen.asked[EARLY]);
    }
    engine_close(e);
}

static void work_is_counted(void **state)
{
    struct engine *e = opened(1);
    size_t unused;
    struct measure_case one = { MEASURE_DECODE, 4, 1, 8 };
    struct measure_case three = { MEASURE_DECODE, 4, 3, 8 };

    (void)state;
    struct tally a = run(e, &one, &unused, &unused).work;
    struct tally b = run(e, &three, &unused, &unused).work;
    assert_int_equal(b.n_ops[TALLY_INT8], 3 * a.n_ops[TALLY_INT8]);
    assert_true(a.n_ops[TALLY_INT8] > 0 && a.n_ops[TALLY_F32] > 0);
    assert_true(a.n_bytes < b.n_bytes && b.n_bytes < 3 * a.n_bytes);
    assert_string_equal(a.row[0].format, "q8_0");
    assert_true(a.row[0].packed);
    assert_int_equal(a.row[0].n_calls, b.row[0].n_calls);
    engine_close(e);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct engine  *e = opened(1);
    struct measure *m;
    struct err_info why;
    struct measure_case c = { MEASURE_PREFILL, engine_ctx(e), 1, 1 };

    (void)state;
    assert_int_equal(measure_open(&m, e, &c, NULL, &why), ERR_LIMIT);
    assert_null(m);
    c = (struct measure_case){ MEASURE_DECODE, 1, 4096, 0 };
    assert_int_equal(measure_open(&m, e, &c, NULL, &why), ERR_LIMIT);
    engine_close(e);
}

static enum err open_once(void *arg)
{
    struct measure_case c = { MEASURE_DECODE, 2, 2, 4 };
    struct measure *m;
    struct err_info why;
    enum err        e = measure_open(&m, arg, &c, NULL, &why);

    measure_close(m);
    return e;
}

static void every_allocation_may_fail(void **state)
{
    struct engine *e = opened(1);

    (void)state;
    open_once(e);
    alloc_fail_each(open_once, e);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(a_token_allocates_nothing),
        cmocka_unit_test(work_is_counted),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
