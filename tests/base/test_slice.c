#include "support/check.h"

#include "base/slice.h"

static void orders(void **state)
{
    (void)state;
    assert_true(slice_cmp(SLICE("ab"), SLICE("abc")) < 0);
    assert_true(slice_cmp(SLICE("b"), SLICE("abc")) > 0);
    assert_true(slice_cmp(SLICE(""), SLICE("a")) < 0);
    /* Bytes, not chars: 0x80 is behind every letter. */
    assert_true(slice_cmp(SLICE("\x80"), SLICE("a")) > 0);
    assert_true(slice_cmp(SLICE("a\0b"), SLICE("a\0c")) < 0);
    assert_int_equal(slice_cmp(SLICE("abc"), SLICE("abc")), 0);
    assert_int_equal(slice_cmp((struct slice){ 0 }, SLICE("")), 0);
}

static void compares_ends(void **state)
{
    (void)state;
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")));
    assert_false(slice_starts(SLICE("ab"), SLICE("abc")));
    assert_true(slice_ends(SLICE("abc"), SLICE("bc")));
    assert_false(slice_ends(SLICE("abc"), SLICE("ab")));
    assert_true(slice_eq((struct slice){ 0 }, SLICE("")));
    assert_false(slice_is(SLICE("a\0"), "a"));
}

static void finds(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("ca"), 0), 2);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("abc"), 1), 3);
    assert_int_equal(slice_find(SLICE("abcabc"), SLICE("abd"), 0), 6);
    assert_int_equal(slice_find(SLICE("abc"), SLICE(""), 3), 3);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("abcd"), 0), 3);
    assert_int_equal(slice_find((struct slice){ 0 }, SLICE("a"), 0), 0);
}

static void hexadecimal_digits(void **state)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t n_digits = 0;

    (void)state;
    for (int i = 0; i < 32; i++)
        assert_int_equal(hex_digit(digits[i]), i % 16);
    for (int c = 0; c < 256; c++)
        n_digits += hex_digit((char)c) >= 0;
    assert_int_equal(n_digits, 22);                 /* and nothing else is one */
}

/* The hash goes into caches on disk: these two may never change. */
static void hashes(void **state)
{
    (void)state;
    assert_true(slice_hash(SLICE("")) == 0x2D06800538D394C2u);
    assert_true(slice_hash(SLICE("osmia")) == 0x22554CE9DDA8ABC7u);
    assert_true(slice_hash(SLICE("a")) != slice_hash(SLICE("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders),
        cmocka_unit_test(compares_ends),
        cmocka_unit_test(finds),
        cmocka_unit_test(hexadecimal_digits),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
