#include "faults/mutate.h"

#include <string.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
    return n == 0 ? 0 : (size_t)(next(state) % n);
}

static void put(struct strbuf *out, struct slice s, size_t from, size_t to)
{
    if (from < to)
        strbuf_put(out, (struct slice){ s.at + from, to - from });
}

/* bytes [from, to) of s replaced. */
static void replace(struct strbuf *out, struct slice s, size_t from, size_t to,
                    struct slice by)
{
    put(out, s, 0, from);
    strbuf_put(out, by);
    put(out, s, to, s.len);
}

/* ---- any bytes ---- */

static void flip(struct strbuf *out, struct slice s, size_t at, uint64_t *r)
{
    replace(out, s, 0, 0, SLICE(""));
    if (at < out->len)
        out->at[at] = (char)(out->at[at] ^ (1 << below(r, 8)));
}

/* An integer of 4 or 8 bytes at its ends, or off by one. */
static void extreme(struct strbuf *out, struct slice s, size_t at, uint64_t *r)
{
    static const uint64_t values[] = {
        0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000,
        0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFF0, 0x4000000000000001,
    };
    size_t   n = sizeof values / sizeof values[0], size = next(r) & 1 ? 8 : 4;
    size_t   pick = below(r, n + 2);
    uint64_t v = 0;

    replace(out, s, 0, 0, SLICE(""));
    if (at + size > out->len)
        return;
    memcpy(&v, out->at + at, size);
    v = pick < n ? values[pick] : pick == n ? v + 1 : v - 1;
    memcpy(out->at + at, &v, size);
}

static void truncate_at(struct strbuf *out, struct slice s, size_t at,
                        uint64_t *r)
{
    (void)r;
    put(out, s, 0, at);
}

static void leave_out(struct strbuf *out, struct slice s, size_t at,
                      uint64_t *r)
{
    size_t end = at + 1 + below(r, 64);
    replace(out, s, at, end < s.len ? end : s.len, SLICE(""));
}

static void say_twice(struct strbuf *out, struct slice s, size_t at,
                      uint64_t *r)
{
    size_t end = at + 1 + below(r, 300);
    end = end < s.len ? end : s.len;
    replace(out, s, end, end, (struct slice){ s.at + at, end - at });
}

static void move(struct strbuf *out, struct slice s, size_t at, uint64_t *r)
{
    size_t from = below(r, s.len), len = 1 + below(r, 100);
    len = from + len < s.len ? len : s.len - from;
    replace(out, s, at, at, (struct slice){ s.at + from, len });
}

static void (*const of_bytes[])(struct strbuf *, struct slice, size_t,
                                uint64_t *) = {
    flip, flip, extreme, extreme, extreme, truncate_at, leave_out, say_twice,
    move,
};

/* ---- JSON ---- */

/* The value or name that begins behind `at`, by its first and last byte. */
static void find_word(struct slice s, size_t at, size_t *from, size_t *to)
{
    while (at < s.len && strchr(" \n{}[]:,", s.at[at]) != NULL)
        at++;
    *from = at;
    if (at < s.len && s.at[at] == '"') {
        at++;
        while (at < s.len && s.at[at] != '"')
            at++;
        at += at < s.len;
    } else {
        while (at < s.len && strchr(" \n{}[]:,\"", s.at[at]) == NULL)
            at++;
    }
    *to = at;
}

static void other_word(struct strbuf *out, struct slice s, size_t at,
                       uint64_t *r)
{
    static const char *const words[] = {
        "0", "-1", "1e308", "1e999", "0.5",
        "18446744073709551615", "18446744073709551616",
        "4294967296", "2147483648", "-0", "1.",
        "null", "true", "nul", "\"\"", "{}",
        "[]", "[[]]", "{\"a\":0}", "\"\\u0000\"",
        "\"\\ud800\"", "\"\xff\"", "NaN", "'x'",
    };
    size_t from, to;

    find_word(s, at, &from, &to);
    replace(out, s, from, to,
            slice_of(words[below(r, sizeof words / sizeof words[0])]));
}

static void nest(struct strbuf *out, struct slice s, size_t at, uint64_t *r)
{
    static const char *const open[] = { "[", "{\"a\":",
                                         "[{\"b\":[", "\"\\u" };
    struct slice what = slice_of(open[below(r, 4)]);
    size_t       times = (size_t)1 << below(r, 17), from, to;

    find_word(s, at, &from, &to);
    put(out, s, 0, from);
    while (times-- > 0)
        strbuf_put(out, what);
    put(out, s, from, s.len);
}

static void swap_words(struct strbuf *out, struct slice s, size_t at,
                       uint64_t *r)
{
    size_t from, to, other, end;

    find_word(s, at, &from, &to);
    find_word(s, below(r, s.len), &other, &end);
    replace(out, s, from, to, (struct slice){ s.at + other, end - other });
}

static void long_word(struct strbuf *out, struct slice s, size_t at,
                      uint64_t *r)
{
    size_t from, to, times = (size_t)1 << below(r, 18);

    find_word(s, at, &from, &to);
    put(out, s, 0, from);
    strbuf_putc(out, '"');
    while (times-- > 0)
        strbuf_puts(out, "ab");
    strbuf_putc(out, '"');
    put(out, s, to, s.len);
}

static void (*const of_text[])(struct strbuf *, struct slice, size_t,
                               uint64_t *) = {
    other_word, other_word, other_word, other_word, nest, swap_words,
    swap_words, long_word,
};

/* ---- cases ---- */

static void change_once(struct strbuf *out, const struct mutable *m,
                        struct slice bytes, uint64_t *r)
{
    size_t head = m->head < bytes.len ? m->head : bytes.len;
    size_t at = below(r, next(r) % 16 == 0 ? bytes.len : head);

    if (m->text && next(r) % 4 != 0)
        of_text[below(r, sizeof of_text / sizeof of_text[0])](out, bytes, at,
                                                              r);
    else
        of_bytes[below(r, sizeof of_bytes / sizeof of_bytes[0])](out, bytes,
                                                                 at, r);
}

void mutate(struct strbuf *out, const struct mutable *m, uint64_t n)
{
    uint64_t r = n * 0xD1342543DE82EF95u + 1;
    size_t   times = 1 + below(&r, 3) * below(&r, 2);

    change_once(out, m, m->bytes, &r);
    for (size_t i = 1; i < times; i++) {
        struct strbuf once = *out;
        *out = (struct strbuf){ 0 };
        change_once(out, m, strbuf_slice(&once), &r);
        strbuf_drop(&once);
    }
}
