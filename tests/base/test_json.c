#include "support/check.h"

#include "base/json.h"
#include <math.h>
#include <string.h>

static struct json *parse(struct arena *a, const char *text)
{
    struct json *v;
    struct err_info why;
    enum err e = json_parse(&v, a, slice_of(text), JSON_DEPTH, &why);
    if (e != ERR_OK)
        fail_msg("%s: %s", text, why.text);
    return v;
}

static void tree(void **state)
{
    struct arena a = { 0 };
    (void)state;

    struct json *v = parse(&a, " {\"a\": [1, -2, 2.5, \"x\\u20acy\\n\"],\n"
                               "  \"b\": {\"c\": {\"d\": true}}, \"\": null} ");
    assert_int_equal(v->kind, JSON_OBJECT);
    assert_int_equal(v->n, 3);
    const struct json *list = json_get(v, "a");
    assert_int_equal(list->n, 4);
    assert_true(json_at(list, 0)->integer.magnitude == 1);
    assert_true(json_at(list, 1)->integer.negative);
    assert_true(json_at(list, 2)->number == 2.5);
    assert_true(slice_is(json_at(list, 3)->string, "x\xe2\x82\xacy\n"));
    assert_null(json_at(list, 4));
    assert_true(json_path(v, "b.c.d")->boolean);
    assert_null(json_path(v, "b.x.d"));
    assert_true(json_is(json_get(v, ""), JSON_NULL));
    assert_null(json_get(NULL, "a"));
    arena_drop(&a);
}

static void exact_integers(void **state)
{
    struct arena a = { 0 };
    (void)state;

    struct json *v = parse(&a, "[18446744073709551615, -9223372036854775808, "
                               "18446744073709551616, 1e3, 1.0]");
    assert_int_equal(json_at(v, 0)->kind, JSON_INT);
    assert_true(json_at(v, 0)->integer.magnitude == UINT64_MAX);
    assert_true(json_at(v, 1)->integer.negative);
    assert_true(json_at(v, 1)->integer.magnitude == (uint64_t)1 << 63);
    assert_int_equal(json_at(v, 2)->kind, JSON_FLOAT);
    assert_true(json_at(v, 2)->number == 18446744073709551616.0);
    assert_int_equal(json_at(v, 3)->kind, JSON_FLOAT);
    assert_int_equal(json_at(v, 4)->kind, JSON_FLOAT);
    arena_drop(&a);
}

static void refusals(void **state)
{
    static const char *const bad[] = {
        "", " ", "[", "{", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1",
        "{\"a\":1,", "{\"a\":1,}", "{a:1}", "[1 2]", "1 2", "nul", "truE", "NaN",
        "Infinity", "-Infinity", "+1", "01", "-", "1.", ".5", "1e", "1e+",
        "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",
        "\"\\ud800\\u0041\"", "\"\x01\"", "\"\x80\"", "]", "}", "[}", "{]",
        "{\"a\":1,\"a\":2}", "\xef\xbb\xbf[]", "[1]x",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena a = { 0 };
        struct json *v;
        struct err_info why = { 0 };
        if (json_parse(&v, &a, slice_of(bad[i]), JSON_DEPTH, &why)
            != ERR_FORMAT)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(why.text, "line "));
        arena_drop(&a);
    }
}

static void skip_and_place(void **state)
{
    struct json_reader r;
    struct json_token t;
    struct slice raw;
    struct err_info why;
    (void)state;

    json_reader_init(&r, SLICE("{\"x\":\n {\"y\":[1,{}]} , \"z\":\"s\",!"), 8);
    assert_int_equal(json_next(&r, &t, &why), ERR_OK);
    assert_int_equal(json_next(&r, &t, &why), ERR_OK);
    assert_true(slice_is(t.key, "x"));
    assert_int_equal(json_skip(&r, &t, &raw, &why), ERR_OK);
    assert_true(slice_is(raw, "{\"y\":[1,{}]}"));
    assert_int_equal(json_next(&r, &t, &why), ERR_OK);
    assert_int_equal(json_skip(&r, &t, &raw, &why), ERR_OK);
    assert_true(slice_is(raw, "\"s\""));
    assert_int_equal(json_next(&r, &t, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "line 2, column 25 (byte 30)"));
}

static void numbers_written(void **state)
{
    static const struct { double v; const char *text; } rows[] = {
        { 0.0, "0" }, { 1.0, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" },
        { 1e22, "1e+22" }, { 12345678901234568.0, "12345678901234568" },
        { 5e-324, "5e-324" }, { 1.7976931348623157e308,
                                "1.7976931348623157e+308" },
        { 0.001, "0.001" }, { 1e-7, "1e-07" }, { NAN, "null" },
        { -HUGE_VAL, "null" }, { 0.30000000000000004, "0.30000000000000004" },
    };
    struct strbuf b = { 0 };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        strbuf_clear(&b);
        json_put_double(&b, rows[i].v);
        assert_string_equal(strbuf_cstr(&b), rows[i].text);
    }
    strbuf_clear(&b);
    json_put_float(&b, 0.1f);
    assert_string_equal(strbuf_cstr(&b), "0.1");
    strbuf_clear(&b);
    json_put_string(&b, SLICE("a\"\\\n\x01\xff\xe2\x82\xac/"));
    assert_string_equal(strbuf_cstr(&b),
                        "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xe2\x82\xac/\"");
    strbuf_drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree),
        cmocka_unit_test(exact_integers),
        cmocka_unit_test(refusals),
        cmocka_unit_test(skip_and_place),
        cmocka_unit_test(numbers_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
