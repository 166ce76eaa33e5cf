#include "support/check.h"

#include "serve/http_head.h"
#include "support/edge.h"

/* Read at an unreadable page: whole, and fed byte by byte.  Both must agree. */
static enum read_state judge(struct http_head *h, struct slice text)
{
    struct http_head slow = { 0 };
    enum read_state state = READ_MORE, whole;
    struct edge e;

    edge_open(&e, text.len);
    for (size_t n = 0; n <= text.len && state == READ_MORE; n++) {
        struct slice part = edge_put(&e, (struct slice){ text.at, n });
        state = head_read(&slow, part);
    }
    *h = (struct http_head){ 0 };
    whole = head_read(h, edge_put(&e, text));
    edge_close(&e);
    assert_int_equal(whole, state);
    if (state == READ_BAD)
        assert_int_equal(h->status, slow.status);
    /* Slices now point nowhere; take them from the caller's own bytes. */
    *h = (struct http_head){ 0 };
    return head_read(h, text);
}

static const char good[] =
    "POST /v1/jobs?a=1 HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "Content-Length: 12\r\n"
    "X-Empty:\r\n"
    "Authorization:   Bearer abc \t\r\n"
    "\r\n";

static void test_good_head(void **state)
{
    struct http_head h;

    (void)state;
    assert_int_equal(judge(&h, slice_of(good)), READ_DONE);
    assert_int_equal(h.size, strlen(good));
    assert_true(slice_is(h.method, "POST"));
    assert_true(slice_is(h.path, "/v1/jobs"));
    assert_true(slice_is(h.query, "a=1"));
    assert_true(slice_is(h.host, "localhost:8080"));
    assert_true(slice_is(head_field(&h, "AUTHORIZATION"), "Bearer abc"));
    assert_true(head_field(&h, "x-empty").at != NULL);
    assert_true(head_field(&h, "x-none").at == NULL);
    assert_true(h.has_length && h.length == 12 && !h.chunked);
    assert_true(h.keep_alive);
}

static void test_every_prefix_asks_for_more(void **state)
{
    struct edge e;

    (void)state;
    edge_open(&e, sizeof good);
    for (size_t n = 0; n < strlen(good); n++) {
        struct http_head h = { 0 };
        struct slice part = edge_put(&e, (struct slice){ good, n });
        assert_int_equal(head_read(&h, part), READ_MORE);
    }
    edge_close(&e);
}

#define HEAD(fields) "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

/* What two readers could take in two ways, and plain nonsense. */
static const struct { const char *text; int status; } bad_heads[] = {
    { HEAD("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400 },
    { HEAD("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400 },
    { HEAD("Content-Length: 5\r\nContent-Length: 5\r\n"), 400 },
    { HEAD("Content-Length: 5\r\nContent-Length: 6\r\n"), 400 },
    { HEAD("Content-Length: 5, 5\r\n"), 400 },
    { HEAD("Content-Length: +5\r\n"), 400 },
    { HEAD("Content-Length: -5\r\n"), 400 },
    { HEAD("Content-Length: 0x5\r\n"), 400 },
    { HEAD("Content-Length:\r\n"), 400 },
    { HEAD("Content-Length: 5 5\r\n"), 400 },
    { HEAD("Content-Length: 99999999999999999999\r\n"), 400 },
    { HEAD("Transfer-Encoding: gzip, chunked\r\n"), 400 },
    { HEAD("Transfer-Encoding: identity\r\n"), 400 },
    { HEAD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      400 },
    { HEAD("Transfer-Encoding: xchunked\r\n"), 400 },
    { HEAD("Transfer-Encoding: \"chunked\"\r\n"), 400 },
    { HEAD("Host: b\r\n"), 400 },
    { HEAD("host: a\r\n"), 400 },
    { "GET / HTTP/1.1\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
    { "GET / HTTP/1.1\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\n\r\n", 400 },
    { "GET / HTTP/1.1\r\nHost: a\r\n\n", 400 },
    { "\n", 400 },
    { HEAD("A: b\r\n c\r\n"), 400 },
    { HEAD("A: b\r\n\tc\r\n"), 400 },
    { "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400 },
    { HEAD("A : b\r\n"), 400 },
    { HEAD("A\t: b\r\n"), 400 },
    { HEAD(": b\r\n"), 400 },
    { HEAD("A\r\n"), 400 },
    { HEAD("A: b\rc\r\n"), 400 },
    { HEAD("A: b\001\r\n"), 400 },
    { HEAD("A: b\177\r\n"), 400 },
    { HEAD("A(: b\r\n"), 400 },
    { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400 },
    { "GET /\r\nHost: a\r\n\r\n", 400 },
    { "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET /a\001b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "G<T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GETGETGETGETGETGE / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
    { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
    { "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505 },
    { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
    { HEAD("Expect: tea\r\n"), 417 },
    { "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
};

static void test_bad_heads(void **state)
{
    struct http_head h;

    (void)state;
    for (size_t i = 0; i < sizeof bad_heads / sizeof *bad_heads; i++) {
        enum read_state got = judge(&h, slice_of(bad_heads[i].text));
        if (got != READ_BAD || h.status != bad_heads[i].status)
            fail_msg("row %zu: state %d, status %d", i, (int)got, h.status);
        assert_non_null(h.fault);
    }
}

static void test_nul_bytes(void **state)
{
    struct http_head h;

    (void)state;
    assert_int_equal(judge(&h, SLICE("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")),
                     READ_BAD);
    assert_int_equal(judge(&h, SLICE("GET / HTTP/1.1\r\nHost: \0\r\n\r\n")),
                     READ_BAD);
    assert_int_equal(judge(&h, SLICE("GET / HTTP/1.1\r\nH\0: a\r\n\r\n")),
                     READ_BAD);
}

static const char *const good_heads[] = {
    HEAD(""),
    HEAD("Transfer-Encoding: Chunked\r\n"),
    HEAD("Expect: 100-Continue\r\n"),
    HEAD("X: \xc3\xa4\r\n"),
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a:1/x?y HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
};

static void test_good_heads(void **state)
{
    struct http_head h;

    (void)state;
    for (size_t i = 0; i < sizeof good_heads / sizeof *good_heads; i++)
        if (judge(&h, slice_of(good_heads[i])) != READ_DONE)
            fail_msg("row %zu: %s", i, h.fault);
}

static void test_absolute_target(void **state)
{
    struct http_head h;

    (void)state;
    assert_int_equal(judge(&h, slice_of(good_heads[7])), READ_DONE);
    assert_true(slice_is(h.path, "/x") && slice_is(h.query, "y"));
    assert_int_equal(judge(&h, SLICE("GET http://a HTTP/1.1\r\nHost: a\r\n"
                                     "\r\n")), READ_DONE);
    assert_true(slice_is(h.path, "/"));
    assert_int_equal(judge(&h, SLICE("GET http://a?b/c HTTP/1.1\r\nHost: a\r\n"
                                     "\r\n")), READ_DONE);
    assert_true(slice_is(h.path, "/") && slice_is(h.query, "b/c"));
}

static void test_connection(void **state)
{
    static const struct { const char *text; bool keep; } rows[] = {
        { HEAD(""), true },
        { HEAD("Connection: close\r\n"), false },
        { HEAD("Connection: x, Close\r\n"), false },
        { HEAD("Connection: closed\r\n"), true },
        { "GET / HTTP/1.0\r\n\r\n", false },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
    };
    struct http_head h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(judge(&h, slice_of(rows[i].text)), READ_DONE);
        assert_int_equal(h.keep_alive, rows[i].keep);
    }
}

/* Heads without end. */
static void test_limits(void **state)
{
    static char big[2 * HEAD_SIZE_MAX];
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    size_t n = strlen(start);
    struct http_head h = { 0 };

    (void)state;
    memset(big, 'a', sizeof big);
    memcpy(big, start, n);
    assert_int_equal(head_read(&h, (struct slice){ big, HEAD_SIZE_MAX }),
                     READ_MORE);
    assert_int_equal(head_read(&h, (struct slice){ big, HEAD_SIZE_MAX + 1 }),
                     READ_BAD);
    assert_int_equal(h.status, 431);

    for (; n + 6 < sizeof big; n += 6)
        memcpy(big + n, "A: b\r\n", 6);
    h = (struct http_head){ 0 };
    assert_int_equal(head_read(&h, (struct slice){ big, n }), READ_BAD);
    assert_int_equal(h.status, 431);

    n = strlen(start) + 6 * (HEAD_FIELDS_MAX - 1);
    memcpy(big + n, "\r\n", 2);
    assert_int_equal(judge(&h, (struct slice){ big, n + 2 }), READ_DONE);
    memcpy(big + n, "A: b\r\n\r\n", 8);
    assert_int_equal(judge(&h, (struct slice){ big, n + 8 }), READ_BAD);
    assert_int_equal(h.status, 431);
}

static void test_long_target(void **state)
{
    static char text[TARGET_SIZE_MAX + 64];
    struct http_head h;

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    static const char end[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    memcpy(text + 4 + TARGET_SIZE_MAX, end, sizeof end);
    assert_int_equal(judge(&h, slice_of(text)), READ_DONE);
    memcpy(text + 5 + TARGET_SIZE_MAX, end, sizeof end);
    text[4 + TARGET_SIZE_MAX] = 'a';
    assert_int_equal(judge(&h, slice_of(text)), READ_BAD);
    assert_int_equal(h.status, 414);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_head),
        cmocka_unit_test(test_every_prefix_asks_for_more),
        cmocka_unit_test(test_bad_heads),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_good_heads),
        cmocka_unit_test(test_absolute_target),
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
