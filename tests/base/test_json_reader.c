#include "support/check.h"

#include "base/json.h"
#include "support/alloc_fail.h"
#include "support/edge.h"
#include <stdio.h>
#include <stdlib.h>

/* Read to the end; counts tokens. */
static enum err read_all(struct slice text, unsigned max_depth, size_t *n,
                         struct err_info *why)
{
    struct json_reader r;
    struct json_token t;

    *n = 0;
    json_reader_init(&r, text, max_depth);
    do {
        enum err e = json_next(&r, &t, why);
        if (e != ERR_OK)
            return e;
        (*n)++;
    } while (t.kind != JSON_END || r.depth > 0);
    return ERR_OK;
}

static void accepts(void **state)
{
    static const struct { const char *text; size_t n_tokens; } rows[] = {
        { "null", 2 }, { "true", 2 }, { "false", 2 }, { "0", 2 }, { "-0", 2 },
        { "\"\"", 2 }, { "[]", 2 }, { "{}", 2 }, { " \t\r\n[ ]\t\r\n ", 2 },
        { "[1,2,3]", 5 }, { "[[],[[]]]", 8 }, { "{\"\":0}", 3 },
        { "{\"a\":{\"b\":[{}]}}", 8 }, { "[1 , 2\n,\t3]", 5 },
        { "1.5", 2 }, { "-1.5e10", 2 }, { "1E+2", 2 }, { "1e-2", 2 },
        { "0.0", 2 }, { "0e0", 2 }, { "1e999", 2 }, { "-1e999", 2 },
        { "[123456789012345678901234567890]", 3 }, { "20", 2 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 2 }, { "\"\\u0000\"", 2 },
        { "\"\\u00e9\\u20AC\\ud83d\\ude00\"", 2 },
        { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", 2 }, { "\"\x7f\"", 2 },
        { "\"\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", 2 },
        { "\"\xef\xbf\xbe\xef\xbf\xbf\"", 2 }, { "\"\\uFFFE\\uFFFF\"", 2 },
        { "[null,true,false,\"\",0,0.5]", 8 },
        /* The same key twice is the tree's business. */
        { "{\"a\":1,\"a\":2}", 4 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err_info why = { 0 };
        size_t n;
        if (read_all(slice_of(rows[i].text), 64, &n, &why) != ERR_OK)
            fail_msg("%s: %s", rows[i].text, why.text);
        if (n != rows[i].n_tokens)
            fail_msg("%s: %zu tokens", rows[i].text, n);
    }
}

/* Text, the byte that is blamed, and words of the sentence. */
static const struct { const char *text; int at; const char *words; } bad[] = {
    { "", 0, "text ends where a value" },
    { " \n", 2, "text ends where a value" },
    { "[", 1, "text ends where a value" },
    { "[1", 2, "text ends where ',' or ']'" },
    { "[1,", 3, "text ends where a value" },
    { "[1,]", 3, "expected a value, not ']'" },
    { "[,1]", 1, "expected a value, not ','" },
    { "[1,,2]", 3, "expected a value, not ','" },
    { "[1 2]", 3, "expected ',' or ']', not '2'" },
    { "[1:2]", 2, "expected ',' or ']'" },
    { "[1}", 2, "expected ',' or ']', not '}'" },
    { "[[]", 3, "text ends" },
    { "]", 0, "expected a value" },
    { "{", 1, "text ends where a key" },
    { "{]", 1, "expected a key in quotes, not ']'" },
    { "{a:1}", 1, "expected a key in quotes, not 'a'" },
    { "{'a':1}", 1, "expected a key in quotes" },
    { "{1:1}", 1, "expected a key in quotes" },
    { "{null:1}", 1, "expected a key in quotes" },
    { "{\"a\"", 4, "text ends where ':'" },
    { "{\"a\" 1}", 5, "expected ':', not '1'" },
    { "{\"a\":", 5, "text ends where a value" },
    { "{\"a\":}", 5, "expected a value" },
    { "{\"a\":1", 6, "text ends where ',' or '}'" },
    { "{\"a\":1,", 7, "text ends where a key" },
    { "{\"a\":1,}", 7, "expected a key" },
    { "{\"a\":1 \"b\":2}", 7, "expected ',' or '}'" },
    { "{\"a\",\"b\"}", 4, "expected ':'" },
    { "{\"a\":1]", 6, "expected ',' or '}'" },
    { "}", 0, "expected a value" },
    { "1 2", 2, "nothing behind the document" },
    { "[] []", 3, "nothing behind the document" },
    { "{}x", 2, "nothing behind the document" },
    { "1,", 1, "nothing behind the document" },
    { "true false", 5, "nothing behind" },
    { "\"a\"\"b\"", 3, "nothing behind" },
    { "nul", 0, "expected a value" },
    { "nulL", 0, "expected a value" },
    { "True", 0, "expected a value" },
    { "truefalse", 4, "nothing behind" },
    { "undefined", 0, "expected a value" },
    { "NaN", 0, "no NaN and no infinity" },
    { "[NaN]", 1, "no NaN and no infinity" },
    { "Infinity", 0, "no NaN and no infinity" },
    { "-Infinity", 0, "no NaN and no infinity" },
    { "-NaN", 1, "lacks a digit" },
    { "+1", 0, "expected a value, not '+'" },
    { "01", 0, "0 that does not belong" },
    { "-01", 1, "0 that does not belong" },
    { "00", 0, "0 that does not belong" },
    { "-", 1, "lacks a digit" },
    { "--1", 1, "lacks a digit" },
    { "1.", 2, "lacks a digit" },
    { "1.e5", 2, "lacks a digit" },
    { ".5", 0, "expected a value" },
    { "1e", 2, "lacks a digit" },
    { "1e+", 3, "lacks a digit" },
    { "1e-x", 3, "lacks a digit" },
    { "1.5.5", 3, "nothing behind" },
    { "0x10", 1, "nothing behind" },
    { "1_000", 1, "nothing behind" },
    { "\"", 1, "ends inside a string" },
    { "\"abc", 4, "ends inside a string" },
    { "\"\\", 1, "backslash" },
    { "\"\\\"", 3, "ends inside a string" },
    { "\"\\x41\"", 1, "no escape that JSON knows" },
    { "\"\\'\"", 1, "no escape that JSON knows" },
    { "\"\\U0041\"", 1, "no escape that JSON knows" },
    { "\"\\u\"", 1, "four hexadecimal digits" },
    { "\"\\u12\"", 1, "four hexadecimal digits" },
    { "\"\\u12g4\"", 1, "four hexadecimal digits" },
    { "\"\\u-123\"", 1, "four hexadecimal digits" },
    { "\"\\ud800\"", 1, "without its other half" },
    { "\"\\udc00\"", 1, "without its other half" },
    { "\"\\ud800\\ud800\"", 1, "without its other half" },
    { "\"\\ud800\\u0041\"", 1, "without its other half" },
    { "\"\\ud800x\\udc00\"", 1, "without its other half" },
    { "\"\\udc00\\ud800\"", 1, "without its other half" },
    { "\"\x01\"", 1, "control character" },
    { "\"a\nb\"", 2, "control character" },
    { "\"\t\"", 1, "control character" },
    { "\"\x1f\"", 1, "control character" },
    { "\"longer \x1f" "than eight\"", 8, "control character" },
    { "\"\x80\"", 1, "not valid UTF-8" },
    { "\"\xc0\xaf\"", 1, "not valid UTF-8" },
    { "\"ab\xe2\x82\"", 3, "not valid UTF-8" },
    { "\"\xed\xa0\x80\"", 1, "not valid UTF-8" },
    { "\"\xf4\x90\x80\x80\"", 1, "not valid UTF-8" },
    { "{\"\xff\":1}", 2, "not valid UTF-8" },
    { "{\"\\q\":1}", 2, "no escape" },
    { "\xef\xbb\xbf[]", 0, "byte order mark" },
    { "\xff\xfe[", 0, "expected a value, not '\\xff'" },
    { "[1]\x0c", 3, "nothing behind" },
    { "\x0b[1]", 0, "expected a value, not '\\x0b'" },
    { "[1]//", 3, "nothing behind" },
    { "/**/[]", 0, "expected a value" },
    { "\xc2\xa0[]", 0, "expected a value" },
};

static void refuses(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err_info why = { 0 };
        char place[32];
        size_t n;
        if (read_all(slice_of(bad[i].text), 64, &n, &why) != ERR_FORMAT)
            fail_msg("accepted: %s", bad[i].text);
        snprintf(place, sizeof place, "(byte %d)", bad[i].at);
        if (strstr(why.text, place) == NULL
            || strstr(why.text, bad[i].words) == NULL)
            fail_msg("%s: should say \"%s\" at byte %d, says: %s", bad[i].text,
                     bad[i].words, bad[i].at, why.text);
        assert_int_equal(read_all(slice_of(bad[i].text), 64, &n, NULL),
                         ERR_FORMAT);
    }
}

/* A NUL is a byte like others: it does not end the text. */
static void nul_bytes(void **state)
{
    struct err_info why;
    size_t n;
    (void)state;

    assert_int_equal(read_all(SLICE("[1]\0"), 64, &n, &why), ERR_FORMAT);
    assert_int_equal(read_all(SLICE("\"a\0b\""), 64, &n, &why), ERR_FORMAT);
    assert_int_equal(read_all(SLICE("[\0]"), 64, &n, &why), ERR_FORMAT);
}

static const char document[] =
    "{\"model\": {\"vocab\": {\"<s>\": 0, \"\\u2581a\": 1, \"\xe2\x96\x81"
    "\xf0\x9f\x98\x80\": 2},\n        \"merges\": [[\"a\", \"b\"], [\"\\\"\", "
    "\"\\ud83d\\ude00\"]],\n\t\"x\": [true, false, null, -12.5e-3, 1e9, "
    "18446744073709551615]}, \"rest of a longer string\": \"\"}";

/* Every beginning of a document is refused, and no byte behind it is read. */
static void truncations(void **state)
{
    struct slice whole = slice_of(document);
    struct edge e;
    struct err_info why;
    size_t n;
    (void)state;

    edge_open(&e, whole.len);
    for (size_t len = 0; len < whole.len; len++) {
        struct slice part = edge_put(&e, (struct slice){ whole.at, len });
        if (read_all(part, 64, &n, &why) != ERR_FORMAT)
            fail_msg("the first %zu bytes were accepted", len);
    }
    assert_int_equal(read_all(edge_put(&e, whole), 64, &n, &why), ERR_OK);
    assert_int_equal(n, 28);
    edge_close(&e);
}

/* Numbers and words end where the text ends; the page behind is unreadable. */
static void scalars_at_the_edge(void **state)
{
    static const char *const texts[] = { "0", "-1", "1.5", "1e5", "true",
                                         "null", "\"ab\"", "12345678901234567" };
    struct edge e;
    struct err_info why;
    size_t n;
    (void)state;

    edge_open(&e, 64);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct slice s = edge_put(&e, slice_of(texts[i]));
        assert_int_equal(read_all(s, 64, &n, &why), ERR_OK);
    }
    edge_close(&e);
}

/* Every byte of the document replaced by every other: no crash, and the answer
 * is one of two.  What it is is checked by the lists above. */
static void flips(void **state)
{
    struct slice whole = slice_of(document);
    struct edge e;
    size_t n, n_refused = 0;
    (void)state;

    edge_open(&e, whole.len);
    for (size_t at = 0; at < whole.len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            struct slice s = edge_put(&e, whole);
            ((char *)(uintptr_t)s.at)[at] = (char)byte;
            enum err err = read_all(s, 64, &n, NULL);
            assert_true(err == ERR_OK || err == ERR_FORMAT);
            n_refused += err == ERR_FORMAT;
        }
    }
    assert_in_range(n_refused, whole.len * 100, whole.len * 250);
    edge_close(&e);
}

static void depth(void **state)
{
    static const char kinds[][8] = { "[", "{\"a\":" };
    char text[JSON_DEPTH_MAX * 8];
    struct err_info why;
    size_t n;
    (void)state;

    for (unsigned kind = 0; kind < 2; kind++) {
        size_t len = 0;
        for (unsigned i = 0; i < 1024; i++)
            len += (size_t)sprintf(text + len, "%s", kinds[kind]);
        struct slice s = { text, len };
        /* All opened and none closed: at the limit the end is missing. */
        assert_int_equal(read_all(s, 1024, &n, &why), ERR_FORMAT);
        assert_int_equal(read_all(s, 1023, &n, &why), ERR_LIMIT);
        assert_non_null(strstr(why.text, "more than 1023 levels"));
        assert_int_equal(read_all(s, 1023, &n, NULL), ERR_LIMIT);
    }
    assert_int_equal(read_all(SLICE("[[]]"), 1, &n, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "column 2 (byte 1)"));
    assert_int_equal(read_all(SLICE("[[],[]]"), 2, &n, &why), ERR_OK);
    assert_int_equal(read_all(SLICE("7"), 0, &n, &why), ERR_OK);
    assert_int_equal(read_all(SLICE("[]"), 0, &n, &why), ERR_LIMIT);
}

/* Objects in arrays in objects: each level remembers what it is. */
static void mixed_nesting(void **state)
{
    char text[4096];
    size_t len = 0, n;
    struct err_info why;
    (void)state;

    for (int i = 0; i < 200; i++)
        len += (size_t)sprintf(text + len, i % 3 ? "[" : "{\"k\":");
    for (int i = 199; i >= 0; i--)
        text[len++] = i % 3 ? ']' : '}';
    assert_int_equal(read_all((struct slice){ text, len }, 200, &n, &why),
                     ERR_OK);
    assert_int_equal(n, 400);
    text[len - 5] = text[len - 5] == ']' ? '}' : ']';
    assert_int_equal(read_all((struct slice){ text, len }, 200, &n, &why),
                     ERR_FORMAT);
}

static void places(void **state)
{
    struct json_reader r;
    size_t line, column;
    struct slice s = SLICE("ab\n\xe2\x82\xacx\n\n!");
    (void)state;

    json_reader_init(&r, s, 1);
    json_place(&r, s.at, &line, &column);
    assert_true(line == 1 && column == 1);
    json_place(&r, s.at + 2, &line, &column);
    assert_true(line == 1 && column == 3);
    json_place(&r, s.at + 6, &line, &column);
    assert_true(line == 2 && column == 4);
    json_place(&r, s.at + 9, &line, &column);
    assert_true(line == 4 && column == 1);
}

static void expect(struct json_reader *r, struct json_token *t,
                   enum json_kind kind)
{
    struct err_info why;

    if (json_next(r, t, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(t->kind, kind);
}

static void tokens(void **state)
{
    struct json_reader r;
    struct json_token t;
    (void)state;

    json_reader_init(&r, SLICE("{\"k\\n\": [\"s\\t\", -7, 2.50, true], \"e\": "
                               "null}"), 8);
    expect(&r, &t, JSON_OBJECT);
    assert_false(t.has_key);
    expect(&r, &t, JSON_ARRAY);
    assert_true(t.has_key && t.key_escaped && slice_is(t.key, "k\\n"));
    expect(&r, &t, JSON_STRING);
    assert_true(!t.has_key && t.text_escaped && slice_is(t.text, "s\\t"));
    expect(&r, &t, JSON_INT);
    assert_true(t.integer.negative && t.integer.magnitude == 7);
    assert_true(t.number == -7.0 && slice_is(t.text, "-7"));
    expect(&r, &t, JSON_FLOAT);
    assert_true(t.number == 2.5 && slice_is(t.text, "2.50"));
    expect(&r, &t, JSON_BOOL);
    assert_true(t.boolean && slice_is(t.text, "true"));
    expect(&r, &t, JSON_END);
    assert_int_equal(r.depth, 1);
    expect(&r, &t, JSON_NULL);
    assert_true(slice_is(t.key, "e") && !t.key_escaped);
    expect(&r, &t, JSON_END);
    for (int i = 0; i < 3; i++) {
        expect(&r, &t, JSON_END);
        assert_int_equal(r.depth, 0);
    }
}

static void skips(void **state)
{
    struct json_reader r;
    struct json_token t;
    struct slice raw;
    struct err_info why;
    (void)state;

    json_reader_init(&r, SLICE("{\"x\":\n {\"y\":[1,{}]} , \"z\":\"s\",!"), 8);
    expect(&r, &t, JSON_OBJECT);
    expect(&r, &t, JSON_OBJECT);
    assert_int_equal(json_skip(&r, &t, &raw, &why), ERR_OK);
    assert_true(slice_is(raw, "{\"y\":[1,{}]}"));
    expect(&r, &t, JSON_STRING);
    assert_int_equal(json_skip(&r, &t, &raw, &why), ERR_OK);
    assert_true(slice_is(raw, "\"s\""));
    assert_int_equal(json_next(&r, &t, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "line 2, column 25 (byte 30)"));
    /* What is skipped is checked all the same. */
    json_reader_init(&r, SLICE("[[1,\"\\q\"],2]"), 8);
    expect(&r, &t, JSON_ARRAY);
    expect(&r, &t, JSON_ARRAY);
    assert_int_equal(json_skip(&r, &t, NULL, &why), ERR_FORMAT);
}

static void unescapes(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    json_unescape(&b, SLICE("\\\"\\\\\\/\\b\\f\\n\\r\\t|\\u0000|\\u00e9\\u20AC"
                            "\\uD83D\\uDE00\\uFFFF"));
    struct slice want = SLICE("\"\\/\b\f\n\r\t|\0|\xc3\xa9\xe2\x82\xac"
                              "\xf0\x9f\x98\x80\xef\xbf\xbf");
    assert_true(slice_eq(strbuf_slice(&b), want));
    strbuf_clear(&b);
    json_unescape(&b, SLICE(""));
    json_unescape(&b, (struct slice){ 0 });
    assert_int_equal(b.len, 0);
    strbuf_drop(&b);
}

static void allocates_nothing(void **state)
{
    struct err_info why;
    size_t n;
    (void)state;

    alloc_fail_at(1);
    enum err e = read_all(slice_of(document), 64, &n, &why);
    size_t n_asked = alloc_fail_asked();
    alloc_fail_off();
    assert_int_equal(e, ERR_OK);
    assert_int_equal(n_asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(truncations),
        cmocka_unit_test(scalars_at_the_edge),
        cmocka_unit_test(flips),
        cmocka_unit_test(depth),
        cmocka_unit_test(mixed_nesting),
        cmocka_unit_test(places),
        cmocka_unit_test(tokens),
        cmocka_unit_test(skips),
        cmocka_unit_test(unescapes),
        cmocka_unit_test(allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
