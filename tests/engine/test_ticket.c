#include "support/check.h"

#include "engine/ticket.h"
#include "support/alloc_fail.h"

#include <string.h>

enum { MOST = 4 };

static struct ticket *open_ticket(void)
{
    struct ticket *t;
    assert_int_equal(ticket_open(&t, MOST, NULL), ERR_OK);
    return t;
}

static bool put(struct ticket *t, int32_t id, const char *text)
{
    struct sample sample = { .id = id, .logprob = (float)-id };
    return ticket_put_token(t, &(struct job_event){
        .token = &sample, .text = slice_of(text) });
}

static bool put_end(struct ticket *t, const char *text,
                    enum job_reason reason, const struct err_info *error)
{
    struct job_usage usage = { .n_prompt = 7 };
    return ticket_put_end(t, &(struct job_event){
        .done = true, .text = slice_of(text), .reason = reason, .stop = 3,
        .usage = &usage, .error = error });
}

static void expect_token(struct ticket *t, int32_t id, const char *text,
                         size_t n_output)
{
    struct piece p;
    assert_int_equal(ticket_take(t, &p), PIECE_TOKEN);
    assert_int_equal(p.token->id, id);
    assert_true(p.token->logprob == (float)-id);
    assert_true(slice_is(p.text, text));
    assert_int_equal(p.n_output, n_output);
}

static void expect_nothing(struct ticket *t)
{
    struct piece p;
    assert_int_equal(ticket_take(t, &p), PIECE_NONE);
}

static void close_both(struct ticket *t)
{
    ticket_leave(t);
    ticket_release(t);
}

/* ---- tests ---- */

static void first_in_first_out(void **state)
{
    struct ticket *t = open_ticket();
    struct piece p;
    (void)state;
    ticket_put_started(t);
    put(t, 1, "one");
    put(t, 2, "two");
    assert_int_equal(ticket_take(t, &p), PIECE_STARTED);
    expect_token(t, 1, "one", 1);
    put(t, 3, "three");              /* while some of the last is unread */
    expect_token(t, 2, "two", 2);
    put_end(t, "rest", JOB_STOP, NULL);
    expect_token(t, 3, "three", 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ticket_take(t, &p), PIECE_END);
        assert_true(slice_is(p.text, "rest"));
        assert_int_equal(p.reason, JOB_STOP);
        assert_int_equal(p.stop, 3);
        assert_int_equal(p.usage->n_prompt, 7);
        assert_null(p.error);
    }
    close_both(t);
}

static void the_start_is_told_once_and_first(void **state)
{
    struct ticket *t = open_ticket();
    struct piece p;
    (void)state;
    expect_nothing(t);
    ticket_put_started(t);
    assert_int_equal(ticket_take(t, &p), PIECE_STARTED);
    expect_nothing(t);
    put_end(t, "", JOB_CANCELLED, NULL);
    assert_int_equal(ticket_take(t, &p), PIECE_END);
    close_both(t);
    t = open_ticket();               /* one that never began */
    put_end(t, "", JOB_TIMEOUT, NULL);
    assert_int_equal(ticket_take(t, &p), PIECE_END);
    close_both(t);
}

static void full_until_it_is_read(void **state)
{
    struct ticket *t = open_ticket();
    (void)state;
    ticket_put_started(t);
    t->told_started = true;
    for (int32_t i = 0; i < MOST; i++) {
        assert_false(atomic_load(&t->full));
        put(t, i, "x");
    }
    assert_true(atomic_load(&t->full));
    expect_token(t, 0, "x", 1);
    assert_false(atomic_load(&t->full));
    for (int32_t i = MOST; i < 2 * MOST; i++)
        put(t, i, "yy");
    assert_true(atomic_load(&t->full));
    for (int32_t i = 1; i < MOST; i++)
        expect_token(t, i, "x", (size_t)i + 1);
    for (int32_t i = MOST; i < 2 * MOST; i++)
        expect_token(t, i, "yy", (size_t)i + 1);
    expect_nothing(t);
    close_both(t);
}

/* Woken when there is something and the reader had found nothing; not again
 * until it has looked. */
static void the_reader_is_woken_once(void **state)
{
    struct ticket *t = open_ticket();
    (void)state;
    assert_true(ticket_put_started(t));
    assert_false(put(t, 1, "a"));
    t->told_started = true;
    expect_token(t, 1, "a", 1);
    assert_false(put(t, 2, "b"));    /* it has not found nothing yet */
    expect_token(t, 2, "b", 2);
    expect_nothing(t);
    assert_true(put(t, 3, "c"));
    assert_false(put_end(t, "", JOB_STOP, NULL));
    close_both(t);
    t = open_ticket();
    ticket_release(t);               /* nobody is there to be woken */
    assert_false(put(t, 1, "a"));
    assert_true(atomic_load(&t->cancel));
    ticket_leave(t);
}

static void errors_are_told(void **state)
{
    struct ticket *t = open_ticket();
    struct err_info error;
    struct piece p;
    (void)state;
    fail(&error, ERR_NUMBER, "not a number");
    put_end(t, "", JOB_ERROR, &error);
    memset(&error, 0, sizeof error);
    assert_int_equal(ticket_take(t, &p), PIECE_END);
    assert_int_equal(p.error->code, ERR_NUMBER);
    assert_string_equal(p.error->text, "not a number");
    close_both(t);
}

/* ---- memory ---- */

/* A text longer than what is set aside. */
static enum err carry(void *arg)
{
    struct ticket *t;
    struct piece p;
    enum err e = ticket_open(&t, MOST, NULL);
    if (e != ERR_OK)
        return e;
    ticket_put_started(t);
    put(t, 1, arg);
    put_end(t, arg, JOB_STOP, NULL);
    while (ticket_take(t, &p) != PIECE_END)
        ;
    e = p.error != NULL ? p.error->code : ERR_OK;
    assert_true(e == ERR_OK || atomic_load(&t->cancel)
                || p.reason == JOB_ERROR);
    close_both(t);
    return e;
}

static void no_memory_is_told(void **state)
{
    char text[5001];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(alloc_fail_each(carry, text) >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(the_start_is_told_once_and_first),
        cmocka_unit_test(full_until_it_is_read),
        cmocka_unit_test(the_reader_is_woken_once),
        cmocka_unit_test(errors_are_told),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
