#include "support/check.h"

#include "base/strbuf.h"
#include "support/alloc_fail.h"

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

static void room_for_the_nul(void **state)
{
    (void)state;
    for (size_t len = 0; len < 300; len++) {
        struct strbuf b = { 0 };
        for (size_t i = 0; i < len; i++)
            strbuf_putc(&b, 'x');
        assert_int_equal(strlen(strbuf_cstr(&b)), len);
        strbuf_drop(&b);
    }
}

static void sizes_that_overflow(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    strbuf_puts(&b, "abc");
    assert_false(strbuf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    strbuf_clear(&b);
    assert_false(strbuf_reserve(&b, SIZE_MAX - 3));
    strbuf_clear(&b);
    strbuf_puts(&b, "still here");
    assert_string_equal(strbuf_cstr(&b), "still here");
    strbuf_drop(&b);
}

static enum err fill(void *arg)
{
    struct strbuf b = { 0 };
    (void)arg;

    for (int i = 0; i < 100; i++)
        strbuf_printf(&b, "%d %s", i, "and more");
    strbuf_put_visible(&b, SLICE("\x01\x02"));
    enum err e = strbuf_cstr(&b) == NULL ? ERR_NOMEM : ERR_OK;
    strbuf_drop(&b);
    return e;
}

static void memory_fails(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(fill, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(buffer_limit_sticks),
        cmocka_unit_test(visible),
        cmocka_unit_test(room_for_the_nul),
        cmocka_unit_test(sizes_that_overflow),
        cmocka_unit_test(memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
