#include "support/check.h"

#include "engine/sampling.h"

#include <math.h>
#include <string.h>

static void off_changes_nothing(void **state)
{
    (void)state;
    struct sampling s = sampling_off();
    assert_true(s.temperature == 1 && s.top_k == 0 && s.top_p == 1);
    assert_true(s.min_p == 0 && s.repetition_penalty == 1);
    assert_true(s.frequency_penalty == 0 && s.presence_penalty == 0);
    assert_int_equal(sampling_check(&s, 10, NULL), ERR_OK);
}

static void names_go_both_ways(void **state)
{
    (void)state;
    for (unsigned f = 0; f < SAMPLING_N_FIELDS; f++)
        assert_int_equal(sampling_find(slice_of(sampling_name(f))), f);
    assert_int_equal(sampling_find(SLICE("top_q")), -1);
    assert_int_equal(sampling_find(SLICE("top_")), -1);
}

/* Each field at its ends, a step outside them, and at values no range holds. */
static void ranges(void **state)
{
    static const struct {
        const char *name;
        double      value;
        enum err    is;
    } cases[] = {
        { "temperature", 0, ERR_OK },
        { "temperature", 2, ERR_OK },
        { "temperature", -0.01, ERR_REQUEST },
        { "temperature", 2.01, ERR_REQUEST },
        { "temperature", NAN, ERR_REQUEST },
        { "temperature", INFINITY, ERR_REQUEST },
        { "top_k", 0, ERR_OK },               { "top_k", 4294967295.0, ERR_OK },
        { "top_k", 4294967296.0, ERR_REQUEST }, { "top_k", -1, ERR_REQUEST },
        { "top_k", 1.5, ERR_REQUEST },        { "top_k", NAN, ERR_REQUEST },
        { "top_p", 0, ERR_OK },               { "top_p", 1, ERR_OK },
        { "top_p", 1.0001, ERR_REQUEST },     { "min_p", 1, ERR_OK },
        { "min_p", -0.1, ERR_REQUEST },       { "min_p", 1.5, ERR_REQUEST },
        { "repetition_penalty", 0, ERR_REQUEST },
        { "repetition_penalty", 0.01, ERR_OK },
        { "repetition_penalty", 2, ERR_OK },
        { "repetition_penalty", 2.01, ERR_REQUEST },
        { "frequency_penalty", -2, ERR_OK },
        { "frequency_penalty", 2.1, ERR_REQUEST },
        { "presence_penalty", -2.1, ERR_REQUEST },
        { "presence_penalty", 2, ERR_OK },
        { "repeat_last_n", 64, ERR_OK },
        { "repeat_last_n", -1, ERR_REQUEST },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sampling_given g = { .values = sampling_off() };
        struct err_info why = { .text = "" };
        int f = sampling_find(slice_of(cases[i].name));
        assert_true(f >= 0);
        enum err e = sampling_set(&g, (enum sampling_field)f, cases[i].value,
                                  &why);
        if (e != cases[i].is)
            fail_msg("%s = %g gives %d", cases[i].name, cases[i].value, e);
        if (e == ERR_OK) {
            assert_int_equal(g.given, 1u << f);
            assert_true(fabs(sampling_get(&g.values, (enum sampling_field)f)
                             - cases[i].value) < 1e-6);
        } else {
            assert_int_equal(g.given, 0);
            assert_non_null(strstr(why.text, cases[i].name));
        }
    }
}

static void override_takes_what_is_given(void **state)
{
    (void)state;
    struct sampling to = sampling_off();
    struct sampling_given from = { .values = sampling_off() };
    from.values.top_k = 99;             /* a value without its bit */
    assert_int_equal(sampling_set(&from, SAMPLING_TOP_P, 0.5, NULL), ERR_OK);
    to.seed = 7;
    sampling_override(&to, &from);
    assert_true(to.top_p == 0.5f);
    assert_int_equal(to.top_k, 0);
    assert_int_equal(to.seed, 7);
}

static void bias_and_top(void **state)
{
    (void)state;
    struct err_info why;
    struct sampling s = sampling_off();
    struct logit_bias bias[] = { { 3, 100 }, { 9, -100 } };
    s.bias = bias;
    s.n_bias = 2;
    assert_int_equal(sampling_check(&s, 10, &why), ERR_OK);
    assert_int_equal(sampling_check(&s, 9, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "logit_bias"));
    bias[1].id = 3;
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    bias[1] = (struct logit_bias){ -1, 0 };
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    bias[1] = (struct logit_bias){ 1, NAN };
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    bias[1] = (struct logit_bias){ 1, 100.5f };
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    s.n_bias = 0;
    s.n_top = SAMPLING_TOP_MAX + 1;
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "top_logprobs"));
    s.n_top = 0;
    s.temperature = NAN;
    assert_int_equal(sampling_check(&s, 10, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "temperature"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_changes_nothing),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(ranges),
        cmocka_unit_test(override_takes_what_is_given),
        cmocka_unit_test(bias_and_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
