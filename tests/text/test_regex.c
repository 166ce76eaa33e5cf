#include "support/check.h"

#include "text/regex.h"
#include "text/hard_text.h"

#include <time.h>

enum { SPANS_MAX = 1024 };

static size_t find_all(const struct regex *r, struct slice text,
                       struct span out[SPANS_MAX])
{
    struct regex_search s;
    struct err_info why = { 0 };
    bool found = true;
    size_t n = 0;
    assert_int_equal(regex_search_init(&s, r, &why), ERR_OK);
    regex_search_text(&s, text);
    while (n < SPANS_MAX) {
        if (regex_search_next(&s, &out[n], &found, &why) != ERR_OK)
            fail_msg("%s", why.text);
        if (!found)
            break;
        n++;
    }
    regex_search_drop(&s);
    return n;
}

static bool same_matches(const struct regex *a, const struct regex *b,
                         struct slice text)
{
    struct span of_a[SPANS_MAX], of_b[SPANS_MAX];
    size_t n = find_all(a, text, of_a);
    return n == find_all(b, text, of_b)
        && (n == 0 || memcmp(of_a, of_b, n * sizeof *of_a) == 0);
}

static struct regex *open_regex(const char *pattern, bool general)
{
    struct regex *r = NULL;
    struct err_info why;
    enum err e = general ? regex_open_general(&r, slice_of(pattern), &why)
                         : regex_open(&r, slice_of(pattern), &why);
    if (e != ERR_OK)
        fail_msg("%s: %s", pattern, why.text);
    return r;
}

/* Every hand-written scanner finds what its own expression finds. */
static void scanners(void **state)
{
    struct strbuf text = { 0 };
    uint64_t seed = 20240601;
    const char *pattern;
    (void)state;
    for (size_t i = 0; (pattern = scanner_pattern(i)) != NULL; i++) {
        struct regex *by_hand = open_regex(pattern, false);
        struct regex *general = open_regex(pattern, true);
        for (int n = 0; n < 1500; n++) {
            hard_text(&text, &seed, 24);
            if (!same_matches(by_hand, general, strbuf_slice(&text)))
                fail_msg("%s differs on: %s", pattern, strbuf_cstr(&text));
        }
        regex_close(by_hand);
        regex_close(general);
    }
    strbuf_drop(&text);
}

/* Long runs, where the steps of some expressions are. */
static void runs(void **state)
{
    static const char *const units[] = { " ", "\u3000", "7", "\u0663" };
    static const char *const ends[] = { "", "a", "\n", "\n a", "_" };
    struct strbuf text = { 0 };
    const char *pattern;
    (void)state;
    for (size_t i = 0; (pattern = scanner_pattern(i)) != NULL; i++) {
        struct regex *by_hand = open_regex(pattern, false);
        struct regex *general = open_regex(pattern, true);
        for (size_t n = 1; n < 700; n = n < 20 ? n + 1 : n * 5 / 4) {
            for (size_t k = 0; k < 20; k++) {
                strbuf_clear(&text);
                for (size_t j = 0; j < n; j++)
                    strbuf_puts(&text, units[k % 4]);
                strbuf_puts(&text, ends[k / 4]);
                if (!same_matches(by_hand, general, strbuf_slice(&text)))
                    fail_msg("%s differs on %zu of \"%s\" and \"%s\"",
                             pattern, n, units[k % 4], ends[k / 4]);
            }
        }
        regex_close(by_hand);
        regex_close(general);
    }
    strbuf_drop(&text);
}

/* The comparison notices a scanner that is another one's. */
static void wrong_scanner(void **state)
{
    struct regex *one = open_regex("\\p{N}", false);
    struct regex *three = open_regex("\\p{N}{1,3}", true);
    (void)state;
    assert_true(same_matches(one, three, SLICE("a1b2")));
    assert_false(same_matches(one, three, SLICE("a12")));
    regex_close(one);
    regex_close(three);
}

/* Raw newlines spell the same expression as \n. */
static void spellings(void **state)
{
    (void)state;
    assert_non_null(scanner_for(SLICE("[\r\n]")));
    assert_ptr_equal(scanner_for(SLICE("[\r\n]")),
                     scanner_for(SLICE("[\\r\\n]")));
    assert_null(scanner_for(SLICE("[\r\n]+")));
    assert_null(scanner_for(SLICE("")));
}

/* What Oniguruma makes of a pattern: matches in brackets. */
static const struct { const char *pattern, *text, *marked; }
syntax_rows[] = {
    { "a{1,2}+", "aaaaa", "[aaaaa]" },         /* not possessive */
    { "a{2}?b", "aab b", "[aab] [b]" },        /* {2} or nothing */
    { "a{,2}b", "aaab b", "a[aab] [b]" },
    { "a{,}", "aa{,}", "a[a{,}]" },
    { "{a", "x{a", "x[{a]" },
    { "a**b", "aab", "[aab]" },
    { "a*+ab|x", "aabx", "aab[x]" },
    { "(?>a|ab)c", "abc ac", "abc [ac]" },
    { "a(?i)b|c", "aB aC ac b", "[aB] [aC] [ac] b" },
    { "(?i:a(?-i:b))", "AB Ab", "AB [Ab]" },
    { "(?m:a.b)|c.d", "a\nb c\nd", "[a\nb] c\nd" },
    { "(?x: a b # c\n)", "a bab", "a b[ab]" },
    { "^b", "ab\nb\n", "ab\n[b]\n" },
    { "a$", "ab a\na", "ab [a]\n[a]" },
    { "a\\Z", "a a\n", "a [a]\n" },
    { "a\\z", "a a\n", "a a\n" },
    { "\\bx", "x.xax", "[x].[x]ax" },
    { "\\Bx", "x.xax", "x.xa[x]" },
    { "\\w", "\u00B2", "[\u00B2]" },           /* Latin-1, alone */
    { "[\\w]", "\u00B2", "\u00B2" },           /* not in a class */
    { "[a-e&&[^bd]]+", "abcde", "[a]b[c]d[e]" },
    { "[a-z&&[^aeiou]&&[^xyz]]+", "abyz", "a[b]yz" },
    { "[[a-c][x-z]]+", "bmx", "[b]m[x]" },
    { "[]a]+", "a]b", "[a]]b" },
    { "[a-]+", "a-b", "[a-]b" },
    { "[\\w-]+", "a-b!", "[a-b]!" },
    { "[[:punct:]]+", "a$.b", "a[$.]b" },
    { "\\p{Punct}+", "a$.b", "a$[.]b" },
    { "[[:^alpha:]]", "a1", "a[1]" },
    { "\\p{^L}", "a1", "a[1]" },
    { "\\P{^L}", "a1", "[a]1" },
    { "\\p{Greek}+", "a\u03B1\u03B2b", "a[\u03B1\u03B2]b" },
    { "(?i:k)", "\u212A", "[\u212A]" },
    { "(?i:'s)", "'\u017F", "['\u017F]" },
    { "(?i:[^a])", "aAb", "aA[b]" },
    { "\\u00e9|\\x{4e2d}|\\x41", "\u00E9\u4E2DA", "[\u00E9][\u4E2D][A]" },
    { "\\h+", "fg", "[f]g" },
    { "(?<name>a)b?", "ab", "[ab]" },
    { "(?<=\\p{N})a|(?<!x)b", "1a xb b", "1[a] xb [b]" },
    { "x(?#note)y", "xy", "[xy]" },
    { "(\\s|\\d)+x?", "1 2x", "[1 2x]" },
    { ".", "a\n", "[a]\n" },
};

static void syntax(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof syntax_rows / sizeof syntax_rows[0]; i++) {
        struct span m[SPANS_MAX];
        struct strbuf marked = { 0 };
        struct slice text = slice_of(syntax_rows[i].text);
        size_t done = 0;
        struct regex *r = open_regex(syntax_rows[i].pattern, true);
        size_t n = find_all(r, text, m);
        for (size_t j = 0; j < n; j++) {
            strbuf_put(&marked, (struct slice){ text.at + done,
                                                m[j].at - done });
            strbuf_putc(&marked, '[');
            strbuf_put(&marked, (struct slice){ text.at + m[j].at,
                                                m[j].end - m[j].at });
            strbuf_putc(&marked, ']');
            done = m[j].end;
        }
        strbuf_put(&marked, slice_from(text, done));
        if (!slice_is(strbuf_slice(&marked), syntax_rows[i].marked))
            fail_msg("%s on %s: %s", syntax_rows[i].pattern, syntax_rows[i].text,
                     strbuf_cstr(&marked));
        strbuf_drop(&marked);
        regex_close(r);
    }
}

static void refusals(void **state)
{
    static const struct { const char *pattern; enum err e; const char *says; }
    rows[] = {
        { "(a", ERR_FORMAT, "group" },        { "a)", ERR_FORMAT, ")" },
        { "[a", ERR_FORMAT, "class" },        { "[z-a]", ERR_FORMAT, "range" },
        { "a\\", ERR_FORMAT, "backslash" },   { "\\x{110000}", ERR_FORMAT, "" },
        { "\\p{Nope}", ERR_UNKNOWN, "Nope" }, { "\\p{L", ERR_FORMAT, "closed" },
        { "(a)\\1", ERR_UNKNOWN, "\\1" },     { "\\Ga", ERR_UNKNOWN, "\\G" },
        { "a\\Kb", ERR_UNKNOWN, "\\K" },      { "\\X", ERR_UNKNOWN, "\\X" },
        { "(?~a)", ERR_UNKNOWN, "group" },    { "(?(1)a)", ERR_UNKNOWN, "group" },
        { "*a", ERR_UNKNOWN, "repeat" },      { "a|*", ERR_UNKNOWN, "repeat" },
        { "(?i:ss)", ERR_UNKNOWN, "folding" },
        { "(?i:\u00DF)", ERR_UNKNOWN, "folds" },
        { "a{70000}", ERR_UNKNOWN, "65535" }, { "a{3,2}", ERR_UNKNOWN, "repeat" },
        { "(?<=a+)b", ERR_UNKNOWN, "lookbehind" },
        { "[[[[[[[[[a]]]]]]]]]", ERR_LIMIT, "deep" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct regex *r = NULL;
        struct err_info why = { 0 };
        enum err e = regex_open(&r, slice_of(rows[i].pattern), &why);
        if (e != rows[i].e || strstr(why.text, rows[i].says) == NULL)
            fail_msg("%s: %d %s", rows[i].pattern, e, why.text);
        assert_null(r);
    }
}

/* What would take for ever is an error, soon. */
static void limits(void **state)
{
    struct regex *r = open_regex("(?:a+)+b", true);
    struct regex_search s;
    struct err_info why = { 0 };
    struct strbuf text = { 0 };
    struct span m;
    bool found;
    (void)state;
    for (int i = 0; i < 60; i++)
        strbuf_putc(&text, 'a');
    strbuf_puts(&text, "cb");
    assert_int_equal(regex_search_init(&s, r, &why), ERR_OK);
    regex_search_text(&s, strbuf_slice(&text));
    assert_int_equal(regex_search_next(&s, &m, &found, &why), ERR_LIMIT);
    regex_search_drop(&s);
    strbuf_drop(&text);
    regex_close(r);
}

/* One megabyte of the same, through every scanner: no quadratic time. */
static void linear(void **state)
{
    static const char *const units[] = { "a", "A", " ", "\n", "7", "'", "!",
                                         "\u4E2D", "\u0301", "\U0001F600" };
    struct strbuf text = { 0 };
    const char *pattern;
    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        strbuf_clear(&text);
        while (text.len < 1 << 20)
            strbuf_puts(&text, units[u]);
        for (size_t i = 0; (pattern = scanner_pattern(i)) != NULL; i++) {
            struct regex *r = open_regex(pattern, false);
            struct regex_search s;
            struct span m;
            bool found = true;
            clock_t start = clock();
            assert_int_equal(regex_search_init(&s, r, NULL), ERR_OK);
            regex_search_text(&s, strbuf_slice(&text));
            while (found)
                assert_int_equal(regex_search_next(&s, &m, &found, NULL),
                                 ERR_OK);
            double took = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (took > 2.0)
                fail_msg("%s: %.2f s for 1 MB of \"%s\"", pattern, took,
                         units[u]);
            regex_search_drop(&s);
            regex_close(r);
        }
    }
    strbuf_drop(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanners), cmocka_unit_test(runs),
        cmocka_unit_test(wrong_scanner), cmocka_unit_test(spellings),
        cmocka_unit_test(syntax),
        cmocka_unit_test(refusals), cmocka_unit_test(limits),
        cmocka_unit_test(linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
