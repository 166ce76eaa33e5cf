/* Random texts over characters that are hard for tokenizers. */
#ifndef OSMIA_TESTS_HARD_TEXT_H
#define OSMIA_TESTS_HARD_TEXT_H

#include "base/strbuf.h"
#include <stdint.h>

static inline uint32_t hard_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Replace `out` by at most `longest` parts.  Few different ones make runs, many
 * make contact. */
static inline void hard_text(struct strbuf *out, uint64_t *state,
                             unsigned longest)
{
    static const char *const parts[] = {
        "a", "b", "x", "Z", "A", "B", "'s", "'t", "'re", "'ve", "'m", "'ll",
        "'d", "'S", "'RE", "'Ve", "'lL", "'\u017F", "'", "'", " ", " ", " ",
        " ", " ", "  ", "   ", "\n", "\n", "\r\n", "\r", "\t", "\n\n", "\v",
        "0", "1", "7", "12", "345", "1234567", ".", ",", "!", "?", "-", "/",
        "\\", "_", "(", "]", "<", "@", "$", "^", "+", "|", "~", "`", "\"",
        "\u00E9", "\u00C9", "\u00DF", "\u0130", "\u01C5", "\u02B0", "\u00AA",
        "\u0301", "\u0308", "\u0E31", "\u093F", "\u20DD", "\u0430", "\u0410",
        "\u05D0", "\u0915", "\u10D0", "\u1C90", "\u4E2D", "\u3042", "\u30FC",
        "\u3005", "\u3007", "\uAC00", "\u1100", "\u2E80", "\u00B2", "\u00BD",
        "\u2167", "\u0663", "\uFF13", "\u00A0", "\xC2\x85", "\u2003", "\u2028",
        "\u3000", "\u200B", "\uFEFF", "\u180E", "\u2019", "\u2014", "\u2026",
        "\u3002", "\uFF0C", "\u0964", "\uFF01", "\u00A3", "\u2200", "\u2581",
        "\U0001F600", "\u200D", "\uFE0F", "\x01", "\x7F", "\uE000", "\u0378",
        "\U0010FFFF"
    };
    enum { N = sizeof parts / sizeof parts[0] };
    static const unsigned few[] = { 2, 4, 8, N };
    unsigned n_some = few[hard_random(state) % 4], some[N];
    unsigned n = hard_random(state) % (longest + 1);
    for (unsigned i = 0; i < n_some; i++)
        some[i] = hard_random(state) % N;
    strbuf_clear(out);
    while (n-- > 0)
        strbuf_puts(out, parts[some[hard_random(state) % n_some]]);
}

#endif
