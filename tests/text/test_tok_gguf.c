/* Vocabularies of GGUF: kinds, defaults, special tokens, refusals; and that
 * time stays linear on long runs, for every model. */
#include "support/alloc_fail.h"
#include "support/check.h"

#include "base/strbuf.h"
#include "text/bytemap.h"
#include "text/tokenizer.h"
#include "support/effort.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK "\xE2\x96\x81"

/* A vocabulary in the making. */
struct maker {
    struct strbuf     tokens, merges, scores, types;
    struct tok_source src;
};

static void put_string(struct strbuf *out, struct slice text)
{
    uint64_t len = text.len;

    strbuf_put(out, (struct slice){ (const char *)&len, sizeof len });
    strbuf_put(out, text);
}

static void token(struct maker *m, struct slice text, enum tok_type type,
                  float score)
{
    int32_t number = (int32_t)type;

    put_string(&m->tokens, text);
    strbuf_put(&m->types, (struct slice){ (const char *)&number, 4 });
    strbuf_put(&m->scores, (struct slice){ (const char *)&score, 4 });
    m->src.tokens.n++;
}

static void normal(struct maker *m, const char *text, float score)
{
    token(m, slice_of(text), TOK_TYPE_NORMAL, score);
}

static void merge(struct maker *m, const char *text)
{
    put_string(&m->merges, slice_of(text));
    m->src.merges.n++;
    m->src.has_merges = true;
}

static void begin(struct maker *m, const char *model)
{
    *m = (struct maker){ .src.model = slice_of(model) };
    for (size_t i = 0; i < TOK_N_ROLES; i++)
        m->src.role[i] = -1;
    m->src.add_bos = m->src.add_eos = m->src.add_sep = TOK_UNSET;
    m->src.add_space_prefix = m->src.remove_extra_whitespaces = TOK_UNSET;
}

static void drop(struct maker *m)
{
    strbuf_drop(&m->tokens);
    strbuf_drop(&m->merges);
    strbuf_drop(&m->scores);
    strbuf_drop(&m->types);
}

static const struct tok_source *finish(struct maker *m)
{
    assert_false(m->tokens.failed || m->merges.failed || m->scores.failed);
    m->src.tokens.raw = strbuf_slice(&m->tokens);
    m->src.merges.raw = strbuf_slice(&m->merges);
    m->src.scores = (const uint8_t *)m->scores.at;
    m->src.types = (const uint8_t *)m->types.at;
    return &m->src;
}

struct heard { size_t n; char last[300]; };

static void hear(void *arg, const char *sentence)
{
    struct heard *h = arg;
    h->n++;
    snprintf(h->last, sizeof h->last, "%s", sentence);
}

static struct tokenizer *open_made(struct maker *m, struct heard *heard)
{
    const struct notices notices = { hear, heard };
    struct tokenizer *t;
    struct err_info why;

    if (tok_open(&t, finish(m), heard != NULL ? &notices : NULL, &why)
        != ERR_OK)
        fail_msg("%s", why.text);
    return t;
}

static void check(const struct tokenizer *t, const char *text, unsigned flags,
                  const char *want)
{
    struct tok_ids ids = { .n = 0 };
    struct err_info why;
    char got[200] = "";
    size_t len = 0;

    assert_int_equal(tok_encode(t, slice_of(text), flags, &ids, &why), ERR_OK);
    for (size_t i = 0; i < ids.n; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s%d",
                                i ? " " : "", (int)ids.at[i]);
    assert_string_equal(got, want);
    tok_ids_drop(&ids);
}

static void check_text(const struct tokenizer *t, const int32_t *ids, size_t n,
                       unsigned flags, const char *want)
{
    struct strbuf out = { .at = NULL };
    struct err_info why;

    assert_int_equal(tok_decode(t, ids, n, flags, &out, &why), ERR_OK);
    assert_true(slice_is(strbuf_slice(&out), want));
    strbuf_drop(&out);
}

/* ---- SentencePiece ---- */

static void make_spm(struct maker *m)
{
    begin(m, "llama");
    token(m, SLICE("<unk>"), TOK_TYPE_UNKNOWN, 0);
    token(m, SLICE("<s>"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("</s>"), TOK_TYPE_CONTROL, 0);
    for (int b = 0; b < 256; b++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        token(m, slice_of(text), TOK_TYPE_BYTE, 0);
    }
    normal(m, MARK, -10);                   /* 259 */
    normal(m, "a", -11);
    normal(m, "b", -12);
    normal(m, "aa", -1);                    /* 262 */
    normal(m, "ab", -2);
    normal(m, MARK "a", -3);
    normal(m, "aaa", -2);                   /* 265 */
    token(m, SLICE("<tool>"), TOK_TYPE_USER, -1000);
    token(m, SLICE("<|im_end|>"), TOK_TYPE_NORMAL, -1000);
}

/* A vocabulary without byte tokens: each byte of what it lacks is unknown. */
static void bytes_without_tokens(void **state)
{
    struct maker m;

    (void)state;
    begin(&m, "llama");
    token(&m, SLICE("<unk>"), TOK_TYPE_UNKNOWN, 0);
    token(&m, SLICE("<s>"), TOK_TYPE_CONTROL, 0);
    token(&m, SLICE("</s>"), TOK_TYPE_CONTROL, 0);
    normal(&m, MARK, -10);
    normal(&m, "a", -11);
    struct tokenizer *t = open_made(&m, NULL);
    check(t, "a\xC3\xA9", 0, "3 4 0 0");
    tok_close(t);
    drop(&m);
}

static void expect_stream(const struct tokenizer *t, bool continues,
                          const char *want)
{
    struct tok_stream s;
    struct strbuf out = { .at = NULL };

    tok_stream_init(&s, t, 0, continues);
    assert_int_equal(tok_stream_push(&s, 264, &out, NULL), ERR_OK);
    tok_stream_end(&s, &out);
    assert_true(slice_is(strbuf_slice(&out), want));
    tok_stream_drop(&s);
    strbuf_drop(&out);
}

/* The space in front of a text's first word belongs to no text, that of a text
 * that goes on does. */
static void continued_streams_keep_their_space(void **state)
{
    struct maker m;

    (void)state;
    make_spm(&m);
    struct tokenizer *t = open_made(&m, NULL);
    expect_stream(t, false, "a");
    expect_stream(t, true, " a");
    tok_close(t);
    drop(&m);
}

static void sentence_piece(void **state)
{
    const int32_t ids[] = { 1, 264, 261, 3 + 0xE4, 3 + 0xBD, 3 + 0xA0, 266, 2 };
    struct maker m;

    (void)state;
    make_spm(&m);
    struct tokenizer *t = open_made(&m, NULL);
    assert_string_equal(tok_kind(t), "spm");
    check(t, "", 3, "1");
    check(t, "ab", 3, "1 259 263");         /* ab before MARK a */
    check(t, "aab", 0, "259 262 261");
    check(t, "aaaa", 0, "259 262 262");     /* leftmost of equal scores */
    check(t, "aaa", 0, "259 265");          /* a token of tokens */
    check(t, "\xE4", 0, "259 242 194 192"); /* U+FFFD by its bytes */
    check(t, "</s>b", 2, "2 259 261");
    check(t, "</s>b", 0, "259 63 50 118 65 261");
    check(t, "b<tool>b", 0, "259 261 266 259 261");
    check(t, "<|im_end|>", 2, "267");       /* known by its text */
    assert_true(tok_is_eos(t, 2) && tok_is_eos(t, 267));
    assert_int_equal(tok_role_id(t, TOK_ROLE_EOT), 267);
    check_text(t, ids, 8, 0, "<s> ab\xE4\xBD\xA0<tool></s>");
    check_text(t, ids + 1, 2, 0, "ab");
    check_text(t, ids, 8, TOK_SKIP_SPECIAL, "ab\xE4\xBD\xA0<tool>");
    tok_close(t);
    drop(&m);
}

static void space_prefix_is_a_key(void **state)
{
    struct maker m;

    (void)state;
    make_spm(&m);
    m.src.add_space_prefix = TOK_NO;
    m.src.add_bos = TOK_NO;
    m.src.add_eos = TOK_YES;
    struct tokenizer *t = open_made(&m, NULL);
    check(t, "ab a", 3, "263 264 2");
    assert_false(tok_adds_bos(t));
    assert_true(tok_adds_eos(t));
    tok_close(t);
    drop(&m);
}

static void phi3_takes_spaces_along(void **state)
{
    struct maker m;

    (void)state;
    make_spm(&m);
    m.src.name = SLICE("Phi-3 Mini");
    struct tokenizer *t = open_made(&m, NULL);
    check(t, "</s> \n b<s> b", 2, "2 259 261 1 259 259 261");
    tok_close(t);
    drop(&m);
}

/* ---- byte-level ---- */

static void make_gpt2(struct maker *m)
{
    begin(m, "gpt2");
    for (int b = 0; b < 256; b++) {
        struct strbuf text = { .at = NULL };
        char c = (char)b;
        bytemap_put(&text, (struct slice){ &c, 1 });
        token(m, strbuf_slice(&text), TOK_TYPE_NORMAL, 0);
        strbuf_drop(&text);
    }
    normal(m, "ab", 0);                     /* 256 */
    normal(m, "abc", 0);
    normal(m, "\xC4\xA0" "a", 0);
    token(m, SLICE("<|begin|>"), TOK_TYPE_CONTROL, 0);      /* 259 */
    token(m, SLICE("<|eot_id|>"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("[PAD261]"), TOK_TYPE_UNUSED, 0);
    token(m, SLICE(""), TOK_TYPE_NORMAL, 0);                /* 262 */
    merge(m, "a b");
    merge(m, "ab c");
    merge(m, "\xC4\xA0 a");
    merge(m, "a b");                        /* the first one counts */
    m->src.pre = SLICE("llama-bpe");
    m->src.role[TOK_ROLE_BOS] = 259;
    m->src.role[TOK_ROLE_EOS] = 260;
}

static void byte_level(void **state)
{
    const int32_t ids[] = { 259, 258, 257, 0xE4, 260 };
    struct heard heard = { 0 };
    struct maker m;

    (void)state;
    make_gpt2(&m);
    m.src.role[TOK_ROLE_PAD] = 99999;
    struct tokenizer *t = open_made(&m, &heard);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "pad"));
    assert_int_equal(tok_role_id(t, TOK_ROLE_PAD), -1);
    check(t, "abc a ab", 3, "259 257 258 32 256");
    check(t, "<|eot_id|>", 2, "260");
    check_text(t, ids, 5, 0, "<|begin|> aabc\xEF\xBF\xBD<|eot_id|>");
    check_text(t, ids, 3, TOK_SKIP_SPECIAL, " aabc");
    assert_false(tok_has(t, 261));
    assert_true(slice_is(tok_text(t, 262), "[EMPTY_262]"));
    assert_true(slice_is(tok_text(t, 258), "\xC4\xA0" "a"));
    tok_close(t);
    drop(&m);
}

static void a_missing_pre_is_guessed(void **state)
{
    struct heard heard = { 0 };
    struct maker m;

    (void)state;
    make_gpt2(&m);
    m.src.pre = SLICE("");
    struct tokenizer *t = open_made(&m, &heard);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "\"default\""));
    assert_false(tok_adds_bos(t));
    tok_close(t);
    drop(&m);
}

/* ---- unigram, WordPiece ---- */

static void make_t5(struct maker *m)
{
    begin(m, "t5");
    token(m, SLICE("<pad>"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("</s>"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("<unk>"), TOK_TYPE_UNKNOWN, 0);
    normal(m, MARK, -2);                    /* 3 */
    normal(m, "a", -3);
    normal(m, "b", -3.5f);
    normal(m, "ab", -5);                    /* 6 */
    normal(m, MARK "a", -4.5f);
    m->src.remove_extra_whitespaces = TOK_NO;
}

static void unigram(void **state)
{
    const int32_t ids[] = { 3, 6, 7, 1 };
    struct maker m;

    (void)state;
    make_t5(&m);
    struct tokenizer *t = open_made(&m, NULL);
    assert_string_equal(tok_kind(t), "unigram");
    check(t, "ab", 3, "3 6 1");             /* -7, not -8 or -8.5 */
    check(t, "a??b", 0, "7 2 5");           /* one unknown */
    check_text(t, ids, 4, TOK_SKIP_SPECIAL, "ab a");
    tok_close(t);
    drop(&m);
}

static void make_bert(struct maker *m)
{
    begin(m, "bert");
    token(m, SLICE("[PAD]"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("[UNK]"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("[CLS]"), TOK_TYPE_CONTROL, 0);
    token(m, SLICE("[SEP]"), TOK_TYPE_CONTROL, 0);
    normal(m, MARK "ab", 0);
    normal(m, "c", 0);
    normal(m, MARK ".", 0);
    m->src.role[TOK_ROLE_BOS] = 2;
    m->src.role[TOK_ROLE_UNK] = 1;
    m->src.role[TOK_ROLE_SEP] = 3;
}

static void word_piece(void **state)
{
    const int32_t ids[] = { 4, 5, 4 };
    struct maker m;

    (void)state;
    make_bert(&m);
    struct tokenizer *t = open_made(&m, NULL);
    check(t, "ABcc. xab", 3, "2 4 5 5 6 1 3");
    check_text(t, ids, 3, 0, "abc ab");
    tok_close(t);
    drop(&m);
}

/* ---- refusals ---- */

static void no_scores(struct maker *m)
{
    (void)m;                /* finish() would set them: see refusals */
}

static void no_merges(struct maker *m)
{
    m->src.has_merges = false;
}

static void strange_pre(struct maker *m)
{
    m->src.pre = SLICE("no-such-pre");
}

static void strange_model(struct maker *m)
{
    m->src.model = SLICE("rwkv");
}

static void twin_token(struct maker *m)
{
    normal(m, "ab", 0);
}

static void foreign_merge(struct maker *m)
{
    merge(m, "a z9");
}

static void merge_without_space(struct maker *m)
{
    merge(m, "ab");
}

static void no_bos(struct maker *m)
{
    m->src.role[TOK_ROLE_BOS] = 70000;
    m->src.add_bos = TOK_YES;
}

static void no_tokens(struct maker *m)
{
    m->src.tokens.n = 0;
}

static void refusals(void **state)
{
    static const struct {
        void (*make)(struct maker *m);
        void (*spoil)(struct maker *m);
        enum err    code;
        const char *sentence;
    } rows[] = {
        { make_spm, no_scores, ERR_FORMAT, "scores is missing" },
        { make_t5, no_scores, ERR_FORMAT, "scores is missing" },
        { make_gpt2, no_merges, ERR_FORMAT, "merges is missing" },
        { make_gpt2, strange_pre, ERR_UNKNOWN, "no-such-pre" },
        { make_spm, strange_model, ERR_UNKNOWN, "\"rwkv\"" },
        { make_gpt2, twin_token, ERR_FORMAT, "the same text \"ab\"" },
        { make_gpt2, foreign_merge, ERR_FORMAT, "its right part \"z9\"" },
        { make_gpt2, merge_without_space, ERR_FORMAT, "a space between" },
        { make_gpt2, no_bos, ERR_FORMAT, "there is no bos token" },
        { make_gpt2, no_tokens, ERR_FORMAT, "missing or empty" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokenizer *t;
        struct err_info why;
        struct maker m;
        rows[i].make(&m);
        rows[i].spoil(&m);
        bool scores = rows[i].spoil != no_scores;
        finish(&m);
        if (!scores)
            m.src.scores = NULL;
        if (tok_open(&t, &m.src, NULL, &why) != rows[i].code
            || strstr(why.text, rows[i].sentence) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        drop(&m);
    }
}

static enum err open_only(void *arg)
{
    struct tokenizer *t;
    struct err_info why;
    enum err e = tok_open(&t, arg, NULL, &why);

    tok_close(t);
    return e;
}

static void memory_runs_out(void **state)
{
    void (*const makes[])(struct maker *) = { make_spm, make_gpt2, make_t5,
                                              make_bert };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct maker m;
        makes[i](&m);
        finish(&m);
        assert_true(alloc_fail_each(open_only, &m.src) > 10);
        drop(&m);
    }
}

/* ---- time ---- */

/* Milliseconds for n copies of a text. */
static double time_of(const struct tokenizer *t, const char *unit, size_t n)
{
    struct strbuf text = { .at = NULL };
    struct tok_ids ids = { .n = 0 };
    struct err_info why;

    for (size_t i = 0; i < n; i++)
        strbuf_puts(&text, unit);
    double start = effort_ms();
    assert_int_equal(tok_encode(t, strbuf_slice(&text), 3, &ids, &why), ERR_OK);
    double ms = effort_ms() - start;
    assert_true(ids.n > 0);
    strbuf_drop(&text);
    tok_ids_drop(&ids);
    return ms;
}

/* 200 kB of one thing: a quadratic step would take minutes. */
static void long_runs_take_linear_time(void **state)
{
    static const char *const units[] = { "a", " ", "\n", "7", "ab", "<",
                                         "\xF0\x9F\x98\x80", "e\xCC\x81" };
    void (*const makes[])(struct maker *) = { make_spm, make_gpt2, make_t5,
                                              make_bert };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct maker m;
        makes[i](&m);
        struct tokenizer *t = open_made(&m, NULL);
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            double ms = time_of(t, units[k], 200000 / strlen(units[k]));
            if (ms > effort_allowed(4000))
                fail_msg("model %zu, \"%s\": %.0f ms", i, units[k], ms);
        }
        tok_close(t);
        drop(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentence_piece),
        cmocka_unit_test(bytes_without_tokens),
        cmocka_unit_test(continued_streams_keep_their_space),
        cmocka_unit_test(space_prefix_is_a_key),
        cmocka_unit_test(phi3_takes_spaces_along),
        cmocka_unit_test(byte_level),
        cmocka_unit_test(a_missing_pre_is_guessed),
        cmocka_unit_test(unigram),
        cmocka_unit_test(word_piece),
        cmocka_unit_test(refusals),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(long_runs_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
