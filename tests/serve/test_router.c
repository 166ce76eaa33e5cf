#include "support/check.h"

#include "serve/origin.h"
#include "serve/refusal.h"
#include "serve/router.h"
#include "serve/stamp.h"

static const struct route get_a = { .method = "GET", .paths = { "/a", "/b" } };
static const struct route post_a = { .method = "POST", .paths = { "/a" } };
static const struct route part = { .method = "GET",
                                   .paths = { "/jobs/{}/stream" },
                                   .streams = true };
static const struct route rest = { .method = "GET",
                                   .paths = { "/models/{..}" } };
static const struct route root = { .method = "GET", .paths = { "/" } };
static const struct route *const routes[] = { &get_a, &post_a, &part, &rest,
                                              &root, NULL };

static void test_paths(void **state)
{
    static const struct {
        const char *method, *path;
        const struct route *route;
        bool known;
    } rows[] = {
        { "GET", "/a", &get_a, false }, { "GET", "/b", &get_a, false },
        { "POST", "/a", &post_a, true }, { "POST", "/b", NULL, true },
        { "get", "/a", NULL, true }, { "GET", "/a/", NULL, false },
        { "GET", "//a", NULL, false }, { "GET", "/A", NULL, false },
        { "GET", "/jobs/x/stream", &part, false },
        { "GET", "/jobs//stream", NULL, false },
        { "GET", "/jobs/x/y/stream", NULL, false },
        { "GET", "/jobs/x", NULL, false }, { "GET", "/", &root, false },
        { "GET", "*", NULL, false }, { "GET", "/%61", NULL, false },
        { "HEAD", "/a", &get_a, false }, { "HEAD", "/jobs/x/stream", NULL, true },
        { "GET", "/models/x", &rest, false },
        { "GET", "/models/x/y%2Fz", &rest, false },
        { "GET", "/models/", NULL, false }, { "GET", "/models", NULL, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice p = { 0 };
        bool known;
        const struct route *r = router_find(routes, slice_of(rows[i].method),
                                            slice_of(rows[i].path), &p,
                                            &known);
        if (r != rows[i].route || known != rows[i].known)
            fail_msg("row %zu", i);
        if (r == &part)
            assert_true(slice_is(p, "x"));
    }
}

static void test_methods(void **state)
{
    struct strbuf out = { 0 };

    (void)state;
    router_put_methods(&out, routes, SLICE("/a"));
    assert_true(slice_is(strbuf_slice(&out), "GET, HEAD, POST"));
    strbuf_drop(&out);
}

static void test_decoding(void **state)
{
    static const struct { const char *in, *out; } rows[] = {
        { "a%2fb%2Fc", "a/b/c" }, { "%41%7a", "Az" }, { "%", "%" },
        { "%4", "%4" }, { "%zz%20", "%zz " }, { "%2541", "%41" },
        { "a+b", "a+b" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[32];
        size_t n = router_decode(slice_of(rows[i].in), out);
        assert_true(slice_is((struct slice){ out, n }, rows[i].out));
    }
}

static void test_loopback_names(void **state)
{
    static const char *const good[] = {
        "localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:65535", "[::1]",
        "[::1]:8080",
    };
    static const char *const bad[] = {
        "", "localhost.", "localhost.evil", "127.0.0.1.evil", "127.0.0.1:x",
        "localhost:123456", "evil:localhost", "::1", "127.0.0.2@evil",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(origin_is_loopback(slice_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(origin_is_loopback(slice_of(bad[i])));
}

static void test_refusals(void **state)
{
    struct strbuf out = { 0 };

    (void)state;
    refusal_put(&out, REFUSE_QUEUE_FULL, ROUTE_WORKER, "x", "a \"b\"");
    assert_true(slice_is(strbuf_slice(&out), "{\"code\":\"QUEUE_FULL\","
        "\"message\":\"a \\\"b\\\"\",\"retriable\":true}"));
    strbuf_clear(&out);
    refusal_put(&out, REFUSE_MODEL_NOT_FOUND, ROUTE_OPENAI, "model", "no");
    assert_true(slice_is(strbuf_slice(&out), "{\"error\":{\"message\":\"no\","
        "\"type\":\"invalid_request_error\",\"param\":\"model\","
        "\"code\":\"model_not_found\"}}"));
    strbuf_clear(&out);
    refusal_put(&out, REFUSE_INVALID_REQUEST, ROUTE_OPENAI, NULL, "no");
    assert_true(slice_is(strbuf_slice(&out), "{\"error\":{\"message\":\"no\","
        "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}"));
    strbuf_drop(&out);
    assert_int_equal(refusal_status(REFUSE_INFERENCE_TIMEOUT), 408);
    assert_int_equal(refusal_of(ERR_FULL), REFUSE_QUEUE_FULL);
    assert_int_equal(refusal_of_status(431), REFUSE_HEADERS_TOO_LARGE);
}

static void test_ids(void **state)
{
    char a[UUID_SIZE], b[UUID_SIZE], now[STAMP_SIZE];

    (void)state;
    stamp_uuid(a);
    stamp_uuid(b);
    assert_string_not_equal(a, b);
    assert_true(strlen(a) == 36 && a[14] == '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_true(stamp_is_id(slice_of(a), 64));
    assert_false(stamp_is_id(slice_of(a), 35));
    assert_false(stamp_is_id(SLICE(""), 64));
    assert_false(stamp_is_id(SLICE("a.b"), 64));
    stamp_now(now);
    assert_true(strlen(now) == 24 && now[10] == 'T' && now[23] == 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_decoding),
        cmocka_unit_test(test_loopback_names),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
