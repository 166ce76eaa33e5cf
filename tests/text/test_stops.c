#include "support/check.h"

#include "text/stops.h"

/* The plain rule: the word that ends first; of these, what begins first. */
static bool find_stop(struct slice text, const struct slice *words, size_t n,
                      size_t *begin)
{
    for (size_t end = 1; end <= text.len; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < n; i++)
            if (slice_ends((struct slice){ text.at, end }, words[i])
                && words[i].len > longest)
                longest = words[i].len;
        if (longest > 0) {
            *begin = end - longest;
            return true;
        }
    }
    *begin = text.len;
    return false;
}

/* Push the text in parts whose lengths are the bits of `cuts`. */
static bool push_all(struct stops *s, struct slice text, unsigned cuts,
                     struct strbuf *out)
{
    size_t from = 0;

    for (size_t i = 1; i <= text.len; i++) {
        if (i < text.len && !(cuts >> (i - 1) & 1))
            continue;
        if (stops_push(s, (struct slice){ text.at + from, i - from }, out))
            return true;
        from = i;
    }
    stops_end(s, out);
    return false;
}

static bool agrees(struct slice text, const struct slice *words, size_t n,
                   unsigned cuts)
{
    struct strbuf out = { .at = NULL };
    struct stops s;
    size_t begin;

    stops_init(&s, words, n);
    bool want = find_stop(text, words, n, &begin);
    bool got = push_all(&s, text, cuts, &out);
    bool same = got == want
             && slice_eq(strbuf_slice(&out), (struct slice){ text.at, begin });
    stops_drop(&s);
    strbuf_drop(&out);
    return same;
}

static const struct slice word_sets[][3] = {
    { { "ab", 2 }, { "abc", 3 }, { "bca", 3 } },
    { { "aab", 3 }, { "aba", 3 }, { "bbb", 3 } },
    { { "cabcab", 6 }, { "abca", 4 }, { "c", 1 } },
    { { "aaaa", 4 }, { "baab", 4 }, { "abab", 4 } },
    { { "\n\n", 2 }, { "b\n", 2 }, { "a", 1 } },
};

enum { N_SETS = sizeof word_sets / sizeof word_sets[0], MOST = 7 };

/* Every text of up to seven letters of three, cut in every way (of a sample). */
static void every_short_text(void **state)
{
    static const char letters[] = "abc";
    char text[MOST];

    (void)state;
    for (size_t len = 0, n = 1; len <= MOST; len++, n *= 3)
        for (size_t number = 0; number < n; number++) {
            size_t rest = number;
            for (size_t i = 0; i < len; i++, rest /= 3)
                text[i] = letters[rest % 3];
            struct slice s = { text, len };
            for (size_t set = 0; set < N_SETS - 1; set++)
                for (unsigned cuts = 0; cuts < 64; cuts += 1 + cuts % 3)
                    assert_true(agrees(s, word_sets[set], 3, cuts));
        }
}

static void nothing_leaks(void **state)
{
    const struct slice words[] = { SLICE("<|end|>"), SLICE("\nUser:") };
    struct strbuf out = { .at = NULL };
    struct stops s;

    (void)state;
    stops_init(&s, words, 2);
    assert_false(stops_push(&s, SLICE("Hello\nUs"), &out));
    assert_true(slice_is(strbuf_slice(&out), "Hello"));
    assert_false(stops_push(&s, SLICE("ers <|e"), &out));
    assert_true(slice_is(strbuf_slice(&out), "Hello\nUsers "));
    assert_true(stops_push(&s, SLICE("nd|> more"), &out));
    assert_true(slice_is(strbuf_slice(&out), "Hello\nUsers "));
    stops_drop(&s);
    strbuf_drop(&out);
}

static void no_words(void **state)
{
    struct strbuf out = { .at = NULL };
    struct stops s;

    (void)state;
    stops_init(&s, NULL, 0);
    assert_false(stops_push(&s, SLICE("text"), &out));
    assert_true(slice_is(strbuf_slice(&out), "text"));
    stops_drop(&s);
    strbuf_drop(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_text),
        cmocka_unit_test(nothing_leaks),
        cmocka_unit_test(no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
