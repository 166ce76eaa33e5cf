#include "support/check.h"

#include "serve/http_chunk.h"
#include "support/edge.h"

struct outcome {
    enum read_state state;
    int             status;
    size_t          n_left;
    char            body[64];
    size_t          body_len;
};

/* Feed pieces of `step` bytes, each at an unreadable page. */
static struct outcome feed(struct slice text, size_t step, uint64_t limit)
{
    struct chunk_reader r = { .limit = limit };
    struct outcome out = { .state = READ_MORE };
    struct strbuf body = { 0 };
    struct edge e;

    edge_open(&e, step);
    while (text.len > 0 && out.state == READ_MORE) {
        size_t n = step < text.len ? step : text.len;
        struct slice part = edge_put(&e, (struct slice){ text.at, n });
        out.state = chunk_read(&r, &part, &body);
        text = slice_from(text, n - part.len);
    }
    edge_close(&e);
    out.status = r.status;
    out.n_left = text.len;
    assert_true(body.len <= sizeof out.body);
    if (body.len > 0)
        memcpy(out.body, body.at, body.len);
    out.body_len = body.len;
    strbuf_drop(&body);
    return out;
}

static struct outcome judge(struct slice text, uint64_t limit)
{
    struct outcome whole = feed(text, text.len, limit);
    struct outcome slow = feed(text, 1, limit);

    assert_int_equal(whole.state, slow.state);
    assert_int_equal(whole.status, slow.status);
    assert_int_equal(whole.body_len, slow.body_len);
    assert_memory_equal(whole.body, slow.body, whole.body_len);
    if (whole.state == READ_DONE)
        assert_int_equal(whole.n_left, slow.n_left);
    return whole;
}

static void test_good_bodies(void **state)
{
    static const struct { const char *text, *body; size_t n_left; } rows[] = {
        { "0\r\n\r\n", "", 0 },
        { "5\r\nhello\r\n0\r\n\r\n", "hello", 0 },
        { "5\r\nhello\r\n00\r\n\r\nGET", "hello", 3 },
        { "2\r\nhe\r\nA\r\n0123456789\r\n0\r\n\r\n", "he0123456789", 0 },
        { "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0 },
        { "1;a=b\r\nx\r\n0;c\r\n\r\n", "x", 0 },
        { "1\r\n\n\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "\n", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome got = judge(slice_of(rows[i].text), 64);
        if (got.state != READ_DONE || got.n_left != rows[i].n_left)
            fail_msg("row %zu: state %d", i, (int)got.state);
        assert_true(slice_is((struct slice){ got.body, got.body_len },
                             rows[i].body));
    }
}

static void test_every_prefix_asks_for_more(void **state)
{
    static const char text[] = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";

    (void)state;
    for (size_t n = 1; n < strlen(text); n++)
        assert_int_equal(judge((struct slice){ text, n }, 64).state,
                         READ_MORE);
    assert_int_equal(judge(slice_of(text), 64).state, READ_DONE);
}

static void test_bad_bodies(void **state)
{
    static const char *const rows[] = {
        "\r\n", "x\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n", "+5\r\n", "-1\r\n",
        "0x5\r\n", "5\nhello\r\n", "5\r\nhello0\r\n", "5\r\nhello\n", "5\rx",
        "1234567890123456\r\n", "0\r\n\n", "0\r\n:\r\n", "0\r\n a\r\n",
        "0\r\nA: b\n\r\n", "0\r\nA: \001\r\n\r\n", "1;\001\r\n", ";\r\n",
        "0\r\n\r\r",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome got = judge(slice_of(rows[i]), 64);
        if (got.state != READ_BAD || got.status != 400)
            fail_msg("row %zu: state %d", i, (int)got.state);
    }
}

/* Refused when the size is read: nobody waits for bytes that will not be taken */
static void test_limit(void **state)
{
    (void)state;
    assert_int_equal(judge(SLICE("5\r\nhello\r\n0\r\n\r\n"), 5).state,
                     READ_DONE);
    assert_int_equal(judge(SLICE("6\r\n"), 5).status, 413);
    assert_int_equal(judge(SLICE("3\r\nabc\r\n3\r\n"), 5).status, 413);
    assert_int_equal(judge(SLICE("fffffffffffffff\r\n"), 5).status, 413);
}

static void test_endless_extras(void **state)
{
    static char text[2 * CHUNK_EXTRA_MAX];

    (void)state;
    memset(text, 'a', sizeof text);
    text[1] = ';';
    assert_int_equal(feed((struct slice){ text, sizeof text }, 97, 64).status,
                     431);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(feed((struct slice){ text, sizeof text }, 97, 64).status,
                     431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_bodies),
        cmocka_unit_test(test_every_prefix_asks_for_more),
        cmocka_unit_test(test_bad_bodies),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_endless_extras),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
