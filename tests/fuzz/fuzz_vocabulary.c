/* A GGUF vocabulary of any bytes.
 *
 *   byte 0      model    byte 1   name of the pre-tokenizer   byte 2   flags
 *   byte 3      length of the text to encode; the text follows
 *   then        tokens: length, type, score (one byte each), text;
 *               a length of 255 changes to merges: length, text */
#include "fuzz.h"

#include "base/cursor.h"
#include "base/strbuf.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"
#undef NDEBUG
#include <assert.h>

struct made {
    struct strbuf     tokens, merges, types, scores;
    struct tok_source src;
};

static void put_string(struct strbuf *out, struct slice s)
{
    uint64_t len = s.len;

    strbuf_put(out, (struct slice){ (const char *)&len, sizeof len });
    strbuf_put(out, s);
}

static bool take_token(struct cursor *c, struct made *m)
{
    uint8_t head[3];
    struct slice text;

    if (!cursor_take(c, head, 1) || head[0] == 255
        || !cursor_take(c, head + 1, 2) || !cursor_slice(c, &text, head[0]))
        return false;
    int32_t type = head[1];
    float score = (float)head[2] - 128;
    put_string(&m->tokens, text);
    strbuf_put(&m->types, (struct slice){ (const char *)&type, 4 });
    strbuf_put(&m->scores, (struct slice){ (const char *)&score, 4 });
    m->src.tokens.n++;
    return true;
}

static bool take_merge(struct cursor *c, struct made *m)
{
    uint8_t len;
    struct slice text;

    if (!cursor_take(c, &len, 1) || !cursor_slice(c, &text, len))
        return false;
    put_string(&m->merges, text);
    m->src.merges.n++;
    m->src.has_merges = true;
    return true;
}

static void fill(struct made *m, const uint8_t head[4])
{
    static const char *const models[] = { "llama", "gpt2", "t5", "gemma4",
                                          "bert" };
    const char *const *names = pretokenizer_names();
    size_t n = 0;

    while (names[n] != NULL)
        n++;
    m->src.model = slice_of(models[head[0] % 5]);
    if (head[1] < 250)
        m->src.pre = slice_of(names[head[1] % n]);
    for (size_t i = 0; i < TOK_N_ROLES; i++)
        m->src.role[i] = head[2] & 1 ? (int64_t)i : -1;
    m->src.add_bos = (enum tok_flag)((head[2] >> 1) % 3 - 1);
    m->src.add_eos = (enum tok_flag)((head[2] >> 3) % 3 - 1);
    m->src.add_sep = TOK_UNSET;
    m->src.add_space_prefix = head[2] & 32 ? TOK_NO : TOK_UNSET;
    m->src.remove_extra_whitespaces = head[2] & 64 ? TOK_NO : TOK_UNSET;
    m->src.tokens.raw = strbuf_slice(&m->tokens);
    m->src.merges.raw = strbuf_slice(&m->merges);
    m->src.types = (const uint8_t *)m->types.at;
    m->src.scores = (const uint8_t *)m->scores.at;
}

static void use(const struct tok_source *src, struct slice text)
{
    struct strbuf out = { 0 };
    struct tok_ids ids = { 0 };
    struct tokenizer *t;

    if (tok_open(&t, src, NULL, NULL) != ERR_OK)
        return;
    if (tok_encode(t, text, 3, &ids, NULL) == ERR_OK) {
        for (size_t i = 0; i < ids.n; i++)
            assert(tok_has(t, ids.at[i]));
        assert(tok_decode(t, ids.at, ids.n, 0, &out, NULL) == ERR_OK);
    }
    strbuf_drop(&out);
    tok_ids_drop(&ids);
    tok_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = { data, size };
    struct made m = { .src.model = { "", 0 } };
    struct slice text;
    uint8_t head[4];

    if (!cursor_take(&c, head, 4) || !cursor_slice(&c, &text, head[3]))
        return 0;
    while (take_token(&c, &m))
        ;
    while (take_merge(&c, &m))
        ;
    fill(&m, head);
    use(&m.src, text);
    strbuf_drop(&m.tokens);
    strbuf_drop(&m.merges);
    strbuf_drop(&m.types);
    strbuf_drop(&m.scores);
    return 0;
}
