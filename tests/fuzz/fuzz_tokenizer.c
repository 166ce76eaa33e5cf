/* A tokenizer.json of any bytes: what opens must encode and decode any text.
 * The first byte says how long the text is that stands before the file; behind
 * a zero byte may follow a tokenizer_config.json. */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/tokenizer.h"
#undef NDEBUG
#include <assert.h>

/* Whole and streamed texts are equal, but for broken runs of bytes. */
static void check_texts(const struct tokenizer *t, const struct tok_ids *ids)
{
    struct strbuf whole = { 0 }, parts = { 0 };
    struct tok_stream s;

    assert(tok_decode(t, ids->at, ids->n, 0, &whole, NULL) == ERR_OK);
    tok_stream_init(&s, t, 0, false);
    for (size_t i = 0; i < ids->n; i++) {
        assert(tok_stream_push(&s, ids->at[i], &parts, NULL) == ERR_OK);
        assert(utf8_valid_prefix(strbuf_slice(&parts)) == parts.len);
    }
    tok_stream_end(&s, &parts);
    tok_stream_drop(&s);
    struct slice text = strbuf_slice(&whole);
    assert(slice_find(text, SLICE("\xEF\xBF\xBD"), 0) != text.len
           || slice_eq(text, strbuf_slice(&parts)));
    strbuf_drop(&whole);
    strbuf_drop(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tok_ids ids = { 0 };
    struct tokenizer *t;

    if (size == 0 || data[0] >= size)
        return 0;
    struct slice text = { (const char *)data + 1, data[0] };
    struct slice rest = { text.at + text.len, size - 1 - text.len };
    size_t       end = slice_find(rest, (struct slice){ "", 1 }, 0);
    struct tok_source src = {
        .tokenizer_json = { rest.at, end },
        .tokenizer_config_json = slice_from(rest, end + (end < rest.len)),
    };
    if (tok_open(&t, &src, NULL, NULL) != ERR_OK)
        return 0;
    for (unsigned flags = 0; flags < 4; flags++)
        if (tok_encode(t, text, flags, &ids, NULL) != ERR_OK)
            ids.n = 0;
    for (size_t i = 0; i < ids.n; i++)
        assert(tok_has(t, ids.at[i]));
    check_texts(t, &ids);
    tok_ids_drop(&ids);
    tok_close(t);
    return 0;
}
