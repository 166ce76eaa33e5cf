/* An expression and a text, divided by a zero byte: whatever compiles finds
 * matches in order, or says that it takes too long.  The text is cut: in a long
 * one an expression that goes back and forth costs a second, and shows nothing
 * that a short one does not. */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/regex.h"
#undef NDEBUG
#include <assert.h>

enum { TEXT_MAX = 24 };

static void search(const struct regex *r, struct slice text)
{
    struct regex_search s;
    struct span m = { 0, 0 };
    size_t last = 0;
    bool found = true;

    assert(regex_search_init(&s, r, NULL) == ERR_OK);
    regex_search_text(&s, text);
    for (int i = 0; i < 1000 && found; i++) {
        enum err e = regex_search_next(&s, &m, &found, NULL);
        if (e != ERR_OK) {
            assert(e == ERR_LIMIT);
            break;
        }
        if (found)
            assert(last <= m.at && m.at <= m.end && m.end <= text.len);
        last = found ? m.end : last;
    }
    regex_search_drop(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = { (const char *)data, size };
    size_t end = slice_find(all, (struct slice){ "", 1 }, 0);
    struct slice pattern = { all.at, end };
    struct slice text = slice_from(all, end + (end < size));
    struct regex *r;

    pattern.len = utf8_valid_prefix(pattern);
    text.len = text.len < TEXT_MAX ? text.len : TEXT_MAX;
    text.len = utf8_valid_prefix(text);
    enum err e = regex_open(&r, pattern, NULL);
    assert(e == ERR_OK || e == ERR_FORMAT || e == ERR_UNKNOWN
           || e == ERR_LIMIT);
    if (e != ERR_OK)
        return 0;
    search(r, text);
    regex_close(r);
    return 0;
}
