/* Expected pieces come from the reference library (tools/check_pieces.py
 * compares many more with it). */
#include "support/check.h"

#include "text/pieces_data.h"
#include "text/pretokenizer.h"

static struct pretokenizer *open_spec(const char *spec)
{
    struct arena arena = { 0 };
    struct json *json = NULL;
    struct pretokenizer *p = NULL;
    struct err_info why;
    assert_int_equal(json_parse(&json, &arena, slice_of(spec), JSON_DEPTH,
                                &why), ERR_OK);
    if (pretokenizer_open(&p, json, &why) != ERR_OK)
        fail_msg("%s", why.text);
    arena_drop(&arena);
    return p;
}

/* The pieces, joined by "|". */
static bool cuts(const char *spec, struct slice text, const char *expected)
{
    struct pretokenizer *p = open_spec(spec);
    struct pieces pieces = { 0 };
    struct strbuf joined = { 0 };
    struct err_info why;
    assert_int_equal(pretokenizer_apply(p, text, true, &pieces, &why), ERR_OK);
    for (size_t i = 0; i < pieces.n; i++) {
        if (i > 0)
            strbuf_putc(&joined, '|');
        strbuf_put(&joined, (struct slice){ pieces.bytes.at + pieces.at[i].at,
                                            pieces.at[i].len });
    }
    bool same = slice_is(strbuf_slice(&joined), expected);
    if (!same)
        print_message("got %s\n", strbuf_cstr(&joined));
    strbuf_drop(&joined);
    pieces_drop(&pieces);
    pretokenizer_close(p);
    return same;
}

static bool cuts_at_dash(const char *behavior, const char *expected)
{
    struct strbuf spec = { 0 };
    strbuf_printf(&spec, "{\"type\":\"Split\",\"pattern\":{\"String\":\"-\"},"
                  "\"behavior\":\"%s\",\"invert\":false}", behavior);
    bool same = cuts(strbuf_cstr(&spec), SLICE("the-final--countdown"),
                     expected);
    strbuf_drop(&spec);
    return same;
}

static void behaviors(void **state)
{
    (void)state;
    assert_true(cuts_at_dash("Removed", "the|final|countdown"));
    assert_true(cuts_at_dash("Isolated", "the|-|final|-|-|countdown"));
    assert_true(cuts_at_dash("Contiguous", "the|-|final|--|countdown"));
    assert_true(cuts_at_dash("MergedWithPrevious", "the-|final-|-|countdown"));
    assert_true(cuts_at_dash("MergedWithNext", "the|-final|-|-countdown"));
    assert_false(cuts_at_dash("Removed", "the|final|count"));
}

static void byte_level(void **state)
{
    const char *spec = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                       "\"trim_offsets\":true}";
    (void)state;
    assert_true(cuts(spec, SLICE("I'm 12  \xC3\xA9t\xC3\xA9!"),
                     " I|'m| 12| | \xC3\xA9t\xC3\xA9|!"));
    assert_true(cuts(spec, SLICE("I've I'va"), " I|'ve| I|'|va"));
    struct pretokenizer *p = open_spec(spec);
    assert_true(pretokenizer_is_byte_level(p));
    pretokenizer_close(p);
}

/* Groups of three are counted from the right. */
static void groups_of_digits(void **state)
{
    (void)state;
    assert_true(cuts("{\"type\":\"Split\",\"pattern\":{\"Regex\":"
                     "\"\\\\d{1,3}(?=(?:\\\\d{3})*\\\\b)\"},"
                     "\"behavior\":\"Isolated\",\"invert\":false}",
                     SLICE("a 1234567 12"), "a |1|234|567| |12"));
}

static void metaspace(void **state)
{
    (void)state;
    assert_true(cuts("{\"type\":\"Metaspace\",\"replacement\":\"_\"}",
                     SLICE("a b  c"), "_a|_b|_|_c"));
    assert_true(cuts("{\"type\":\"Metaspace\",\"replacement\":\"_\","
                     "\"prepend_scheme\":\"never\",\"split\":false}",
                     SLICE("a b"), "a_b"));
}

/* What the reference library made of random strings (pieces_data.c). */
static void vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_pieces_rows; i++) {
        const struct pieces_row *r = &pieces_rows[i];
        if (!cuts(pieces_specs[r->spec], (struct slice){ r->text, r->len },
                  r->pieces))
            fail_msg("row %zu: %s on \"%s\", expected %s", i,
                     pieces_specs[r->spec], r->text, r->pieces);
    }
}

static void refusals(void **state)
{
    static const struct { const char *spec; enum err e; const char *says; }
    rows[] = {
        { "{\"type\":\"Nope\"}", ERR_UNKNOWN, "Nope" },
        { "{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},"
          "\"behavior\":\"isolated\",\"invert\":false}", ERR_UNKNOWN,
          "isolated" },
        { "{\"type\":\"Split\",\"pattern\":\"a\",\"behavior\":\"Removed\","
          "\"invert\":false}", ERR_FORMAT, "pattern" },
        { "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},"
          "\"behavior\":\"Removed\",\"invert\":false}", ERR_FORMAT,
          "pre_tokenizer Split" },
        { "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}", ERR_FORMAT,
          "one character" },
        { "{\"type\":\"Metaspace\",\"replacement\":\"_\","
          "\"prepend_scheme\":\"always\",\"add_prefix_space\":false}",
          ERR_FORMAT, "add_prefix_space" },
        { "{\"type\":\"ByteLevel\"}", ERR_FORMAT, "add_prefix_space" },
        { "{\"type\":\"FixedLength\",\"length\":0}", ERR_FORMAT, "length" },
        { "{\"type\":\"Digits\"}", ERR_FORMAT, "individual_digits" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = { 0 };
        struct json *json = NULL;
        struct pretokenizer *p = NULL;
        struct err_info why = { 0 };
        assert_int_equal(json_parse(&json, &arena, slice_of(rows[i].spec),
                                    JSON_DEPTH, &why), ERR_OK);
        assert_int_equal(pretokenizer_open(&p, json, &why), rows[i].e);
        assert_non_null(strstr(why.text, rows[i].says));
        assert_null(p);
        arena_drop(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaviors), cmocka_unit_test(byte_level),
        cmocka_unit_test(groups_of_digits),
        cmocka_unit_test(metaspace), cmocka_unit_test(vectors),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
