/* Tiny tokenizers that between them use every component, with ids and texts
 * from the reference library (tools/golden/tiny_tokenizers.py wrote them). */
#include "support/check.h"

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    "bert", "clip", "front", "gpt2", "late", "llama2", "llama3", "metaspace",
    "partial", "plain", "prefix", "unigram", "unigram_bytes", "words"
};

enum { N_NAMES = sizeof names / sizeof names[0] };

struct golden {
    struct file       file;
    struct arena      arena;
    struct slice      spec;         /* the tokenizer.json */
    struct json      *encode, *decode;
    struct tokenizer *tok;
};

static void read_golden(struct golden *g, const char *name)
{
    struct err_info why;
    struct json_reader r;
    struct json_token t;
    struct slice raw;
    char path[256];

    *g = (struct golden){ .tok = NULL };
    snprintf(path, sizeof path, "tests/text/data/tok_%s.json", name);
    if (file_open(&g->file, path, &why) != ERR_OK)
        fail_msg("%s", why.text);
    json_reader_init(&r, file_slice(&g->file), JSON_DEPTH);
    assert_int_equal(json_next(&r, &t, &why), ERR_OK);
    while (json_next(&r, &t, &why) == ERR_OK && t.kind != JSON_END) {
        assert_int_equal(json_skip(&r, &t, &raw, &why), ERR_OK);
        if (slice_is(t.key, "tokenizer"))
            g->spec = raw;
        else
            assert_int_equal(json_parse(slice_is(t.key, "encode") ? &g->encode
                                                                  : &g->decode,
                                        &g->arena, raw, JSON_DEPTH, &why),
                             ERR_OK);
    }
}

static void open_golden(struct golden *g, const char *name)
{
    struct err_info why;

    read_golden(g, name);
    struct tok_source src = { .tokenizer_json = g->spec };
    if (tok_open(&g->tok, &src, NULL, &why) != ERR_OK)
        fail_msg("%s: %s", name, why.text);
}

static void close_golden(struct golden *g)
{
    tok_close(g->tok);
    arena_drop(&g->arena);
    file_close(&g->file);
}

static bool same_ids(const struct tok_ids *got, const struct json *want)
{
    size_t i = 0;

    for (const struct json *v = want->first; v != NULL; v = v->next, i++)
        if (i >= got->n || got->at[i] != (int32_t)v->integer.magnitude)
            return false;
    return i == got->n;
}

static unsigned flags_of(const struct json *c)
{
    return (json_at(c, 1)->integer.magnitude ? TOK_ADD_SPECIAL : 0u)
         | (json_at(c, 2)->integer.magnitude ? TOK_PARSE_SPECIAL : 0u);
}

static void ids_agree(void **state)
{
    size_t n_cases = 0;

    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        struct golden g;
        open_golden(&g, names[i]);
        for (const struct json *c = g.encode->first; c != NULL; c = c->next) {
            struct tok_ids ids = { .n = 0 };
            struct err_info why;
            const struct json *text = json_at(c, 0);
            assert_int_equal(tok_encode(g.tok, text->string, flags_of(c), &ids,
                                        &why), ERR_OK);
            if (!same_ids(&ids, json_at(c, 3)))
                fail_msg("%s: \"%.*s\"", names[i], (int)text->string.len,
                         text->string.at);
            tok_ids_drop(&ids);
            n_cases++;
        }
        close_golden(&g);
    }
    assert_int_equal(n_cases, 60 * N_NAMES);
}

/* The comparison itself notices a wrong id, one too few and one too many. */
static void a_wrong_id_is_noticed(void **state)
{
    struct arena arena = { .chunks = NULL };
    struct json *want;
    int32_t right[] = { 5, 7, 9 }, wrong[] = { 5, 8, 9 };

    (void)state;
    assert_int_equal(json_parse(&want, &arena, SLICE("[5,7]"), 8, NULL), 0);
    assert_true(same_ids(&(struct tok_ids){ right, 2, 0 }, want));
    assert_false(same_ids(&(struct tok_ids){ wrong, 2, 0 }, want));
    assert_false(same_ids(&(struct tok_ids){ right, 1, 0 }, want));
    assert_false(same_ids(&(struct tok_ids){ right, 3, 0 }, want));
    arena_drop(&arena);
}

/* ---- decoding ---- */

static void read_ids(struct tok_ids *ids, const struct json *list)
{
    for (const struct json *v = list->first; v != NULL; v = v->next)
        assert_true(tok_ids_push(ids, (int32_t)v->integer.magnitude));
}

/* All ids, one by one. */
static void stream(const struct tokenizer *t, const struct tok_ids *ids,
                   unsigned flags, struct strbuf *out)
{
    struct tok_stream s;
    struct err_info why;

    tok_stream_init(&s, t, flags, false);
    for (size_t i = 0; i < ids->n; i++) {
        assert_int_equal(tok_stream_push(&s, ids->at[i], out, &why), ERR_OK);
        assert_int_equal(utf8_valid_prefix(strbuf_slice(out)), out->len);
    }
    tok_stream_end(&s, out);
    tok_stream_drop(&s);
}

static void check_text(const struct golden *g, const char *name,
                       const struct json *c, bool skip)
{
    unsigned flags = skip ? TOK_SKIP_SPECIAL : 0;
    struct slice want = json_at(c, skip ? 2 : 1)->string;
    struct tok_ids ids = { .n = 0 };
    struct strbuf whole = { .at = NULL }, parts = { .at = NULL };
    struct err_info why;

    read_ids(&ids, json_at(c, 0));
    assert_int_equal(tok_decode(g->tok, ids.at, ids.n, flags, &whole, &why),
                     ERR_OK);
    if (!slice_eq(strbuf_slice(&whole), want))
        fail_msg("%s: got \"%s\", want \"%.*s\"", name, strbuf_cstr(&whole),
                 (int)want.len, want.at);
    stream(g->tok, &ids, flags, &parts);
    /* Streams may let good characters of a bad run out. */
    bool bad_run = slice_find(want, SLICE("\xEF\xBF\xBD"), 0) != want.len;
    if (!bad_run && !slice_eq(strbuf_slice(&parts), want))
        fail_msg("%s: streamed \"%s\", want \"%.*s\"", name,
                 strbuf_cstr(&parts), (int)want.len, want.at);
    strbuf_drop(&whole);
    strbuf_drop(&parts);
    tok_ids_drop(&ids);
}

static void texts_agree(void **state)
{
    size_t n_cases = 0;

    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        struct golden g;
        open_golden(&g, names[i]);
        for (const struct json *c = g.decode->first; c != NULL; c = c->next) {
            check_text(&g, names[i], c, false);
            check_text(&g, names[i], c, true);
            n_cases++;
        }
        close_golden(&g);
    }
    assert_true(n_cases > 80 * N_NAMES);
}

/* ---- what goes in is not always text ---- */

static void bytes_that_are_no_text(void **state)
{
    static const char bad[] = "a\xFF\xC3(\xE2\x82 \xF0\x9F\x98\xED\xA0\x80z\xC3";
    struct strbuf clean = { .at = NULL };
    struct err_info why;

    (void)state;
    utf8_put_lossy(&clean, (struct slice){ bad, sizeof bad - 1 });
    for (size_t i = 0; i < N_NAMES; i++) {
        struct tok_ids a = { .n = 0 }, b = { .n = 0 };
        struct golden g;
        open_golden(&g, names[i]);
        assert_int_equal(tok_encode(g.tok, (struct slice){ bad, sizeof bad - 1 },
                                    3, &a, &why), ERR_OK);
        assert_int_equal(tok_encode(g.tok, strbuf_slice(&clean), 3, &b, &why),
                         ERR_OK);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.at, b.at, a.n * sizeof *a.at);
        tok_ids_drop(&a);
        tok_ids_drop(&b);
        close_golden(&g);
    }
    strbuf_drop(&clean);
}

static void ids_that_are_no_tokens(void **state)
{
    struct strbuf out = { .at = NULL };
    struct err_info why;
    struct golden g;

    (void)state;
    open_golden(&g, "llama2");
    int32_t beyond = (int32_t)tok_size(g.tok), negative = -1;
    assert_int_equal(tok_decode(g.tok, &beyond, 1, 0, &out, &why), ERR_REQUEST);
    assert_int_equal(tok_decode(g.tok, &negative, 1, 0, &out, &why),
                     ERR_REQUEST);
    assert_int_equal(tok_text(g.tok, negative).len, 0);
    assert_int_equal(tok_find(g.tok, SLICE("no such token")), -1);
    assert_int_equal(tok_find(g.tok, SLICE("<LR>")),
                     (int32_t)tok_size(g.tok) - 2);
    strbuf_drop(&out);
    close_golden(&g);
}

/* A completion keeps the space that a whole text would not begin with. */
static void streams_that_continue(void **state)
{
    struct err_info why;
    struct golden g;

    (void)state;
    open_golden(&g, "llama2");
    int32_t id = tok_find(g.tok, SLICE("\xE2\x96\x81the"));
    assert_true(id >= 0);
    for (int continues = 0; continues < 2; continues++) {
        struct strbuf out = { .at = NULL };
        struct tok_stream s;
        tok_stream_init(&s, g.tok, 0, continues == 1);
        assert_int_equal(tok_stream_push(&s, id, &out, &why), ERR_OK);
        tok_stream_end(&s, &out);
        assert_true(slice_is(strbuf_slice(&out), continues ? " the" : "the"));
        tok_stream_drop(&s);
        strbuf_drop(&out);
    }
    close_golden(&g);
}

/* Every character of a byte-fallback run comes out as soon as it is whole. */
static void bytes_stream_early(void **state)
{
    static const char *const bytes[] = { "<0xE4>", "<0xBD>", "<0xA0>", "<0xFF>",
                                         "<0xC3>" };
    static const char *const after[] = { "", "", "\xE4\xBD\xA0",
                                         "\xE4\xBD\xA0\xEF\xBF\xBD",
                                         "\xE4\xBD\xA0\xEF\xBF\xBD" };
    struct strbuf out = { .at = NULL };
    struct err_info why;
    struct tok_stream s;
    struct golden g;

    (void)state;
    open_golden(&g, "llama2");
    tok_stream_init(&s, g.tok, 0, false);
    for (size_t i = 0; i < 5; i++) {
        int32_t id = tok_find(g.tok, slice_of(bytes[i]));
        assert_int_equal(tok_stream_push(&s, id, &out, &why), ERR_OK);
        assert_true(slice_is(strbuf_slice(&out), after[i]));
    }
    tok_stream_end(&s, &out);
    assert_true(slice_is(strbuf_slice(&out),
                         "\xE4\xBD\xA0\xEF\xBF\xBD\xEF\xBF\xBD"));
    tok_stream_drop(&s);
    strbuf_drop(&out);
    close_golden(&g);
}

/* A byte that ends a character too early leaves the run, and only that one. */
static void bad_bytes_stream_early(void **state)
{
    struct strbuf out = { .at = NULL };
    struct tok_stream s;
    struct golden g;

    (void)state;
    open_golden(&g, "llama2");
    tok_stream_init(&s, g.tok, 0, false);
    int32_t lead = tok_find(g.tok, SLICE("<0xE4>"));
    int32_t bad = tok_find(g.tok, SLICE("<0xFF>"));
    assert_int_equal(tok_stream_push(&s, lead, &out, NULL), ERR_OK);
    assert_int_equal(tok_stream_push(&s, bad, &out, NULL), ERR_OK);
    assert_true(slice_is(strbuf_slice(&out), "\xEF\xBF\xBD\xEF\xBF\xBD"));
    tok_stream_drop(&s);
    strbuf_drop(&out);
    close_golden(&g);
}

/* A word may have twelve characters here; a longer one is unknown. */
static void the_longest_word(void **state)
{
    struct tok_ids ids = { .n = 0 };
    struct err_info why;
    struct golden g;

    (void)state;
    open_golden(&g, "bert");
    int32_t unk = tok_find(g.tok, SLICE("[UNK]"));
    assert_int_equal(tok_encode(g.tok, SLICE("aaaaaaaaaaaa"), 0, &ids, &why),
                     ERR_OK);
    assert_true(ids.n > 1 && ids.at[0] != unk);
    ids.n = 0;
    assert_int_equal(tok_encode(g.tok, SLICE("aaaaaaaaaaaaa"), 0, &ids, &why),
                     ERR_OK);
    assert_true(ids.n == 1 && ids.at[0] == unk);
    tok_ids_drop(&ids);
    close_golden(&g);
}

static void single_pieces(void **state)
{
    static const struct { const char *name, *text, *piece; } rows[] = {
        { "llama2", "\xE2\x96\x81the", " the" },
        { "llama2", "<0xE4>", "\xE4" },
        { "llama2", "<s>", "<s>" },
        { "llama3", "\xC4\xA0the", " the" },
        { "llama3", "<|begin|>", "<|begin|>" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf out = { .at = NULL };
        struct golden g;
        open_golden(&g, rows[i].name);
        int32_t id = tok_find(g.tok, slice_of(rows[i].text));
        assert_true(slice_is(tok_text(g.tok, id), rows[i].text));
        tok_piece(g.tok, id, &out);
        assert_true(slice_is(strbuf_slice(&out), rows[i].piece));
        strbuf_drop(&out);
        close_golden(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_agree),
        cmocka_unit_test(a_wrong_id_is_noticed),
        cmocka_unit_test(texts_agree),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(ids_that_are_no_tokens),
        cmocka_unit_test(streams_that_continue),
        cmocka_unit_test(bytes_stream_early),
        cmocka_unit_test(bad_bytes_stream_early),
        cmocka_unit_test(the_longest_word),
        cmocka_unit_test(single_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
