/* UTF-8 against a reference that knows nothing but RFC 3629's way to write a
 * code point: all 1,112,064 are written, every prefix of each is marked, and a
 * decoder must then agree about any bytes whatever. */
#include "support/check.h"

#include "base/strbuf.h"
#include "base/utf8.h"
#include <stdlib.h>
#include "support/edge.h"

/* marks[n - 1]: the bytes, read as a number of n bytes, begin a character. */
struct reference {
    uint8_t *marks[4];
};

static size_t write_plain(unsigned char out[4], uint32_t c)
{
    if (c < 0x80)
        return out[0] = (unsigned char)c, 1;
    if (c < 0x800) {
        out[0] = (unsigned char)(0xC0 | c >> 6);
        out[1] = (unsigned char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xE0 | c >> 12);
        out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (c & 0x3F));
    return 4;
}

static uint32_t as_number(const unsigned char *bytes, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | bytes[i];
    return v;
}

/* Four-byte characters start with F0 at least: the table starts there, too. */
static bool *mark_place(const struct reference *r, const unsigned char *bytes,
                        size_t n)
{
    uint32_t v = as_number(bytes, n);

    if (n == 4 && bytes[0] < 0xF0)
        return NULL;
    return (bool *)r->marks[n - 1] + (n == 4 ? (v - 0xF0000000u) % (5u << 24)
                                             : v);
}

static bool marked(const struct reference *r, const unsigned char *bytes,
                   size_t n)
{
    const bool *place = mark_place(r, bytes, n);
    return place != NULL && bytes[0] <= 0xF4 && *place;
}

static int reference_make(void **state)
{
    static const size_t sizes[] = { 1 << 8, 1 << 16, 1 << 24, 5u << 24 };
    struct reference *r = calloc(1, sizeof *r);

    for (int i = 0; i < 4; i++)
        r->marks[i] = calloc(sizes[i], 1);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        unsigned char bytes[4];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t len = write_plain(bytes, c);
        for (size_t n = 1; n <= len; n++)
            *mark_place(r, bytes, n) = true;
    }
    *state = r;
    return 0;
}

static int reference_free(void **state)
{
    struct reference *r = *state;

    for (int i = 0; i < 4; i++)
        free(r->marks[i]);
    free(r);
    return 0;
}

/* Length a decoder must return for bytes[0..n); *whole: it is a character. */
static size_t reference_len(const struct reference *r,
                            const unsigned char *bytes, size_t n, bool *whole)
{
    size_t len = 1;

    *whole = false;
    if (!marked(r, bytes, 1))
        return 1;
    while (len < n && len < 4 && marked(r, bytes, len + 1))
        len++;
    size_t full = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2
                                    : bytes[0] < 0xF0 ? 3 : 4;
    *whole = len == full;
    return len;
}

static void agree(const struct reference *r, const unsigned char *bytes,
                  size_t n)
{
    bool whole, valid;
    uint32_t c;
    unsigned char again[4];
    size_t want = reference_len(r, bytes, n, &whole);
    size_t got = utf8_decode((struct slice){ (const char *)bytes, n }, &c,
                             &valid);

    if (got != want || valid != whole)
        fail_msg("%08x, %zu bytes: %zu %d, should be %zu %d",
                 as_number(bytes, n), n, got, valid, want, whole);
    if (!valid && c != UTF8_REPLACEMENT)
        fail_msg("%08x: no replacement", as_number(bytes, n));
    if (valid && (write_plain(again, c) != got
                  || memcmp(again, bytes, got) != 0))
        fail_msg("%08x: decoded as %x", as_number(bytes, n), c);
}

/* The first n bytes take every value. */
static void agree_all(const struct reference *r, size_t n, unsigned char last)
{
    for (uint32_t v = 0; v < 1u << 8 * n; v++) {
        unsigned char bytes[4] = { 0 };
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)(v >> 8 * (n - 1 - i));
        bytes[n] = last;
        agree(r, bytes, n + (last != 0));
    }
}

static void short_sequences(void **state)
{
    agree_all(*state, 1, 0);
    agree_all(*state, 2, 0);
    agree_all(*state, 3, 0);
}

/* Every three bytes before a byte that ends them and one that goes on; behind
 * the leads of four every last byte, too. */
static void long_sequences(void **state)
{
    static const unsigned char third[] = { 0, 'A', 0x7F, 0x80, 0x8F, 0x90, 0xBF,
                                           0xC0, 0xE0, 0xFF };
    agree_all(*state, 3, 'A');
    agree_all(*state, 3, 0xBF);
    for (uint32_t v = 0; v < 6u << 16; v++) {
        for (size_t i = 0; i < sizeof third; i++) {
            unsigned char bytes[4] = { (unsigned char)(0xEF + (v >> 16)),
                                       (unsigned char)(v >> 8), third[i],
                                       (unsigned char)v };
            agree(*state, bytes, 4);
        }
    }
}

/* The test's own comparison: bytes that are whole but said to be broken. */
static void reference_can_fail(void **state)
{
    const unsigned char surrogate[] = { 0xED, 0xA0, 0x80 };
    const unsigned char euro[] = { 0xE2, 0x82, 0xAC };
    bool whole;

    assert_int_equal(reference_len(*state, surrogate, 3, &whole), 1);
    assert_false(whole);
    assert_int_equal(reference_len(*state, euro, 3, &whole), 3);
    assert_true(whole);
    assert_int_equal(reference_len(*state, euro, 2, &whole), 2);
    assert_false(whole);
}

static void encodes(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        unsigned char want[4];
        char got[4];
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t len = write_plain(want, c);
        assert_int_equal(utf8_encode(got, c), len);
        assert_memory_equal(got, want, len);
    }
}

/* A broken byte at every place of texts of every length, at a page's edge. */
static void valid_prefixes(void **state)
{
    struct edge e;
    char text[64];
    (void)state;

    edge_open(&e, sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        memset(text, 'a', sizeof text);
        for (size_t i = 30; i + 3 <= len; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        struct slice s = edge_put(&e, (struct slice){ text, len });
        assert_int_equal(utf8_valid_prefix(s), len);
        for (size_t bad = 0; bad < len; bad++) {
            struct slice broken = edge_put(&e, (struct slice){ text, len });
            ((char *)(uintptr_t)broken.at)[bad] = (char)0xFF;
            size_t whole = bad >= 30 ? 30 + (bad - 30) / 3 * 3 : bad;
            if (bad >= 30 + (len - 30) / 3 * 3)
                whole = bad;
            assert_int_equal(utf8_valid_prefix(broken), whole);
        }
    }
    edge_close(&e);
}

/* A tail is completable if some ending makes it a character. */
static void incomplete_tails(void **state)
{
    const struct reference *r = *state;

    for (uint32_t v = 0; v < 1u << 24; v++) {
        unsigned char bytes[3] = { (unsigned char)(v >> 16),
                                   (unsigned char)(v >> 8), (unsigned char)v };
        size_t want = 0;
        for (size_t n = 1; n <= 3; n++) {
            bool whole;
            if (marked(r, bytes + 3 - n, n)
                && reference_len(r, bytes + 3 - n, n, &whole) == n && !whole)
                want = n;
        }
        size_t got = utf8_incomplete_tail(
            (struct slice){ (const char *)bytes, 3 });
        if (got != want)
            fail_msg("%06x: tail %zu, should be %zu", v, got, want);
    }
}

static void lossy(void **state)
{
    struct strbuf b = { 0 };
    (void)state;

    utf8_put_lossy(&b, SLICE("a\xff\xe2\x82z\xf0\x9f\x98\x80\xed\xa0\x80\xc3"));
    assert_string_equal(strbuf_cstr(&b),
                        "a\xef\xbf\xbd\xef\xbf\xbdz\xf0\x9f\x98\x80"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    strbuf_drop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_can_fail),
        cmocka_unit_test(short_sequences),
        cmocka_unit_test(long_sequences),
        cmocka_unit_test(encodes),
        cmocka_unit_test(valid_prefixes),
        cmocka_unit_test(incomplete_tails),
        cmocka_unit_test(lossy),
    };
    return cmocka_run_group_tests(tests, reference_make, reference_free);
}
