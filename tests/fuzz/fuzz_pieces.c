/* {"normalizer": ..., "pre_tokenizer": ...} and a text behind a zero byte: what
 * is understood gives UTF-8 and pieces in order. */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#undef NDEBUG
#include <assert.h>

enum { OUT_MAX = 1 << 20 };

static void cut(const struct pretokenizer *p, struct slice text)
{
    struct pieces out = { 0 };
    enum err e = pretokenizer_apply(p, text, true, &out, NULL);

    assert(e == ERR_OK || e == ERR_LIMIT);
    for (size_t i = 0, end = 0; e == ERR_OK && i < out.n; i++) {
        assert(out.at[i].at >= end && out.at[i].len > 0);
        end = out.at[i].at + out.at[i].len;
        assert(end <= out.bytes.len);
    }
    pieces_drop(&out);
}

static void run(const struct json *spec, struct slice text)
{
    struct normalizer *n = NULL;
    struct pretokenizer *p = NULL;
    struct strbuf normal = { .limit = OUT_MAX };

    if (normalizer_open(&n, json_get(spec, "normalizer"), NULL) == ERR_OK
        && pretokenizer_open(&p, json_get(spec, "pre_tokenizer"), NULL)
           == ERR_OK
        && normalizer_apply(n, text, &normal, NULL, NULL) == ERR_OK) {
        text = strbuf_slice(&normal);
        assert(utf8_valid_prefix(text) == text.len);
        cut(p, text);
    }
    strbuf_drop(&normal);
    normalizer_close(n);
    pretokenizer_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = { (const char *)data, size };
    size_t end = slice_find(all, (struct slice){ "", 1 }, 0);
    struct slice text = slice_from(all, end + (end < size));
    struct arena arena = { 0 };
    struct json *spec;

    text.len = utf8_valid_prefix(text);
    if (json_parse(&spec, &arena, (struct slice){ all.at, end }, JSON_DEPTH,
                   NULL) == ERR_OK)
        run(spec, text);
    arena_drop(&arena);
    return 0;
}
