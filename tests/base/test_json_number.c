#include "support/check.h"

#include "base/json.h"
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_token read_one(const char *text)
{
    struct json_reader r;
    struct json_token t;
    struct err_info why;

    json_reader_init(&r, slice_of(text), 1);
    if (json_next(&r, &t, &why) != ERR_OK)
        fail_msg("%s: %s", text, why.text);
    return t;
}

static void integers(void **state)
{
    static const struct {
        const char *text;
        bool        negative;
        uint64_t    magnitude;
    } rows[] = {
        { "0", false, 0 }, { "-0", true, 0 }, { "1", false, 1 },
        { "9007199254740993", false, 9007199254740993u },
        { "9223372036854775807", false, INT64_MAX },
        { "-9223372036854775808", true, (uint64_t)1 << 63 },
        { "18446744073709551615", false, UINT64_MAX },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_token t = read_one(rows[i].text);
        assert_int_equal(t.kind, JSON_INT);
        assert_int_equal(t.integer.negative, rows[i].negative);
        assert_true(t.integer.magnitude == rows[i].magnitude);
        assert_true(t.number == strtod(rows[i].text, NULL));
    }
}

/* Written like no integer, or beyond 64 bits: never an integer. */
static void no_integers(void **state)
{
    static const char *const texts[] = {
        "18446744073709551616", "-9223372036854775809", "99999999999999999999",
        "1.0", "1e3", "1E0", "-0.0", "0e0", "10e-1",
    };
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_token t = read_one(texts[i]);
        assert_int_equal(t.kind, JSON_FLOAT);
        assert_true(t.number == strtod(texts[i], NULL));
    }
}

static void assert_same(const char *text)
{
    double want = strtod(text, NULL), got = read_one(text).number;

    if (memcmp(&want, &got, sizeof want) != 0)
        fail_msg("%s: %.17g, should be %.17g", text, got, want);
}

/* Known hard ones: halfway cases, subnormals, limits, digits without end. */
static void hard_doubles(void **state)
{
    static const char *const texts[] = {
        "2.2250738585072011e-308", "2.2250738585072014e-308", "4.9e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324",
        "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "1e400", "-1e400", "1e-400", "-1e-400",
        "9007199254740992.5", "9007199254740993.0", "9007199254740993.00001",
        "0.1", "0.3", "123456789012345678", "1e22", "1e23", "8.5e22",
        "0.000000000000000000000000000000000000001e39", "0e999999999999999999",
        "1e99999999999999999999", "1e-99999999999999999999",
        "100000000000000016777215", "100000000000000016777216",
        "6.02214076e23", "-1.6021766208e-19", "0.000001", "1e+05", "1e-05",
    };
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_same(texts[i]);
}

/* 1 + 2^-53 lies halfway between 1 and the next double; its decimal with one
 * more digit after thousands of zeros lies above.  (The plain strtod reads all
 * of it; we keep 770 digits and a sticky one.) */
static void long_literals(void **state)
{
    enum { ZEROS = 5000 };
    static const char half[] =
        "1.00000000000000011102230246251565404236316680908203125";
    char text[sizeof half + 2 * ZEROS];
    (void)state;

    size_t len = (size_t)sprintf(text, "%s", half);
    memset(text + len, '0', ZEROS);
    text[len + ZEROS] = '\0';
    assert_true(read_one(text).number == 1.0);
    text[len + ZEROS - 1] = '1';
    assert_true(read_one(text).number == 1.0 + 0x1p-52);

    /* 9000 digits before the point, and as many small ones behind. */
    memset(text, '9', ZEROS);
    text[ZEROS] = '\0';
    assert_true(isinf(read_one(text).number));
    strcpy(text + ZEROS, "e-5000");
    assert_true(read_one(text).number == 1.0);
    strcpy(text, "0.");
    memset(text + 2, '0', ZEROS);
    strcpy(text + 2 + ZEROS, "125e5001");
    assert_true(read_one(text).number == 1.25);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

/* Printed, read back, equal; and no shorter text would do. */
static void check_double(struct strbuf *b, double v)
{
    char shorter[64];

    strbuf_clear(b);
    json_put_double(b, v);
    const char *text = strbuf_cstr(b);
    double back = read_one(text).number;
    if (memcmp(&back, &v, sizeof v) != 0 && !(v == 0 && back == 0))
        fail_msg("%.17g was written as %s", v, text);
    int n = 0, n_digits = 0;                /* without zeros at either end */
    for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
        n += *p >= '0' && *p <= '9' && (n > 0 || *p != '0');
        if (*p >= '1' && *p <= '9')
            n_digits = n;
    }
    if (n_digits == 17) {
        snprintf(shorter, sizeof shorter, "%.16g", v);
        assert_true(strtod(shorter, NULL) != v);
    }
}

static void doubles_come_back(void **state)
{
    struct strbuf b = { 0 };
    uint64_t seed = 1;
    (void)state;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        check_double(&b, v);
        check_double(&b, (double)(bits >> 40) / 1000);
        check_double(&b, ldexp(1.0, (int)(bits % 2098) - 1074));
    }
    strbuf_drop(&b);
}

static void floats_come_back(void **state)
{
    struct strbuf b = { 0 };
    uint64_t seed = 2;
    (void)state;

    for (int i = 0; i < 50000; i++) {
        uint32_t bits = (uint32_t)(next_random(&seed) >> 32);
        float v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        strbuf_clear(&b);
        json_put_float(&b, v);
        /* Through a double or not, it is the same float. */
        if (strtof(strbuf_cstr(&b), NULL) != v
            || (float)read_one(strbuf_cstr(&b)).number != v)
            fail_msg("%.9g was written as %s", (double)v, strbuf_cstr(&b));
    }
    strbuf_drop(&b);
}

static const struct { double v; const char *text; } written[] = {
    { 0.0, "0" }, { -0.0, "-0" }, { 1.0, "1" }, { -1.5, "-1.5" },
    { 0.1, "0.1" }, { 100.0, "100" }, { 1e16, "10000000000000000" },
    { 1e17, "1e+17" }, { 1e22, "1e+22" }, { 1234.5678, "1234.5678" },
    { 12345678901234568.0, "12345678901234568" }, { 5e-324, "5e-324" },
    { 1.7976931348623157e308, "1.7976931348623157e+308" },
    { 0.001, "0.001" }, { 0.0001, "0.0001" }, { 0.00001, "1e-05" },
    { 1e-7, "1e-07" }, { 1.25e-7, "1.25e-07" }, { NAN, "null" },
    { HUGE_VAL, "null" }, { -HUGE_VAL, "null" },
    { 0.30000000000000004, "0.30000000000000004" },
};

static void check_written(void)
{
    struct strbuf b = { 0 };

    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        strbuf_clear(&b);
        json_put_double(&b, written[i].v);
        assert_string_equal(strbuf_cstr(&b), written[i].text);
    }
    strbuf_clear(&b);
    json_put_float(&b, 0.1f);
    strbuf_putc(&b, ' ');
    json_put_float(&b, 16777216.0f);
    strbuf_putc(&b, ' ');
    json_put_float(&b, 1e-45f);
    strbuf_putc(&b, ' ');
    json_put_float(&b, 3.4028235e38f);
    assert_string_equal(strbuf_cstr(&b), "0.1 16777216 1e-45 3.4028235e+38");
    strbuf_drop(&b);
}

static void fixed_texts(void **state)
{
    (void)state;
    check_written();
}

/* Where the decimal point is a comma, JSON's is still a point. */
static void locales(void **state)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "de_DE",
                                         "fr_FR.UTF-8", "ru_RU.UTF-8",
                                         "pt_BR.UTF-8", "es_ES.UTF-8" };
    const char *found = NULL;
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]);
    if (found == NULL)
        skip();
    assert_string_equal(localeconv()->decimal_point, ",");
    check_written();
    assert_true(read_one("2.5").number == 2.5);
    assert_true(read_one("0.1234567890123456789").number == 0.1234567890123456789);
    setlocale(LC_NUMERIC, "C");
}

static void strings_written(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    json_put_string(&b, SLICE("a\"\\\n\x01\xff\xe2\x82\xac/\x7f\0"));
    assert_string_equal(strbuf_cstr(&b),
                        "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xe2\x82\xac/\x7f"
                        "\\u0000\"");
    strbuf_clear(&b);
    json_put_string(&b, (struct slice){ 0 });
    assert_string_equal(strbuf_cstr(&b), "\"\"");
    strbuf_drop(&b);
}

/* Whatever bytes go in, what comes out reads back as their lossy text. */
static void strings_come_back(void **state)
{
    uint64_t seed = 3;
    (void)state;

    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        struct strbuf b = { 0 };
        size_t len = next_random(&seed) % sizeof bytes;
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)(next_random(&seed) >> (i % 2 ? 56 : 57));
        json_put_string(&b, (struct slice){ bytes, len });
        struct json_token t = read_one(strbuf_cstr(&b));
        assert_int_equal(t.kind, JSON_STRING);
        struct strbuf back = { 0 };
        json_unescape(&back, t.text);
        if (i % 2 == 0)           /* below 0x80: nothing is lost */
            assert_true(slice_eq(strbuf_slice(&back),
                                 (struct slice){ bytes, len }));
        strbuf_drop(&back);
        strbuf_drop(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(no_integers),
        cmocka_unit_test(hard_doubles),
        cmocka_unit_test(long_literals),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(floats_come_back),
        cmocka_unit_test(fixed_texts),
        cmocka_unit_test(locales),
        cmocka_unit_test(strings_written),
        cmocka_unit_test(strings_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
