/* Expected pieces come from the reference library (tools/check_pieces.py
 * compares many more with it). */
#include "support/check.h"

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

#define SPLIT_ON_DASH(behavior)                                              \
    "{\"type\":\"Split\",\"pattern\":{\"String\":\"-\"},"                    \
    "\"behavior\":\"" behavior "\",\"invert\":false}"

static void behaviors(void **state)
{
    struct slice text = SLICE("the-final--countdown");
    (void)state;
    assert_true(cuts(SPLIT_ON_DASH("Removed"), text, "the|final|countdown"));
    assert_true(cuts(SPLIT_ON_DASH("Isolated"), text,
                     "the|-|final|-|-|countdown"));
    assert_true(cuts(SPLIT_ON_DASH("Contiguous"), text,
                     "the|-|final|--|countdown"));
    assert_true(cuts(SPLIT_ON_DASH("MergedWithPrevious"), text,
                     "the-|final-|-|countdown"));
    assert_true(cuts(SPLIT_ON_DASH("MergedWithNext"), text,
                     "the|-final|-|-countdown"));
    assert_false(cuts(SPLIT_ON_DASH("Removed"), text, "the|final|count"));
}

static void byte_level(void **state)
{
    const char *spec = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                       "\"trim_offsets\":true}";
    (void)state;
    assert_true(cuts(spec, SLICE("I'm 12  \xC3\xA9t\xC3\xA9!"),
                     " I|'m| 12| | \xC3\xA9t\xC3\xA9|!"));
    struct pretokenizer *p = open_spec(spec);
    assert_true(pretokenizer_is_byte_level(p));
    pretokenizer_close(p);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaviors), cmocka_unit_test(byte_level),
        cmocka_unit_test(metaspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
