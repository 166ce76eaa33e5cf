#include "support/check.h"

#include "base/json.h"
#include "support/alloc_fail.h"
#include <stdio.h>
#include <stdlib.h>

static struct json *parse(struct arena *a, struct slice text)
{
    struct json *v;
    struct err_info why;

    if (json_parse(&v, a, text, JSON_DEPTH, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return v;
}

static void look_up(void **state)
{
    struct arena a = { 0 };
    (void)state;

    struct json *v = parse(&a, SLICE(
        " {\"a\": [1, -2, 2.5, \"x\\u20acy\\n\"],\n"
        "  \"b\": {\"c\": {\"d\": true}}, \"\": null, \"\\u0061b\": \"\"} "));
    assert_int_equal(v->kind, JSON_OBJECT);
    assert_int_equal(v->n, 4);
    const struct json *list = json_get(v, "a");
    assert_int_equal(list->n, 4);
    assert_true(json_at(list, 0)->integer.magnitude == 1);
    assert_true(json_at(list, 1)->integer.negative);
    assert_true(json_at(list, 2)->number == 2.5);
    assert_true(slice_is(json_at(list, 3)->string, "x\xe2\x82\xacy\n"));
    assert_null(json_at(list, 4));
    assert_null(json_at(v, 0));
    assert_true(json_path(v, "b.c.d")->boolean);
    assert_true(json_path(v, "a") == list);
    assert_null(json_path(v, "b.x.d"));
    assert_null(json_path(v, "a.c"));
    assert_true(json_is(json_get(v, ""), JSON_NULL));
    assert_true(json_is(json_get(v, "ab"), JSON_STRING));
    assert_int_equal(json_get(v, "ab")->string.len, 0);
    assert_null(json_get(NULL, "a"));
    assert_null(json_get(list, "a"));
    arena_drop(&a);
}

/* Offsets let callers point at a value that is lawful JSON but wrong. */
static void offsets(void **state)
{
    struct arena a = { 0 };
    struct slice text = SLICE("{ \"key\" : [ 10, \"x\" ] }");
    (void)state;

    struct json *v = parse(&a, text);
    assert_int_equal(v->offset, 0);
    const struct json *list = json_get(v, "key");
    assert_int_equal(text.at[list->offset], 'k');
    assert_int_equal(text.at[json_at(list, 0)->offset], '1');
    assert_int_equal(text.at[json_at(list, 1)->offset], 'x');
    arena_drop(&a);
}

static void refuse(struct slice text, enum err code, const char *words)
{
    struct arena a = { 0 };
    struct err_info why = { 0 };
    struct json *v = (struct json *)&a;

    if (json_parse(&v, &a, text, JSON_DEPTH, &why) != code)
        fail_msg("not refused: %.*s", (int)text.len, text.at);
    assert_null(v);
    if (strstr(why.text, words) == NULL)
        fail_msg("should say \"%s\", says: %s", words, why.text);
    assert_int_equal(json_parse(&v, &a, text, JSON_DEPTH, NULL), code);
    arena_drop(&a);
}

static void keys_twice(void **state)
{
    (void)state;
    refuse(SLICE("{\"a\":1,\n\"a\":2}"), ERR_FORMAT,
           "line 2, column 2 (byte 9): the key \"a\" stands twice");
    refuse(SLICE("[{\"x\":{\"b\":1,\"c\":2,\"b\":2}}]"), ERR_FORMAT,
           "(byte 20): the key \"b\"");
    /* Equal in meaning, different in writing. */
    refuse(SLICE("{\"ab\":1,\"\\u0061b\":2}"), ERR_FORMAT, "\"ab\"");
    refuse(SLICE("{\"\":1,\"\":2}"), ERR_FORMAT, "\"\" stands twice");
    struct arena a = { 0 };
    parse(&a, SLICE("[{\"a\":1},{\"a\":{\"a\":[]}}]"));
    parse(&a, SLICE("{\"a\\u0000b\":1,\"a\\u0000c\":2,\"a\":3}"));
    arena_drop(&a);
}

static void other_refusals(void **state)
{
    (void)state;
    refuse(SLICE("[1,2"), ERR_FORMAT, "(byte 4)");
    refuse(SLICE("[1] 2"), ERR_FORMAT, "nothing behind");
    refuse((struct slice){ 0 }, ERR_FORMAT, "a value was expected");
    char deep[80];
    memset(deep, '[', sizeof deep);
    refuse((struct slice){ deep, sizeof deep }, ERR_LIMIT, "64 levels");
}

/* An object of n keys; key `twice` (if < n) is called like the first. */
static struct slice many_keys(struct strbuf *b, size_t n, size_t twice)
{
    strbuf_clear(b);
    strbuf_putc(b, '{');
    for (size_t i = 0; i < n; i++)
        strbuf_printf(b, "%s\"key%zu\":%zu", i == 0 ? "" : ",",
                      i == twice ? 0 : i, i);
    strbuf_putc(b, '}');
    return strbuf_slice(b);
}

static void many(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    for (size_t n = 2; n < 200; n++) {
        struct arena a = { 0 };
        assert_int_equal(parse(&a, many_keys(&b, n, n))->n, n);
        arena_drop(&a);
        refuse(many_keys(&b, n, n - 1), ERR_FORMAT, "\"key0\" stands twice");
        refuse(many_keys(&b, n, 1 + n / 3), ERR_FORMAT, "\"key0\"");
    }
    /* Quadratic work on these would take minutes. */
    refuse(many_keys(&b, 300000, 299999), ERR_FORMAT, "\"key0\"");
    strbuf_drop(&b);
}

static void deepest(void **state)
{
    struct arena a = { 0 };
    struct json *v;
    char text[2 * JSON_DEPTH_MAX];
    (void)state;

    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    assert_int_equal(json_parse(&v, &a, (struct slice){ text, sizeof text },
                                JSON_DEPTH_MAX, NULL), ERR_OK);
    size_t n = 0;
    for (const struct json *at = v; at != NULL; at = json_at(at, 0))
        n++;
    assert_int_equal(n, JSON_DEPTH_MAX);
    arena_drop(&a);
}

static enum err parse_once(void *arg)
{
    struct arena a = { 0 };
    struct json *v;
    enum err e = json_parse(&v, &a, *(struct slice *)arg, JSON_DEPTH, NULL);

    arena_drop(&a);
    return e;
}

static void memory_fails(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    struct slice text = many_keys(&b, 100, 100);
    assert_true(alloc_fail_each(parse_once, &text) > 3);
    strbuf_puts(&b, "");
    text = SLICE("[\"\\u20ac\", {\"\\n\": \"plain\"}]");
    assert_int_equal(alloc_fail_each(parse_once, &text), 2);
    strbuf_drop(&b);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(json_kind_name(JSON_ARRAY), "an array");
    assert_string_equal(json_kind_name(JSON_INT), "an integer");
    for (int kind = JSON_NULL; kind <= JSON_END; kind++)
        assert_non_null(json_kind_name((enum json_kind)kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_up),
        cmocka_unit_test(offsets),
        cmocka_unit_test(keys_twice),
        cmocka_unit_test(other_refusals),
        cmocka_unit_test(many),
        cmocka_unit_test(deepest),
        cmocka_unit_test(memory_fails),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
