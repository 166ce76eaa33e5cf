#include "support/check.h"

#include "support/alloc_fail.h"
#include "text/think.h"

struct row {
    enum think_state begin;
    const char *text, *thought, *answer;
};

static const struct row rows[] = {
    { THINK_START, "", "", "" },
    { THINK_START, "hello", "", "hello" },
    { THINK_START, " hello ", "", " hello " },
    { THINK_START, " \n", "", " \n" },
    { THINK_START, "<think>a</think>b", "a", "b" },
    { THINK_START, "\n<think>\n a b \n</think>\n\n c \n", "a b", "c \n" },
    { THINK_START, "<think></think>b", "", "b" },
    { THINK_START, "<think>\n\n</think>\n\nb", "", "b" },
    { THINK_START, "<thin>a", "", "<thin>a" },
    { THINK_START, "<thi", "", "<thi" },
    { THINK_START, "a<think>b</think>", "", "a<think>b</think>" },
    { THINK_START, "<think>a", "a", "" },
    { THINK_START, "<think>a </thin", "a </thin", "" },
    { THINK_START, "<think>a </ b", "a </ b", "" },
    { THINK_START, "<think>a<think>b</think>c</think>d", "a<think>b",
      "c</think>d" },
    { THINK_INSIDE, "a</think>b", "a", "b" },
    { THINK_INSIDE, "\na\n", "a", "" },
    { THINK_INSIDE, "</think>", "", "" },
    { THINK_INSIDE, "a<</think>b", "a<", "b" },
    { THINK_INSIDE, "a</</think>b", "a</", "b" },
    { THINK_OUTSIDE, " a", "", " a" },
    { THINK_OUTSIDE, "<think>a</think>", "", "<think>a</think>" },
};

/* Pushed in parts whose lengths are the bits of `cuts`. */
static bool agrees(const struct row *r, unsigned long long cuts)
{
    struct strbuf thought = { .at = NULL }, answer = { .at = NULL };
    struct slice text = slice_of(r->text);
    struct think t;
    size_t from = 0;
    think_init(&t, r->begin);
    for (size_t i = 1; i <= text.len; i++)
        if (i == text.len || (cuts >> (i - 1) & 1)) {
            think_push(&t, (struct slice){ text.at + from, i - from }, &thought,
                       &answer);
            from = i;
        }
    think_end(&t, &thought, &answer);
    bool same = slice_is(strbuf_slice(&thought), r->thought)
             && slice_is(strbuf_slice(&answer), r->answer);
    think_drop(&t);
    strbuf_drop(&thought);
    strbuf_drop(&answer);
    return same;
}

static void however_it_is_cut(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(agrees(&rows[i], 0));
        assert_true(agrees(&rows[i], ~0ull));
        for (int n = 0; n < 500; n++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            if (!agrees(&rows[i], random >> 13))
                fail_msg("row %zu: \"%s\"", i, rows[i].text);
        }
    }
    struct row wrong = { THINK_START, "<think>a</think>b", "a", "c" };
    assert_false(agrees(&wrong, 0));
}

/* What is sure is told at once, not only at the end. */
static void nothing_is_held_for_long(void **state)
{
    struct strbuf thought = { .at = NULL }, answer = { .at = NULL };
    struct think t;
    (void)state;
    think_init(&t, THINK_START);
    think_push(&t, SLICE("<think>one two"), &thought, &answer);
    assert_true(slice_is(strbuf_slice(&thought), "one two"));
    think_push(&t, SLICE(" three </"), &thought, &answer);
    assert_true(slice_is(strbuf_slice(&thought), "one two three"));
    think_push(&t, SLICE("think>so"), &thought, &answer);
    assert_true(slice_is(strbuf_slice(&answer), "so"));
    think_push(&t, SLICE(" "), &thought, &answer);
    assert_true(slice_is(strbuf_slice(&answer), "so "));
    think_drop(&t);
    strbuf_drop(&thought);
    strbuf_drop(&answer);
}

static void prompts_that_end_inside(void **state)
{
    (void)state;
    assert_true(think_is_open(SLICE("a<think>")));
    assert_true(think_is_open(SLICE("<think>\n")));
    assert_false(think_is_open(SLICE("<think>\n\n</think>\n\n")));
    assert_false(think_is_open(SLICE("<think>a")));
    assert_false(think_is_open(SLICE("")));
}

static enum err push_once(void *arg)
{
    struct strbuf thought = { .at = NULL }, answer = { .at = NULL };
    struct think t;
    (void)arg;
    think_init(&t, THINK_START);
    think_push(&t, SLICE("<think>one</think>two"), &thought, &answer);
    think_end(&t, &thought, &answer);
    bool failed = thought.failed || answer.failed;
    think_drop(&t);
    strbuf_drop(&thought);
    strbuf_drop(&answer);
    return failed ? ERR_NOMEM : ERR_OK;
}

static void no_memory(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(push_once, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_it_is_cut),
        cmocka_unit_test(nothing_is_held_for_long),
        cmocka_unit_test(prompts_that_end_inside),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
