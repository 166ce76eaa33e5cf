/* Opening tokenizers: files that are broken in every way, memory that runs
 * out, what the files beside tokenizer.json say. */
#include "support/alloc_fail.h"
#include "support/check.h"
#include "support/edge.h"

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

/* Small, and with a bit of everything. */
#define ADDED(id, text, more)                                                \
    "{\"id\":" id ",\"content\":\"" text "\",\"single_word\":false,"          \
    "\"lstrip\":false,\"rstrip\":false," more "}"

static const char small[] =
    "{\"version\":\"1.0\",\"truncation\":null,\"added_tokens\":["
    ADDED("0", "<s>", "\"normalized\":false,\"special\":true") ","
    ADDED("9", "<x>", "\"normalized\":true,\"special\":false")
    "],\"normalizer\":{\"type\":\"Lowercase\"},\"pre_tokenizer\":{\"type\":"
    "\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"}]},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
    "\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}},{\"Sequence\":{\"id\":"
    "\"A\",\"type_id\":0}}],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\","
    "\"ids\":[0],\"tokens\":[\"<s>\"]}}},\"decoder\":{\"type\":\"Sequence\","
    "\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]},\"model\":"
    "{\"type\":\"BPE\",\"unk_token\":\"<s>\",\"fuse_unk\":true,\"byte_fallback\""
    ":true,\"continuing_subword_prefix\":null,\"vocab\":{\"<s>\":0,\"a\":1,"
    "\"b\":2,\"c\":3,\"ab\":4,\"\\u0061bc\":5,\"bc\":6,\"<0xC3>\":7,\"<0xA9>\":"
    "8},\"merges\":[[\"a\",\"b\"],[\"ab\",\"c\"],[\"\\u0062\",\"c\"]]}}";

static struct tok_source source_of(const char *json)
{
    return (struct tok_source){ .tokenizer_json = slice_of(json) };
}

/* The ids of a text as "1 2 3". */
static void encode(const struct tokenizer *t, const char *text, unsigned flags,
                   char out[200])
{
    struct tok_ids ids = { .n = 0 };
    struct err_info why;
    size_t len = 0;

    out[0] = '\0';
    assert_int_equal(tok_encode(t, slice_of(text), flags, &ids, &why), ERR_OK);
    for (size_t i = 0; i < ids.n; i++)
        len += (size_t)snprintf(out + len, 200 - len, "%s%d", i ? " " : "",
                                (int)ids.at[i]);
    tok_ids_drop(&ids);
}

static void check_ids(const struct tok_source *src, const char *text,
                      unsigned flags, const char *want)
{
    struct tokenizer *t;
    struct err_info why;
    char got[200];

    if (tok_open(&t, src, NULL, &why) != ERR_OK)
        fail_msg("%s", why.text);
    encode(t, text, flags, got);
    assert_string_equal(got, want);
    tok_close(t);
}

static void the_small_one_works(void **state)
{
    struct tok_source src = source_of(small);

    (void)state;
    check_ids(&src, "ABC bc<X>\xC3\xA9<s>", 3, "0 5 6 9 7 8 0");
    check_ids(&src, "?!a", 0, "0 1");
}

/* Equal paths: the longer token, which is offered first, stays.  What no token
 * covers costs ten more than the least likely one, here 42: "ax", 32, is less.
 * As the reference encodes them. */
static void unigram_weighs_paths(void **state)
{
    struct tok_source src = source_of(
        "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\","
        "0.0],[\"a\",-1.0],[\"b\",-1.0],[\"ab\",-2.0],[\"ax\",-32.0],[\"ba\","
        "-2.0]]}}");

    (void)state;
    check_ids(&src, "ab", 0, "3");
    check_ids(&src, "aba", 0, "1 5");
    check_ids(&src, "ax", 0, "4");
    check_ids(&src, "axx", 0, "4 0");
}

static void expect_stream(const struct tokenizer *t, bool continues,
                          const char *want)
{
    struct tok_stream s;
    struct strbuf out = { .at = NULL };

    tok_stream_init(&s, t, 0, continues);
    assert_int_equal(tok_stream_push(&s, 1, &out, NULL), ERR_OK);
    tok_stream_end(&s, &out);
    assert_true(slice_is(strbuf_slice(&out), want));
    tok_stream_drop(&s);
    strbuf_drop(&out);
}

/* The mark of a text's first word is no space, that of a text that goes on
 * is. */
static void metaspace_knows_where_texts_begin(void **state)
{
    struct tok_source src = source_of(
        "{\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\","
        "\"prepend_scheme\":\"always\",\"split\":true},\"model\":{\"type\":"
        "\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"\xE2\x96\x81" "a\","
        "-1.0]]}}");
    struct tokenizer *t;

    (void)state;
    assert_int_equal(tok_open(&t, &src, NULL, NULL), ERR_OK);
    expect_stream(t, false, "a");
    expect_stream(t, true, " a");
    tok_close(t);
}

/* ---- refusals ---- */

/* `small` with one text replaced by another. */
static char *changed(const char *from, const char *to)
{
    const char *hit = strstr(small, from);
    char *out = malloc(sizeof small + strlen(to));

    assert_non_null(hit);
    assert_non_null(out);
    size_t before = (size_t)(hit - small);
    memcpy(out, small, before);
    strcpy(out + before, to);
    strcat(out, hit + strlen(from));
    return out;
}

/* Of two equal merges the last counts; a character without bytes is unknown; a
 * pair that changed while a long word waited is merged when its turn comes. */
static void variants_of_the_small_one(void **state)
{
    static const struct { const char *from, *to, *text, *want; } rows[] = {
        { "[\"\\u0062\",\"c\"]]", "[\"b\",\"c\"],[\"a\",\"b\"]]", "abc", "1 6" },
        { "\"byte_fallback\":true", "\"byte_fallback\":false", "\xC3\xA9" "a",
          "0 1" },
        { "8},\"merges\":[[\"a\",\"b\"],[\"ab\",\"c\"],[\"\\u0062\",\"c\"]]",
          "8,\"d\":9,\"bcd\":10},\"merges\":[[\"b\",\"c\"],[\"a\",\"b\"],"
          "[\"bc\",\"d\"],[\"a\",\"bc\"]]",
          "abcdabcdabcdabcdabcdabcdabcd", "1 10 1 10 1 10 1 10 1 10 1 10 1 10" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *json = changed(rows[i].from, rows[i].to);
        struct tok_source src = source_of(json);
        check_ids(&src, rows[i].text, 0, rows[i].want);
        free(json);
    }
}

static void each_fault_has_its_sentence(void **state)
{
    static const struct {
        const char *from, *to;
        enum err    code;
        const char *sentence;
    } rows[] = {
        { "\"1.0\"", "\"2.0\"", ERR_UNKNOWN, "\"version\" is" },
        { "\"BPE\"", "\"XYZ\"", ERR_UNKNOWN, "model: type \"XYZ\"" },
        { "\"Lowercase\"", "\"Uppercase\"", ERR_UNKNOWN, "Uppercase" },
        { "\"WhitespaceSplit\"", "\"Magic\"", ERR_UNKNOWN, "Magic" },
        { "\"Fuse\"", "\"Melt\"", ERR_UNKNOWN, "decoder: type \"Melt\"" },
        { "TemplateProcessing", "Stamp", ERR_UNKNOWN,
          "post_processor: type \"Stamp\"" },
        { "\"a\":1,", "\"a\":-1,", ERR_FORMAT, "an id" },
        { "\"a\":1,", "\"a\":2,", ERR_FORMAT, "id 2 is given twice" },
        { "\"a\":1,", "\"b\":1,", ERR_FORMAT, "have the same text \"b\"" },
        { "\"a\":1,", "\"a\":4194303,", ERR_FORMAT, "too large" },
        { "\"a\":1,", "\"d\":1,", ERR_FORMAT, "merge 0 \"a b\": its left" },
        { "\"ab\":4", "\"ba\":4", ERR_FORMAT, "its result \"ab\"" },
        { "[\"a\",\"b\"]", "[\"a\"]", ERR_FORMAT, "two strings" },
        { "[\"a\",\"b\"]", "\"ab\"", ERR_FORMAT, "one space" },
        { "[\"a\",\"b\"]", "\"a  b\"", ERR_FORMAT, "one space" },
        { "[\"a\",\"b\"]", "7", ERR_FORMAT, "a string or two strings" },
        { "\"merges\"", "\"gone\"", ERR_FORMAT, "\"merges\"" },
        { "\"vocab\"", "\"gone\"", ERR_FORMAT, "\"vocab\" is missing" },
        { "\"model\"", "\"gone\"", ERR_FORMAT, "\"model\" is missing" },
        { "\"truncation\"", "\"decoder\"", ERR_FORMAT, "given twice" },
        { "\"fuse_unk\":true", "\"dropout\":0.1", ERR_UNKNOWN, "dropout" },
        { "\"fuse_unk\":true", "\"fuse_unk\":1", ERR_FORMAT, "true or false" },
        { "\"ids\":[0]", "\"ids\":[99]", ERR_FORMAT, "no token" },
        { "\"id\":\"A\"", "\"id\":\"B\"", ERR_UNKNOWN, "around one \"A\"" },
        { "\"post_processor\":", "\"post_processor\":{\"type\":\"Sequence\","
          "\"processors\":[{\"type\":\"TemplateProcessing\",\"single\":[{"
          "\"SpecialToken\":{\"id\":\"a\"}},{\"Sequence\":{\"id\":\"A\"}}],"
          "\"special_tokens\":{\"a\":{\"ids\":[1]}}},{\"type\":"
          "\"BertProcessing\",\"sep\":[\"a\",1],\"cls\":[\"b\",2]}]},"
          "\"truncation\":", ERR_UNKNOWN, "behind a TemplateProcessing" },
        { "\"content\":\"<s>\"", "\"content\":7", ERR_FORMAT, "\"content\"" },
        { "{\"version\"", "[{\"version\"", ERR_FORMAT, "expected one object" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *json = changed(rows[i].from, rows[i].to);
        struct tok_source src = source_of(json);
        struct tokenizer *t;
        struct err_info why;
        enum err e = tok_open(&t, &src, NULL, &why);
        if (e != rows[i].code || strstr(why.text, rows[i].sentence) == NULL)
            fail_msg("row %zu: %d, %s", i, (int)e, why.text);
        assert_null(t);
        free(json);
    }
}

static void open_and_use(struct slice json)
{
    struct tok_source src = { .tokenizer_json = json };
    struct tok_ids ids = { .n = 0 };
    struct strbuf out = { .at = NULL };
    struct tokenizer *t;
    struct err_info why;

    if (tok_open(&t, &src, NULL, &why) != ERR_OK)
        return;
    if (tok_encode(t, SLICE("abc <x> ?\xC3\xA9 cab<s>"), 3, &ids, &why) == ERR_OK)
        (void)tok_decode(t, ids.at, ids.n, 0, &out, &why);
    strbuf_drop(&out);
    tok_ids_drop(&ids);
    tok_close(t);
}

/* Every beginning of the file is refused, without a look behind its end. */
static void every_truncation(void **state)
{
    struct edge edge;

    (void)state;
    edge_open(&edge, sizeof small);
    for (size_t len = 0; len < sizeof small - 1; len++) {
        struct slice part = edge_put(&edge, (struct slice){ small, len });
        struct tok_source src = { .tokenizer_json = part };
        struct tokenizer *t;
        struct err_info why;
        assert_int_equal(tok_open(&t, &src, NULL, &why), ERR_FORMAT);
    }
    open_and_use(edge_put(&edge, (struct slice){ small, sizeof small - 1 }));
    edge_close(&edge);
}

/* No changed byte makes anything but a refusal or a tokenizer. */
static void every_byte_changed(void **state)
{
    static const char bytes[] = "\0\"\\{}[],:0-9e~\xC3\xFF";
    struct edge edge;
    char copy[sizeof small];

    (void)state;
    edge_open(&edge, sizeof small);
    for (size_t i = 0; i < sizeof small - 1; i++)
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            memcpy(copy, small, sizeof small);
            copy[i] = bytes[k];
            open_and_use(edge_put(&edge, (struct slice){ copy,
                                                         sizeof small - 1 }));
        }
    edge_close(&edge);
}

/* ---- memory ---- */

static enum err open_encode_decode(void *arg)
{
    const struct tok_source *src = arg;
    struct tok_ids ids = { .n = 0 };
    struct strbuf out = { .at = NULL };
    struct tok_stream s;
    struct err_info why;
    struct tokenizer *t;
    enum err e = tok_open(&t, src, NULL, &why);

    if (e != ERR_OK)
        return e;
    e = tok_encode(t, SLICE("abc <x> ?\xC3\xA9 cab<s>abcabcabcabcabcabcabcabcab"
                            "\xFF"), 3, &ids, &why);
    if (e == ERR_OK)
        e = tok_decode(t, ids.at, ids.n, 0, &out, &why);
    tok_stream_init(&s, t, 0, false);
    for (size_t i = 0; i < ids.n && e == ERR_OK; i++)
        e = tok_stream_push(&s, ids.at[i], &out, &why);
    if (e == ERR_OK) {
        tok_stream_end(&s, &out);
        e = out.failed ? ERR_NOMEM : ERR_OK;
    }
    tok_stream_drop(&s);
    strbuf_drop(&out);
    tok_ids_drop(&ids);
    tok_close(t);
    return e;
}

static struct file open_data(const char *name)
{
    struct file f;
    struct err_info why;
    char path[200];

    snprintf(path, sizeof path, "tests/text/data/tok_%s.json", name);
    if (file_open(&f, path, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return f;
}

/* The member "tokenizer" of a file with expected ids. */
static struct slice tokenizer_of(const struct file *f)
{
    struct json_reader r;
    struct json_token t;
    struct slice raw;

    json_reader_init(&r, file_slice(f), JSON_DEPTH);
    assert_int_equal(json_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(json_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(json_skip(&r, &t, &raw, NULL), ERR_OK);
    return raw;
}

static void memory_runs_out(void **state)
{
    static const char *const names[] = { "llama2", "unigram_bytes", "bert",
                                         "words", "late" };
    struct tok_source src = source_of(small);

    (void)state;
    src.tokenizer_config_json = SLICE("{\"bos_token\":\"<s>\",\"eos_token\":"
        "\"<e>\",\"extra_special_tokens\":[\"<f>\"],\"added_tokens_decoder\":"
        "{\"11\":{\"content\":\"<g>\"}}}");
    assert_true(alloc_fail_each(open_encode_decode, &src) > 40);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct file f = open_data(names[i]);
        struct tok_source other = { .tokenizer_json = tokenizer_of(&f) };
        assert_true(alloc_fail_each(open_encode_decode, &other) > 15);
        file_close(&f);
    }
}

/* ---- the files beside ---- */

struct heard { size_t n; char last[300]; };

static void hear(void *arg, const char *sentence)
{
    struct heard *h = arg;
    h->n++;
    snprintf(h->last, sizeof h->last, "%s", sentence);
}

static void config_gives_roles(void **state)
{
    const int64_t ends[] = { 3, 1, 3, 77, -5 };
    struct tok_source src = source_of(small);
    struct heard heard = { 0 };
    const struct notices notices = { hear, &heard };
    struct tokenizer *t;
    struct err_info why;
    size_t n;

    (void)state;
    src.tokenizer_config_json = SLICE(
        "{\"bos_token\":{\"content\":\"<s>\",\"lstrip\":false},\"eos_token\":"
        "\"<end>\",\"pad_token\":null,\"unk_token\":\"c\"}");
    src.eos_ids = ends;
    src.n_eos_ids = 5;
    assert_int_equal(tok_open(&t, &src, &notices, &why), ERR_OK);
    assert_int_equal(tok_role_id(t, TOK_ROLE_BOS), 0);
    assert_int_equal(tok_role_id(t, TOK_ROLE_EOS), 10);
    assert_int_equal(tok_role_id(t, TOK_ROLE_UNK), 3);
    assert_int_equal(tok_role_id(t, TOK_ROLE_PAD), -1);
    assert_true(tok_adds_bos(t));
    assert_false(tok_adds_eos(t));
    const int32_t *eos = tok_eos(t, &n);
    assert_int_equal(n, 3);
    assert_int_equal(eos[0], 1);
    assert_int_equal(eos[1], 3);
    assert_int_equal(eos[2], 10);
    assert_true(tok_is_eos(t, 10) && !tok_is_eos(t, 2));
    assert_true(tok_is_special(t, 10) && tok_is_special(t, 3));
    assert_int_equal(heard.n, 2);           /* 77 and -5 */
    assert_string_equal(tok_kind(t), "bpe");
    tok_close(t);
}

/* The post-processor of tokenizer.json decides what is added, not these flags
 * (ids by transformers 5.23). */
static void flags_of_config_add_nothing(void **state)
{
    static const struct { const char *config, *ids; } rows[] = {
        { "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":\"<s>\","
          "\"eos_token\":\"c\",\"add_bos_token\":false,\"add_eos_token\":true}",
          "0 1" },
        { "{\"tokenizer_class\":\"GemmaTokenizerFast\",\"bos_token\":\"<s>\","
          "\"eos_token\":\"c\",\"add_bos_token\":true,\"add_eos_token\":true}",
          "0 1" },
        { "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"bos_token\":"
          "\"<s>\",\"eos_token\":\"c\",\"add_bos_token\":false}", "0 1" },
        { "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":\"<s>\"}",
          "0 1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tok_source src = source_of(small);
        src.tokenizer_config_json = slice_of(rows[i].config);
        check_ids(&src, "a", TOK_ADD_SPECIAL, rows[i].ids);
    }
}

/* As transformers 5.23 does: new texts get the next ids, known ones become
 * special, flags of known ones stay. */
static void config_adds_tokens(void **state)
{
    struct tok_source src = source_of(small);

    (void)state;
    src.tokenizer_config_json = SLICE(
        "{\"added_tokens_decoder\":{\"12\":{\"content\":\"<two>\",\"special\":"
        "false},\"11\":{\"content\":\"<one>\",\"special\":true}},"
        "\"additional_special_tokens\":[\"<x>\",\"<three>\"]}");
    check_ids(&src, "<one><two><three><X>", TOK_PARSE_SPECIAL, "10 11 12 9");
    check_ids(&src, "<two><X>", 0, "11 0");
}

static void ids_in_the_file_may_be_wrong(void **state)
{
    char *json = changed("\"id\":9", "\"id\":44");
    struct tok_source src = source_of(json);
    struct heard heard = { 0 };
    const struct notices notices = { hear, &heard };
    struct tokenizer *t;
    struct err_info why;

    (void)state;
    assert_int_equal(tok_open(&t, &src, &notices, &why), ERR_OK);
    assert_int_equal(tok_find(t, SLICE("<x>")), 9);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "44"));
    tok_close(t);
    free(json);
}

/* Members in another order, merges first: the same tokenizer. */
static void members_in_any_order(void **state)
{
    struct tok_source src = source_of(
        "{\"model\":{\"merges\":[\"a b\",\"ab ##c\"],\"vocab\":{\"a\":0,\"##b\":"
        "1,\"b\":2,\"##c\":3,\"ab\":4,\"abc\":5,\"##ab\":6},\"type\":\"BPE\","
        "\"continuing_subword_prefix\":\"##\"},\"decoder\":null,"
        "\"added_tokens\":[],\"version\":\"1.0\"}");
    struct tok_source pair = source_of(
        "{\"model\":{\"merges\":[[\"a\",\"##b\"],[\"ab\",\"##c\"]],\"vocab\":"
        "{\"a\":0,\"##b\":1,\"##c\":3,\"ab\":4,\"abc\":5},\"type\":\"BPE\","
        "\"continuing_subword_prefix\":\"##\"}}");

    (void)state;
    check_ids(&pair, "abc", 0, "5");
    check_ids(&src, "abc", 0, "0 1 3");
}

/* ---- vocab.json and merges.txt ---- */

static void files_without_tokenizer_json(void **state)
{
    struct tok_source src = {
        .vocab_json = SLICE("{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab"
                            "\":4,\"\\u00c3\":5,\"\\u00a9\":6,\"\\u00c3\\u00a9"
                            "\":7,\"e\":8,\"\\u00cc\":9,\"\\u0123\":10}"),
        .merges_txt = SLICE("#version: 0.2\r\na b\r\n\xC4\xA0 ab\n"
                            "\xC3\x83 \xC2\xA9\n"),
    };

    (void)state;
    src.added_tokens_json = SLICE("{\"<y>\":12,\"<x>\":11}");
    check_ids(&src, "ab ab<x><y>", 3, "3 4 11 12");
    check_ids(&src, "e\xCC\x81", 3, "8 9 10");
    src.tokenizer_config_json = SLICE("{\"tokenizer_class\":"
                                      "\"Qwen2Tokenizer\"}");
    check_ids(&src, "e\xCC\x81", 3, "7");
    src.merges_txt = SLICE("a b c\n");
    struct tokenizer *t;
    struct err_info why;
    assert_int_equal(tok_open(&t, &src, NULL, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "merges.txt: merge 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_one_works),
        cmocka_unit_test(variants_of_the_small_one),
        cmocka_unit_test(unigram_weighs_paths),
        cmocka_unit_test(metaspace_knows_where_texts_begin),
        cmocka_unit_test(each_fault_has_its_sentence),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_byte_changed),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(config_gives_roles),
        cmocka_unit_test(flags_of_config_add_nothing),
        cmocka_unit_test(config_adds_tokens),
        cmocka_unit_test(ids_in_the_file_may_be_wrong),
        cmocka_unit_test(members_in_any_order),
        cmocka_unit_test(files_without_tokenizer_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
