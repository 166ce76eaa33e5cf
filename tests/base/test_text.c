/* Slices, buffers, arenas, UTF-8 and the sentences made of them. */
#include "support/check.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/notice.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include <stdio.h>

static void slices(void **state)
{
    (void)state;
    assert_true(slice_cmp(SLICE("ab"), SLICE("abc")) < 0);
    assert_true(slice_cmp(SLICE("b"), SLICE("abc")) > 0);
    assert_true(slice_cmp(SLICE("\x80"), SLICE("a")) > 0);
    assert_int_equal(slice_cmp(SLICE("abc"), SLICE("abc")), 0);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("ca"), 0), 2);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("abc"), 1), 3);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("abd"), 0), 6);
    assert_int_equal(slice_find(SLICE("abc"), SLICE(""), 3), 3);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("abcd"), 0), 3);
    /* XXH3's published value for the empty input, seed 0. */
    assert_true(slice_hash(SLICE("")) == 0x2D06800538D394C2u);
    assert_true(slice_hash(SLICE("a")) != slice_hash(SLICE("b")));
}

static void buffer_grows(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    assert_string_equal(strbuf_cstr(&b), "");
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&b, "%d,", i);
    strbuf_putc(&b, '!');
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 1);
    assert_true(slice_ends(strbuf_slice(&b), SLICE("998,999,!")));
    assert_int_equal(strlen(strbuf_cstr(&b)), b.len);
    strbuf_drop(&b);
    assert_null(b.at);
}

static void buffer_limit_sticks(void **state)
{
    struct strbuf b = { .limit = 4 };
    (void)state;

    strbuf_puts(&b, "abcd");
    assert_false(b.failed);
    strbuf_putc(&b, 'e');
    assert_true(b.failed);
    strbuf_puts(&b, "");
    assert_null(strbuf_cstr(&b));
    assert_int_equal(b.len, 4);
    strbuf_clear(&b);
    strbuf_puts(&b, "xy");
    assert_string_equal(strbuf_cstr(&b), "xy");
    strbuf_drop(&b);
}

static void visible(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    strbuf_put_visible(&b, SLICE("a\n\x1b[0m\x7f \xc3\xa9 \xff \xe2\x82 "
                                 "\xc2\x85 \xed\xa0\x80"));
    assert_string_equal(strbuf_cstr(&b),
                        "a\\x0a\\x1b[0m\\x7f \xc3\xa9 \\xff \\xe2\\x82 "
                        "\\xc2\\x85 \\xed\\xa0\\x80");
    strbuf_drop(&b);
}

static void arena_pieces(void **state)
{
    struct arena a = { 0 };
    (void)state;

    for (size_t n = 0; n < 3000; n++) {
        char *piece = arena_take(&a, n, 3);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        memset(piece, 0xEE, n * 3);
    }
    const char *zero = arena_zero(&a, 100, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
    struct slice copy = arena_copy(&a, SLICE("copy"));
    assert_string_equal(copy.at, "copy");
    assert_int_equal(copy.len, 4);
    assert_null(arena_take(&a, SIZE_MAX, 1));
    assert_null(arena_take(&a, SIZE_MAX / 2, 3));
    assert_null(arena_take(&a, SIZE_MAX / 16, 16));
    arena_drop(&a);
    assert_int_equal(a.total, 0);
}

static void arena_limit(void **state)
{
    struct arena a = { .limit = 64 };
    (void)state;

    assert_non_null(arena_take(&a, 48, 1));
    assert_null(arena_take(&a, 17, 1));
    assert_non_null(arena_take(&a, 16, 1));
    assert_null(arena_take(&a, 1, 1));
    arena_drop(&a);
}

static void errors_are_one_line(void **state)
{
    struct err_info why;
    (void)state;

    assert_int_equal(fail(&why, ERR_FORMAT, "bad \"%s\" at %d", "a\nb\x80", 7),
                     ERR_FORMAT);
    assert_string_equal(why.text, "bad \"a\\x0ab\\x80\" at 7");
    assert_int_equal(fail_within(&why, "%s", "dir\tx/config.json"), ERR_FORMAT);
    assert_string_equal(why.text,
                        "dir\\x09x/config.json: bad \"a\\x0ab\\x80\" at 7");
    assert_int_equal(fail(NULL, ERR_LIMIT, "nobody reads %d", 1), ERR_LIMIT);
    assert_int_equal(fail_nomem(&why), ERR_NOMEM);
    assert_string_equal(why.text, "out of memory");
}

static void errors_are_cut_between_characters(void **state)
{
    char text[4 * ERR_TEXT_SIZE];
    struct err_info why;
    (void)state;

    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac\0", 4);
        fail(&why, ERR_FORMAT, "%s", text);
        size_t len = strlen(why.text);
        assert_true(len > ERR_TEXT_SIZE - 6 && len < ERR_TEXT_SIZE);
        assert_int_equal(utf8_valid_prefix(slice_of(why.text)), len);
        assert_null(strchr(why.text, '\\'));
    }
    memset(text, 1, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fail(&why, ERR_FORMAT, "%s", text);
    assert_int_equal(strlen(why.text) % 4, 0);
}

static void hear(void *arg, const char *sentence)
{
    snprintf(arg, 64, "%s", sentence);
}

static void notices(void **state)
{
    char heard[64] = "";
    struct notices n = { hear, heard };
    (void)state;

    notice(&n, "id %d\r", 5);
    assert_string_equal(heard, "id 5\\x0d");
    notice(NULL, "nobody");
    notice(&(struct notices){ 0 }, "nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices),
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(buffer_limit_sticks),
        cmocka_unit_test(visible),
        cmocka_unit_test(arena_pieces),
        cmocka_unit_test(arena_limit),
        cmocka_unit_test(errors_are_one_line),
        cmocka_unit_test(errors_are_cut_between_characters),
        cmocka_unit_test(notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
