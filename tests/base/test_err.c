#include "support/check.h"

#include "base/err.h"
#include "base/notice.h"
#include "base/utf8.h"
#include <stdio.h>

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
        cmocka_unit_test(errors_are_one_line),
        cmocka_unit_test(errors_are_cut_between_characters),
        cmocka_unit_test(notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
