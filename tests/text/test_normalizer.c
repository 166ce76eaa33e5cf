/* Expected texts come from the reference library (tools/check_normal.py
 * compares many more with it). */
#include "support/check.h"

#include "text/base64.h"
#include "text/normalizer.h"

#include <stdlib.h>

static enum err open_spec(struct normalizer **out, const char *spec,
                          struct err_info *why)
{
    struct arena arena = { 0 };
    struct json *json = NULL;
    assert_int_equal(json_parse(&json, &arena, slice_of(spec), JSON_DEPTH,
                                why), ERR_OK);
    enum err e = normalizer_open(out, json, why);
    arena_drop(&arena);
    return e;
}

static bool gives(const char *spec, const char *text, const char *expected)
{
    struct normalizer *n = NULL;
    struct strbuf out = { 0 };
    struct err_info why;
    if (open_spec(&n, spec, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(normalizer_apply(n, slice_of(text), &out, NULL, &why),
                     ERR_OK);
    bool same = slice_is(strbuf_slice(&out), expected);
    if (!same)
        print_message("%s: got %s\n", spec, strbuf_cstr(&out));
    strbuf_drop(&out);
    normalizer_close(n);
    return same;
}

static void forms(void **state)
{
    (void)state;
    assert_true(gives("{\"type\":\"NFC\"}", "e\u0301 \u1100\u1161\u11A8 \u212B",
                      "\u00E9 \uAC01 \u00C5"));
    assert_true(gives("{\"type\":\"NFD\"}", "\u00E9\uAC01",
                      "e\u0301\u1100\u1161\u11A8"));
    assert_true(gives("{\"type\":\"NFD\"}", "\u00BF\u00C0", "\u00BFA\u0300"));
    assert_true(gives("{\"type\":\"NFKC\"}", "\uFB01\u00BD\uFF21",
                      "fi1\u20442A"));
    assert_true(gives("{\"type\":\"NFKD\"}", "\u1E9B\u0323",
                      "s\u0323\u0307"));
    /* marks out of order, across a run */
    assert_true(gives("{\"type\":\"NFC\"}", "a\u0323\u0302b\u0302\u0323c",
                      "\u1EAD\u1E05\u0302c"));
    assert_false(gives("{\"type\":\"NFC\"}", "e\u0301", "e\u0301"));
}

static void components(void **state)
{
    (void)state;
    assert_true(gives("{\"type\":\"Lowercase\"}", "\u0130\u03A3X",
                      "i\u0307\u03C3x"));
    assert_true(gives("{\"type\":\"StripAccents\"}", "e\u0301\u00E9",
                      "e\u00E9"));
    assert_true(gives("{\"type\":\"Prepend\",\"prepend\":\"_\"}", "a", "_a"));
    assert_true(gives("{\"type\":\"Prepend\",\"prepend\":\"_\"}", "", ""));
    assert_true(gives("{\"type\":\"Strip\",\"strip_left\":true,"
                      "\"strip_right\":true}", " \u3000a b\u00A0\n", "a b"));
    assert_true(gives("{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
                      "\"content\":\"\\u2581\"}", "a  b", "a\u2581\u2581b"));
    assert_true(gives("{\"type\":\"Replace\",\"pattern\":{\"Regex\":"
                      "\"\\\\s+\"},\"content\":\"-\"}", " a \n b", "-a-b"));
    assert_true(gives("{\"type\":\"Nmt\"}", "\x01" "a\tb\u200Bc", "a b c"));
    assert_true(gives("{\"type\":\"Nmt\"}", "a\u2581b", "a b"));
    /* the ends of a block of Chinese; a mark that takes room stays */
    assert_true(gives("{\"type\":\"BertNormalizer\",\"clean_text\":false,"
                      "\"handle_chinese_chars\":true,\"strip_accents\":true,"
                      "\"lowercase\":false}", "\uFAFF\uFB00\u0915\u0903",
                      " \uFAFF \uFB00\u0915\u0903"));
    assert_true(gives("{\"type\":\"ByteLevel\"}", " \u00E9\n",
                      "\u0120\u00C3\u00A9\u010A"));
    assert_true(gives("{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                      "\"handle_chinese_chars\":true,\"strip_accents\":null,"
                      "\"lowercase\":true}", "\u00C9\u4E2D\tX\uFFFD",
                      "e \u4E2D  x"));
    assert_true(gives("{\"type\":\"Sequence\",\"normalizers\":["
                      "{\"type\":\"Prepend\",\"prepend\":\"x\"},"
                      "{\"type\":\"Sequence\",\"normalizers\":[]},"
                      "{\"type\":\"Lowercase\"}]}", "A", "xa"));
}

static void base64(void **state)
{
    struct strbuf out = { 0 };
    (void)state;
    assert_true(base64_decode(SLICE("+/+/"), &out));
    assert_true(slice_is(strbuf_slice(&out), "\xFB\xFF\xBF"));
    strbuf_drop(&out);
}

/* A charsmap by hand: 'a' gives "X", "ab" gives "YZ". */
enum { N_UNITS = 512 };
struct map { uint32_t size, units[N_UNITS]; char texts[6]; };

static void make_map(struct map *m)
{
    memset(m, 0, sizeof *m);
    m->size = sizeof m->units;
    m->units[0] = 256u << 10;                       /* children at 256 */
    m->units[256 ^ 'a'] = 64u << 10 | 1u << 8 | 'a';
    size_t a = (256 ^ 'a') ^ 64;
    m->units[a] = 0x80000000u | 0;                  /* value: offset 0 */
    m->units[a ^ 'b'] = 128u << 10 | 1u << 8 | 'b';
    m->units[a ^ 'b' ^ 128] = 0x80000000u | 2;
    memcpy(m->texts, "X\0YZ", 5);
}

static struct slice map_blob(const struct map *m)
{
    return (struct slice){ (const char *)m,
                           sizeof m->size + sizeof m->units + 5 };
}

static bool maps(struct slice blob, const char *text, const char *expected)
{
    struct normalizer *n = NULL;
    struct strbuf out = { 0 };
    struct err_info why;
    assert_int_equal(normalizer_open_charsmap(&n, blob, &why), ERR_OK);
    assert_int_equal(normalizer_apply(n, slice_of(text), &out, NULL, &why),
                     ERR_OK);
    bool same = slice_is(strbuf_slice(&out), expected);
    strbuf_drop(&out);
    normalizer_close(n);
    return same;
}

static void charsmap(void **state)
{
    struct map m;
    (void)state;
    make_map(&m);
    assert_true(maps(map_blob(&m), "abaca\u00E9", "YZXcX\u00E9"));
    assert_false(maps(map_blob(&m), "ab", "Xb"));
}

/* Bit 9 of a node: its children are 256 times as far. */
static void far_children(void **state)
{
    struct map m;

    (void)state;
    make_map(&m);
    m.units[0] = 1u << 10 | 1u << 9;
    assert_true(maps(map_blob(&m), "aba", "YZX"));
    m.units[0] = 1u << 10;
    assert_true(maps(map_blob(&m), "aba", "aba"));
}

/* Every word of the array, and every length of the blob, can be wrong. */
static void broken_charsmap(void **state)
{
    struct map m;
    struct err_info why;
    (void)state;
    make_map(&m);
    struct slice whole = map_blob(&m);
    for (size_t len = 0; len <= whole.len; len++) {
        struct normalizer *n = NULL;
        struct strbuf out = { 0 };
        char *edge = malloc(len + 1);
        memcpy(edge + 1, whole.at, len);
        struct slice cut = { edge + 1, len };
        if (normalizer_open_charsmap(&n, cut, &why) == ERR_OK) {
            assert_true(len >= sizeof m.size + sizeof m.units);
            (void)normalizer_apply(n, SLICE("abab"), &out, NULL, &why);
        }
        strbuf_drop(&out);
        normalizer_close(n);
        free(edge);
    }
    for (size_t i = 0; i < N_UNITS; i++) {
        uint32_t was = m.units[i];
        m.units[i] = 0xFFFFFFFFu ^ (uint32_t)(i & 1) << 9;
        (void)maps(whole, "abab\u00E9", "");
        m.units[i] = 0x7FFFFF00u | 'a';
        (void)maps(whole, "abab\u00E9", "");
        m.units[i] = was;
    }
}

static void refusals(void **state)
{
    static const struct { const char *spec; enum err e; const char *says; }
    rows[] = {
        { "{\"type\":\"Upper\"}", ERR_UNKNOWN, "Upper" },
        { "{\"type\":\"Strip\",\"strip_left\":true}", ERR_FORMAT,
          "strip_right" },
        { "{\"type\":\"Prepend\",\"prepend\":1}", ERR_FORMAT, "prepend" },
        { "{\"type\":\"Replace\",\"pattern\":\"a\",\"content\":\"b\"}",
          ERR_FORMAT, "pattern" },
        { "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A\"}",
          ERR_FORMAT, "Base64" },
        { "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}",
          ERR_FORMAT, "too short" },
        { "{\"type\":\"Sequence\"}", ERR_FORMAT, "normalizers" },
        { "{}", ERR_FORMAT, "type" },
        { "[]", ERR_FORMAT, "object" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct normalizer *n = NULL;
        struct err_info why = { 0 };
        assert_int_equal(open_spec(&n, rows[i].spec, &why), rows[i].e);
        assert_non_null(strstr(why.text, rows[i].says));
        assert_null(n);
    }
}

/* A million marks of two classes in turn: quadratic ordering would hang. */
static void many_marks(void **state)
{
    struct strbuf text = { 0 }, out = { 0 };
    struct normalizer *n = NULL;
    struct err_info why;
    (void)state;
    for (size_t i = 0; i < 250000; i++)
        strbuf_puts(&text, "\u0301\u0323");
    assert_int_equal(open_spec(&n, "{\"type\":\"NFC\"}", &why), ERR_OK);
    assert_int_equal(normalizer_apply(n, strbuf_slice(&text), &out, NULL, &why),
                     ERR_OK);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(out.at, "\u0323\u0323", 4);
    assert_memory_equal(out.at + out.len - 4, "\u0301\u0301", 4);
    strbuf_drop(&text);
    strbuf_drop(&out);
    normalizer_close(n);
}

/* Each doubles the text; forty times in a row is more than there is memory. */
static void growth(void **state)
{
    struct strbuf spec = { 0 }, out = { 0 };
    struct normalizer *n = NULL;
    struct err_info why;
    (void)state;
    strbuf_puts(&spec, "{\"type\":\"Sequence\",\"normalizers\":[");
    for (int i = 0; i < 40; i++)
        strbuf_printf(&spec, "%s{\"type\":\"Replace\",\"pattern\":{\"String\":"
                      "\"a\"},\"content\":\"aa\"}", i > 0 ? "," : "");
    strbuf_puts(&spec, "]}");
    assert_int_equal(open_spec(&n, strbuf_cstr(&spec), &why), ERR_OK);
    assert_int_equal(normalizer_apply(n, SLICE("a"), &out, NULL, &why),
                     ERR_LIMIT);
    assert_non_null(strstr(why.text, "grows"));
    strbuf_drop(&spec);
    strbuf_drop(&out);
    normalizer_close(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),    cmocka_unit_test(components),
        cmocka_unit_test(base64),
        cmocka_unit_test(charsmap), cmocka_unit_test(far_children),
        cmocka_unit_test(broken_charsmap),
        cmocka_unit_test(refusals), cmocka_unit_test(many_marks),
        cmocka_unit_test(growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
