/* The tokenizer in GGUF metadata, key by key. */
#include "open_check.h"

#include "support/alloc_fail.h"
#include "support/make_gguf.h"

enum { N_TOKENS = 5 };

static void make_numbers(struct make *m, const char *key, uint32_t type,
                         size_t n)
{
    make_key(m, key, 9);
    make_mark(m, key);
    make_u32(m, type);
    make_u64(m, n);
    for (size_t i = 0; i < n; i++) {
        if (type == 6)
            make_f32(m, -(float)i);
        else
            make_u32(m, (uint32_t)i);
    }
}

static void make_all(struct make *m)
{
    make_gguf_head(m, 0, 19);
    make_key_string(m, "general.architecture", "llama");
    make_key_string(m, "general.name", "Tiny");
    make_key_string(m, "tokenizer.ggml.model", "gpt2");
    make_key_string(m, "tokenizer.ggml.pre", "llama-bpe");
    make_key_strings(m, "tokenizer.ggml.tokens", "t", N_TOKENS);
    make_key_strings(m, "tokenizer.ggml.merges", "a b", 2);
    make_numbers(m, "tokenizer.ggml.scores", 6, N_TOKENS);
    make_numbers(m, "tokenizer.ggml.token_type", 5, N_TOKENS);
    make_key_u32(m, "tokenizer.ggml.bos_token_id", 1);
    make_key_u32(m, "tokenizer.ggml.seperator_token_id", 4000000000u);
    make_key_u32(m, "tokenizer.ggml.middle_token_id", 2);
    make_key_u32(m, "tokenizer.ggml.fim_mid_token_id", 3);
    make_key_bool(m, "tokenizer.ggml.add_bos_token", 1);
    make_key_bool(m, "tokenizer.ggml.add_space_prefix", 0);
    make_numbers(m, "tokenizer.ggml.suppress_tokens", 5, 3);
    make_key_string(m, "tokenizer.chat_template", "default one");
    make_key_string(m, "tokenizer.chat_template.tool_use", "other one");
    make_key_string(m, "tokenizer.huggingface.json", "{}");
    make_key_f32(m, "general.sampling.temp", 0.5f);
}

static int empty(void **state)
{
    static struct scratch s;

    scratch_open(&s);
    *state = &s;
    return 0;
}

static int close_scratch(void **state)
{
    scratch_close(*state);
    return 0;
}

static struct checkpoint *open_all(struct scratch *s)
{
    struct make m = { 0 };

    make_all(&m);
    scratch_put(s, "m.gguf", strbuf_slice(&m.b));
    make_drop(&m);
    return opens(scratch_path(s, "m.gguf"), NULL);
}

static void reads_vocabulary(void **state)
{
    struct checkpoint *c = open_all(*state);
    struct tok_source t = c->tok;
    struct slice text = { 0 };
    float score;
    int32_t type;

    assert_true(slice_is(t.model, "gpt2") && slice_is(t.pre, "llama-bpe"));
    assert_true(slice_is(t.arch, "llama") && slice_is(t.name, "Tiny"));
    assert_true(slice_is(t.tokenizer_json, "{}"));
    assert_int_equal(t.tokens.n, N_TOKENS);
    for (int i = 0; i < N_TOKENS; i++)
        assert_true(str_list_next(&t.tokens, &text));
    assert_true(slice_is(text, "t4"));
    assert_false(str_list_next(&t.tokens, &text));
    assert_true(t.has_merges);
    assert_int_equal(t.merges.n, 2);
    memcpy(&score, t.scores + 4 * sizeof score, sizeof score);
    assert_true(score == -4);
    memcpy(&type, t.types + 3 * sizeof type, sizeof type);
    assert_int_equal(type, 3);
    checkpoint_close(c);
}

static void reads_roles_and_flags(void **state)
{
    struct checkpoint *c = open_all(*state);

    assert_int_equal(c->tok.role[TOK_ROLE_BOS], 1);
    assert_int_equal(c->tok.role[TOK_ROLE_EOS], -1);
    assert_true(c->tok.role[TOK_ROLE_SEP] == 4000000000);
    assert_int_equal(c->tok.role[TOK_ROLE_FIM_MID], 3);     /* the new name */
    assert_int_equal(c->tok.add_bos, TOK_YES);
    assert_int_equal(c->tok.add_space_prefix, TOK_NO);
    assert_int_equal(c->tok.add_eos, TOK_UNSET);
    assert_int_equal(c->tok.n_suppress_ids, 3);
    assert_int_equal(c->tok.suppress_ids[2], 2);
    assert_int_equal(c->tok.n_eos_ids, 0);
    assert_true(c->generation.temperature.set
                && c->generation.temperature.value == 0.5);
    assert_false(c->generation.do_sample.set);
    checkpoint_close(c);
}

static void reads_templates(void **state)
{
    struct checkpoint *c = open_all(*state);

    assert_int_equal(c->tok.n_templates, 2);
    assert_true(slice_is(c->tok.templates[0].name, "default"));
    assert_true(slice_is(c->tok.templates[0].text, "default one"));
    assert_true(slice_is(c->tok.templates[1].name, "tool_use"));
    checkpoint_close(c);
}

/* Some writers store scores as integers. */
static void converts_scores(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;
    struct make m = { 0 };
    float score;

    make_all(&m);
    make_patch(&m, "tokenizer.ggml.scores", 5, 4);
    c = opens(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), NULL);
    memcpy(&score, c->tok.scores + sizeof score, sizeof score);
    assert_true(score == -1082130432.0f);       /* the bits of -1.0f */
    checkpoint_close(c);
    make_drop(&m);
}

/* One key, alone with what it needs, of a wrong kind. */
static void refuse_key(struct scratch *s, void (*key)(struct make *m),
                       enum err code, const char *says)
{
    struct make m = { 0 };

    make_gguf_head(&m, 0, 4);
    make_key_string(&m, "general.architecture", "llama");
    make_key_string(&m, "tokenizer.ggml.model", "llama");
    make_key_strings(&m, "tokenizer.ggml.tokens", "t", N_TOKENS);
    key(&m);
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), code, says);
    make_drop(&m);
}

#define BAD_LIST(X)                                                          \
    X(scores_short, make_numbers(m, "tokenizer.ggml.scores", 6, 4),          \
      "scores has 4 entries, expected one for each of the 5 tokens")         \
    X(scores_text, make_key_strings(m, "tokenizer.ggml.scores", "s", 5),     \
      "scores is an array of string, expected f32 or i32")                   \
    X(scores_scalar, make_key_f32(m, "tokenizer.ggml.scores", 1),            \
      "scores is of type f32, expected an array")                            \
    X(types_long, make_numbers(m, "tokenizer.ggml.token_type", 5, 6),        \
      "token_type has 6 entries, expected one for each")                     \
    X(types_float, make_numbers(m, "tokenizer.ggml.token_type", 6, 5),       \
      "token_type is an array of f32, expected i32")                         \
    X(merges_number, make_key_u32(m, "tokenizer.ggml.merges", 5),            \
      "merges is u32, expected an array of strings")                         \
    X(merges_ints, make_numbers(m, "tokenizer.ggml.merges", 5, 2),           \
      "merges is an array of i32, expected an array of strings")             \
    X(charsmap_text, make_key_string(m,                                      \
                                     "tokenizer.ggml.precompiled_charsmap",  \
                                     "x"),                                   \
      "precompiled_charsmap is string, expected an array of u8")             \
    X(id_text, make_key_string(m, "tokenizer.ggml.bos_token_id", "1"),       \
      "bos_token_id is \"1\", expected an integer")                          \
    X(flag_number, make_key_u32(m, "tokenizer.ggml.add_bos_token", 1),       \
      "add_bos_token is 1, expected true or false")                          \
    X(pre_number, make_key_u32(m, "tokenizer.ggml.pre", 1),                  \
      "pre is 1, expected a string")                                         \
    X(template_number, make_key_u32(m, "tokenizer.chat_template.x", 1),      \
      "tokenizer.chat_template.x is no string")                              \
    X(top_p, make_key_f32(m, "general.sampling.top_p", 2),                   \
      "general.sampling.top_p is 2, expected a number from 0 to 1")

#define X(name, build, says) static void name(struct make *m) { build; }
BAD_LIST(X)
#undef X

static void refuses_bad_keys(void **state)
{
#define X(name, build, says) refuse_key(*state, name, ERR_FORMAT, says);
    BAD_LIST(X)
#undef X
}

static void tokens_are_required(void **state)
{
    struct scratch *s = *state;
    struct make m = { 0 };

    make_gguf_head(&m, 0, 2);
    make_key_string(&m, "general.architecture", "llama");
    make_key_string(&m, "tokenizer.ggml.model", "llama");
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), ERR_FORMAT,
            "tokenizer.ggml.tokens is missing");
    make_drop(&m);
    make_gguf_head(&m, 0, 2);
    make_key_string(&m, "general.architecture", "llama");
    make_key_string(&m, "tokenizer.ggml.model", "none");
    checkpoint_close(opens(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), NULL));
    make_drop(&m);
}

static enum err open_and_close(void *arg)
{
    struct checkpoint *c;
    enum err e = checkpoint_open(&c, arg, NULL, NULL);

    checkpoint_close(c);
    return e;
}

static void every_allocation_may_fail(void **state)
{
    struct scratch *s = *state;

    checkpoint_close(open_all(s));
    alloc_fail_each(open_and_close, (void *)(uintptr_t)
                    scratch_path(s, "m.gguf"));
}

/* What was opened is the same after the file's every byte was changed, or it
 * was refused with a sentence. */
static void survives_every_flip(void **state)
{
    struct scratch *s = *state;
    struct make m = { 0 };

    make_all(&m);
    for (size_t i = 0; i < m.b.len; i++) {
        struct err_info why = { 0 };
        struct checkpoint *c;

        m.b.at[i] = (char)(m.b.at[i] ^ 0x41);
        scratch_put(s, "m.gguf", strbuf_slice(&m.b));
        if (checkpoint_open(&c, s->path, NULL, &why) != ERR_OK)
            assert_true(strstr(why.text, "m.gguf: ") != NULL);
        checkpoint_close(c);
        m.b.at[i] = (char)(m.b.at[i] ^ 0x41);
    }
    make_drop(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty, close_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_vocabulary),
        TEST(reads_roles_and_flags),
        TEST(reads_templates),
        TEST(converts_scores),
        TEST(refuses_bad_keys),
        TEST(tokens_are_required),
        TEST(every_allocation_may_fail),
        TEST(survives_every_flip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
