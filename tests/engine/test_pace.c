#include "support/check.h"

#include "engine/pace.h"

/* A machine of a few numbers. */
struct machine {
    double step_ms, decode_ms, token_ms;
};

static double cost(const struct machine *m, size_t n_decoding, size_t n_prompt)
{
    return m->step_ms + m->decode_ms * (double)n_decoding
           + m->token_ms * (double)n_prompt;
}

/* Steps of a long prompt beside others; the longest after the first `skip`. */
static double longest(struct pace *p, const struct machine *m, size_t n_steps,
                      size_t skip)
{
    double most = 0;
    for (size_t i = 0; i < n_steps; i++) {
        size_t n = pace_chunk(p, 4, 1, 512);
        double ms = cost(m, 4, n);
        pace_note(p, 4, n, ms);
        if (i >= skip && ms > most)
            most = ms;
    }
    return most;
}

static void steps_stay_below_the_limit(void **state)
{
    static const struct machine machines[] = {
        { 5, 1, 0.2 }, { 20, 5, 2 }, { 0.1, 0.1, 0.01 }, { 10, 0, 7 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct pace p;
        pace_init(&p, 80);
        for (int k = 0; k < 5; k++)
            pace_note(&p, 4, 0, cost(&machines[i], 4, 0));
        double most = longest(&p, &machines[i], 200, 1);
        assert_true(most < 80);
        /* ... and the time is used, unless all 512 tokens take less. */
        assert_true(most > 50 || cost(&machines[i], 4, 512) < 50);
    }
}

static void a_slower_machine_is_noticed(void **state)
{
    struct machine m = { 5, 1, 0.2 };
    struct pace p;
    (void)state;
    pace_init(&p, 80);
    pace_note(&p, 4, 0, cost(&m, 4, 0));
    longest(&p, &m, 50, 0);
    m.token_ms = 1;                          /* somebody else works, too */
    assert_true(longest(&p, &m, 20, 0) > 80);       /* the first one */
    assert_true(longest(&p, &m, 50, 4) < 80);
    m.token_ms = 0.2;
    assert_true(longest(&p, &m, 100, 60) > 50);     /* and back */
}

static void bounds(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 0);                        /* no limit: as many as may be */
    assert_int_equal(pace_chunk(&p, 4, 1, 300), 300);
    pace_note(&p, 4, 300, 1e6);
    assert_int_equal(pace_chunk(&p, 4, 1, 300), 300);
    pace_init(&p, 80);                       /* nothing known: carefully */
    assert_int_equal(pace_chunk(&p, 0, 1, 512), 32);
    assert_int_equal(pace_chunk(&p, 0, 1, 5), 5);
    pace_note(&p, 0, 32, 32e3);              /* a second each: still some */
    assert_int_equal(pace_chunk(&p, 0, 1, 512), 8);
    assert_int_equal(pace_chunk(&p, 0, 1, 3), 3);
    pace_init(&p, 80);                       /* no cost at all */
    pace_note(&p, 0, 32, 0);
    assert_int_equal(pace_chunk(&p, 0, 1, 512), 512);
}

static void alone_it_may_take_longer(void **state)
{
    struct pace p;
    (void)state;
    pace_init(&p, 80);
    pace_note(&p, 0, 100, 100);
    assert_int_equal(pace_chunk(&p, 0, 1, 512), 60);
    assert_int_equal(pace_chunk(&p, 0, 3, 512), 180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_stay_below_the_limit),
        cmocka_unit_test(a_slower_machine_is_noticed),
        cmocka_unit_test(bounds),
        cmocka_unit_test(alone_it_may_take_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
