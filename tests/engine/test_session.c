#include "support/check.h"

#include "engine/session.h"
#include "fake_runner.h"

#include <stdlib.h>
#include <string.h>

static const struct fake_options ordinary = { .n_blocks = 200, .block = 4,
    .n_seqs = 4, .max_tokens = 64, .max_rows = 64, .ctx = 200 };

static struct session *open_on(struct fake *f)
{
    struct session *s;
    struct session_parts parts = { .runner = &f->runner };
    assert_int_equal(session_open_on(&s, &parts, 0, NULL), ERR_OK);
    return s;
}

static void some_tokens(int32_t *t, size_t n, int32_t salt)
{
    for (size_t i = 0; i < n; i++)
        t[i] = (int32_t)((i * 11 + (size_t)salt * i / 3 + (size_t)salt)
                         % FAKE_VOCAB);
}

/* Rows arrive in order of positions, each as if the prefix had run alone. */
struct rows {
    const int32_t *tokens;
    uint32_t       next, wrong;
};

static enum err see_row(void *arg, uint32_t pos, const float *logits,
                        struct err_info *why)
{
    struct rows *r = arg;
    float want[FAKE_VOCAB];
    (void)why;
    fake_logits(want, r->tokens, pos + 1);
    r->wrong += memcmp(want, logits, sizeof want) != 0 || pos != r->next;
    r->next = pos + 1;
    return ERR_OK;
}

static void rows_do_not_depend_on_chunks(void **state)
{
    static struct fake f;
    static const size_t chunks[] = { 0, 1, 7, 64, 512 };
    static const size_t froms[] = { 0, 50, 99 };
    int32_t tokens[100];
    (void)state;
    some_tokens(tokens, 100, 1);
    for (size_t c = 0; c < 5; c++)
        for (size_t from = 0; from < 3; from++) {
            fake_open(&f, &ordinary);
            struct session *s = open_on(&f);
            struct rows rows = { tokens, (uint32_t)froms[from], 0 };
            struct session_run r = { .tokens = tokens, .n = 100,
                .rows_from = froms[from], .chunk = chunks[c], .row = see_row,
                .arg = &rows };
            assert_int_equal(session_run(s, &r, NULL), ERR_OK);
            assert_int_equal(rows.next, 100);
            assert_int_equal(rows.wrong, 0);
            assert_non_null(session_logits(s));
            session_close(s);
            assert_int_equal(fake_blocks_used(&f), 0);
        }
}

static void feeding_reuses_what_is_common(void **state)
{
    static struct fake f;
    int32_t tokens[120];
    size_t reused, n;
    float want[FAKE_VOCAB];
    (void)state;
    fake_open(&f, &ordinary);
    struct session *s = open_on(&f);
    some_tokens(tokens, 120, 2);
    struct session_run r = { .tokens = tokens, .n = 100, .rows_from = 99 };
    assert_int_equal(session_feed(s, &r, &reused, NULL), ERR_OK);
    assert_int_equal(reused, 0);
    tokens[90]++;
    r.n = 120;
    r.rows_from = 119;
    assert_int_equal(session_feed(s, &r, &reused, NULL), ERR_OK);
    assert_int_equal(reused, 90);
    fake_logits(want, tokens, 120);
    assert_memory_equal(want, session_logits(s), sizeof want);
    assert_int_equal(session_feed(s, &r, &reused, NULL), ERR_OK);
    assert_int_equal(reused, 119);             /* the last one runs again */
    assert_memory_equal(want, session_logits(s), sizeof want);
    r.n = r.rows_from = 60;                     /* shorter, no row */
    assert_int_equal(session_feed(s, &r, &reused, NULL), ERR_OK);
    assert_int_equal(reused, 60);
    assert_null(session_logits(s));
    assert_memory_equal(session_tokens(s, &n), tokens, 60 * sizeof *tokens);
    assert_int_equal(n, 60);
    assert_int_equal(f.n_ran, 100 + 30 + 1);
    session_close(s);
}

static void the_context_is_honest(void **state)
{
    static struct fake f;
    int32_t tokens[201];
    struct err_info why;
    size_t n;
    (void)state;
    fake_open(&f, &ordinary);
    struct session *s = open_on(&f);
    some_tokens(tokens, 201, 3);
    struct session_run r = { .tokens = tokens, .n = 201, .rows_from = 200 };
    assert_int_equal(session_run(s, &r, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "201"));
    assert_non_null(strstr(why.text, "200"));
    r.n = 200;
    assert_int_equal(session_run(s, &r, &why), ERR_OK);
    assert_int_equal(session_room(s), 0);
    r.n = 1;
    assert_int_equal(session_run(s, &r, &why), ERR_LIMIT);
    session_tokens(s, &n);
    assert_int_equal(n, 200);
    r.n = 0;
    assert_int_equal(session_run(s, &r, &why), ERR_REQUEST);
    tokens[0] = FAKE_VOCAB;
    r.n = 1;
    session_truncate(s, 0);
    assert_int_equal(session_run(s, &r, &why), ERR_REQUEST);
    session_close(s);
}

static bool at_third(void *arg, const char *doing, uint64_t done,
                     uint64_t total)
{
    (void)doing;
    assert_int_equal(total, 100);
    return ++*(int *)arg == 3 && done == 32;
}

static bool at_once(void *arg, const char *doing, uint64_t done, uint64_t total)
{
    (void)arg, (void)doing, (void)done, (void)total;
    return true;
}

static void cancelled_in_the_middle(void **state)
{
    static struct fake f;
    int32_t tokens[100];
    int calls = 0;
    float want[FAKE_VOCAB];
    size_t n, reused;
    struct progress progress = { at_third, &calls };
    (void)state;
    fake_open(&f, &ordinary);
    struct session *s = open_on(&f);
    some_tokens(tokens, 100, 4);
    struct session_run r = { .tokens = tokens, .n = 100, .rows_from = 99,
        .chunk = 16, .progress = &progress };
    assert_int_equal(session_feed(s, &r, NULL, NULL), ERR_CANCELLED);
    session_tokens(s, &n);
    assert_int_equal(n, 32);
    assert_null(session_logits(s));
    r.progress = NULL;
    assert_int_equal(session_feed(s, &r, &reused, NULL), ERR_OK);
    assert_int_equal(reused, 32);
    fake_logits(want, tokens, 100);
    assert_memory_equal(want, session_logits(s), sizeof want);
    /* Nothing runs, and no old row stays. */
    r = (struct session_run){ .tokens = tokens, .n = 100, .rows_from = 99,
        .progress = &(struct progress){ at_once, NULL } };
    assert_int_equal(session_run(s, &r, NULL), ERR_CANCELLED);
    assert_null(session_logits(s));
    session_close(s);
}

static void forks_go_their_own_way(void **state)
{
    static struct fake f;
    int32_t tokens[60];
    struct session *b, *c;
    struct sample one, two;
    struct sampling p = sampling_off();
    struct err_info why;
    (void)state;
    fake_open(&f, &ordinary);
    struct session *a = open_on(&f);
    some_tokens(tokens, 60, 5);
    struct session_run r = { .tokens = tokens, .n = 50, .rows_from = 49 };
    assert_int_equal(session_run(a, &r, NULL), ERR_OK);
    assert_int_equal(session_sample(a, &p, 50, &one, NULL), ERR_OK);
    assert_int_equal(session_fork(&b, a, 49, NULL), ERR_OK);
    assert_int_equal(session_sample(b, &p, 49, &two, &why), ERR_REQUEST);
    r = (struct session_run){ .tokens = tokens + 49, .n = 1 };
    assert_int_equal(session_run(b, &r, NULL), ERR_OK);
    assert_int_equal(session_sample(b, &p, 50, &two, NULL), ERR_OK);
    assert_int_equal(one.id, two.id);
    p.temperature = 3;
    assert_int_equal(session_sample(b, &p, 50, &two, &why), ERR_REQUEST);
    assert_int_equal(session_fork(&c, a, 0, NULL), ERR_OK);
    session_close(a);
    session_close(b);
    session_close(c);
    assert_int_equal(fake_blocks_used(&f), 0);
    assert_int_equal(fake_seqs_open(&f), 0);
}

static void sequences_run_out(void **state)
{
    static struct fake f;
    struct session *s[4], *more;
    struct err_info why;
    struct session_parts parts = { .runner = &f.runner };
    (void)state;
    fake_open(&f, &ordinary);
    for (size_t i = 0; i < 4; i++)
        s[i] = open_on(&f);
    assert_int_equal(session_open_on(&more, &parts, 0, &why), ERR_FULL);
    assert_int_equal(session_open_on(&more, &parts, 201, &why), ERR_LIMIT);
    for (size_t i = 0; i < 4; i++)
        session_close(s[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_do_not_depend_on_chunks),
        cmocka_unit_test(feeding_reuses_what_is_common),
        cmocka_unit_test(the_context_is_honest),
        cmocka_unit_test(cancelled_in_the_middle),
        cmocka_unit_test(forks_go_their_own_way),
        cmocka_unit_test(sequences_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
