/* The expected values come from the reference library and Python's str. */
#include "support/check.h"

#include "text/unicode.h"

static void categories(void **state)
{
    (void)state;
    assert_int_equal(unicode_gc('A'), UNICODE_Lu);
    assert_int_equal(unicode_gc(0x1C5), UNICODE_Lt);
    assert_int_equal(unicode_gc(0x2B0), UNICODE_Lm);
    assert_int_equal(unicode_gc(0x3007), UNICODE_Nl);
    assert_int_equal(unicode_gc(0xBD), UNICODE_No);
    assert_int_equal(unicode_gc(0x1E5D0), UNICODE_Lo);   /* new in 16.0 */
    assert_int_equal(unicode_gc(0xD800), UNICODE_Cn);
    assert_int_equal(unicode_gc(0x10FFFF), UNICODE_Cn);
    assert_int_equal(unicode_gc(0x110000), UNICODE_Cn);
    assert_int_equal(unicode_gc(UINT32_MAX), UNICODE_Cn);
    assert_true(unicode_is(0x4E00, UNICODE_LETTER));
    assert_false(unicode_is(0x4E00, UNICODE_NUMBER | UNICODE_SPACE));
    assert_true(unicode_kind(0x3007) & UNICODE_KIND_HAN);
}

/* How many code points each set has: one wrong byte of the table shows. */
static void sizes(void **state)
{
    (void)state;
    size_t letters = 0, marks = 0, numbers = 0, spaces = 0, alpha = 0, han = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        letters += unicode_is(cp, UNICODE_LETTER);
        marks += unicode_is(cp, UNICODE_MARK);
        numbers += unicode_is(cp, UNICODE_NUMBER);
        spaces += unicode_is(cp, UNICODE_SPACE);
        alpha += (unicode_kind(cp) & UNICODE_KIND_ALPHA) != 0;
        han += (unicode_kind(cp) & UNICODE_KIND_HAN) != 0;
    }
    assert_int_equal(letters, 141028);
    assert_int_equal(marks, 2501);
    assert_int_equal(numbers, 1911);
    assert_int_equal(spaces, 25);
    assert_int_equal(alpha, 142759);
    assert_int_equal(han, 99030);
}

/* The byte a code point and the ranges tell the same. */
static void ranges_agree(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < 0x3000; cp++) {
        uint8_t kind = unicode_kind(cp);
        if (cp < 128)
            assert_int_equal(unicode_ascii_bits[cp], unicode_bits(cp));
        assert_int_equal(unicode_has(cp, UNICODE_PROP_ALPHABETIC),
                         (kind & UNICODE_KIND_ALPHA) != 0);
        assert_int_equal(unicode_has(cp, UNICODE_PROP_WHITE_SPACE),
                         (kind & UNICODE_KIND_SPACE) != 0);
        assert_int_equal(strcmp(unicode_script_name(unicode_script(cp)), "Han")
                             == 0,
                         (kind & UNICODE_KIND_HAN) != 0);
    }
    assert_string_equal(unicode_script_name(unicode_script(0x3042)),
                        "Hiragana");
    assert_string_equal(unicode_script_code(unicode_script('a')), "Latn");
    assert_int_equal(unicode_script(0xE000), 0);
}

typedef size_t map_fn(uint32_t cp, uint32_t out[3]);

static bool maps(map_fn *map, uint32_t cp, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t out[3] = { 0, 0, 0 };
    size_t n = map(cp, out);
    return n == 1u + (b != 0) + (c != 0) && out[0] == a
        && (b == 0 || out[1] == b) && (c == 0 || out[2] == c);
}

static void case_mappings(void **state)
{
    (void)state;
    assert_true(maps(unicode_lower, 'A', 'a', 0, 0));
    assert_false(maps(unicode_lower, 'A', 'b', 0, 0));
    assert_true(maps(unicode_lower, 0x130, 'i', 0x307, 0));
    assert_true(maps(unicode_lower, 0x3A3, 0x3C3, 0, 0));
    assert_true(maps(unicode_lower, 0x101, 0x101, 0, 0));
    assert_true(maps(unicode_lower, 0x100, 0x101, 0, 0));
    assert_true(maps(unicode_lower, 0x10D50, 0x10D70, 0, 0));
    assert_true(maps(unicode_upper, 0xDF, 'S', 'S', 0));
    assert_true(maps(unicode_title, 0xDF, 'S', 's', 0));
    assert_true(maps(unicode_upper, 0x1C6, 0x1C4, 0, 0));
    assert_true(maps(unicode_title, 0x1C6, 0x1C5, 0, 0));
    assert_true(maps(unicode_title, 0x1C4, 0x1C5, 0, 0));
    assert_true(maps(unicode_upper, 0xFB03, 'F', 'F', 'I'));
    assert_true(maps(unicode_title, 0x10D0, 0x10D0, 0, 0));
    assert_true(maps(unicode_upper, 0x10D0, 0x1C90, 0, 0));
    assert_true(maps(unicode_fold, 0xDF, 's', 's', 0));
    assert_true(maps(unicode_fold, 0x17F, 's', 0, 0));
    assert_int_equal(unicode_fold_simple(0x1E9E), 0xDF);
    assert_int_equal(unicode_fold_simple(0x212A), 'k');
    assert_int_equal(unicode_fold_simple(0x110000), 0x110000);
    /* Walking finds what asking every code point finds. */
    uint32_t next = unicode_next_fold(0), far = unicode_next_long_fold(0), to[3];
    for (uint32_t cp = 0; cp < 0x20000; cp++) {
        if (unicode_fold_simple(cp) != cp) {
            assert_int_equal(next, cp);
            next = unicode_next_fold(cp + 1);
        }
        if (unicode_fold(cp, to) > 1) {
            assert_int_equal(far, cp);
            far = unicode_next_long_fold(cp + 1);
        }
    }
    assert_int_equal(next, UINT32_MAX);
    assert_int_equal(far, UINT32_MAX);
}

static void python(void **state)
{
    (void)state;
    assert_true(unicode_is_space_python(0x1C));
    assert_true(unicode_is_space_python(0x3000));
    assert_false(unicode_is_space_python(0x200B));
    assert_true(unicode_is_digit_python(0xB2));
    assert_false(unicode_is_digit_python(0xBD));
    assert_true(unicode_is_numeric_python(0xBD));
    assert_true(unicode_is_numeric_python(0x4E00));
    assert_false(unicode_is_numeric_python('a'));
    assert_true(unicode_is_alnum_python('a'));
    assert_false(unicode_is_alnum_python('_'));
    assert_false(unicode_is_printable_python(0xA0));
    assert_true(unicode_is_printable_python(' '));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(categories),   cmocka_unit_test(sizes),
        cmocka_unit_test(ranges_agree), cmocka_unit_test(case_mappings),
        cmocka_unit_test(python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
