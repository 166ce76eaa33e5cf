/* Hugging Face directories: configuration, shards, templates, defaults. */
#include "open_check.h"

#include "support/alloc_fail.h"
#include "support/make_gguf.h"

static const struct checkpoint_options TEXT_ONLY = { .no_weights = true };

/* A file with one U8 tensor of 4 bytes for each name (up to three). */
static void put_weights(struct scratch *s, const char *file, const char *a,
                        const char *b)
{
    struct make m = { 0 };
    char header[512];
    int len = snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\","
                       "\"shape\":[4],\"data_offsets\":[0,4]}", a);

    if (b != NULL)
        len += snprintf(header + len, sizeof header - (size_t)len,
                        ",\"%s\":{\"dtype\":\"U8\",\"shape\":[4],"
                        "\"data_offsets\":[4,8]}", b);
    snprintf(header + len, sizeof header - (size_t)len, "}");
    make_safetensors(&m, header, b == NULL ? 4 : 8);
    scratch_put(s, file, strbuf_slice(&m.b));
    make_drop(&m);
}

static int plain(void **state)
{
    static struct scratch s;

    scratch_open(&s);
    scratch_text(&s, "config.json", "{\"model_type\":\"llama\","
                 "\"architectures\":[\"LlamaForCausalLM\",\"x\"],"
                 "\"eos_token_id\":[7,8],\"bos_token_id\":1,"
                 "\"pad_token_id\":null}");
    put_weights(&s, "model.safetensors", "a", "b");
    *state = &s;
    return 0;
}

static int sharded(void **state)
{
    struct scratch *s;

    plain(state);
    s = *state;
    scratch_remove(s, "model.safetensors");
    put_weights(s, "one.safetensors", "a", "b");
    put_weights(s, "two.safetensors", "c", NULL);
    scratch_text(s, "model.safetensors.index.json", "{\"metadata\":{},"
                 "\"weight_map\":{\"a\":\"one.safetensors\","
                 "\"\\u0063\":\"two.safetensors\",\"b\":\"one.safetensors\"}}");
    return 0;
}

static int close_scratch(void **state)
{
    scratch_close(*state);
    return 0;
}

/* ---- config.json and its neighbours ---- */

static void reads_names_and_roles(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c = opens(s->dir, NULL);

    assert_int_equal(c->naming, NAMING_HF);
    assert_string_equal(c->format, "safetensors");
    assert_true(slice_is(c->arch.model_type, "llama"));
    assert_true(slice_is(c->arch.class_name, "LlamaForCausalLM"));
    assert_int_equal(c->tok.role[TOK_ROLE_BOS], 1);
    assert_int_equal(c->tok.role[TOK_ROLE_EOS], 7);
    assert_int_equal(c->tok.role[TOK_ROLE_PAD], -1);
    assert_int_equal(c->n_tensors, 2);
    assert_null(checkpoint_tensor(c, SLICE("c")));
    checkpoint_close(c);
    /* The file itself stands for its directory. */
    c = opens(scratch_path(s, "model.safetensors"), NULL);
    assert_true(slice_is(c->arch.model_type, "llama"));
    checkpoint_close(c);
}

static void joins_what_ends_a_reply(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;

    scratch_text(s, "generation_config.json", "{\"eos_token_id\":[9,7],"
                 "\"do_sample\":true,\"temperature\":0.6,\"top_k\":-1,"
                 "\"top_p\":null,\"repetition_penalty\":1.1,"
                 "\"max_new_tokens\":12,\"suppress_tokens\":[3,4]}");
    c = opens(s->dir, NULL);
    assert_int_equal(c->tok.n_eos_ids, 3);
    assert_int_equal(c->tok.eos_ids[0], 9);
    assert_int_equal(c->tok.eos_ids[1], 7);
    assert_int_equal(c->tok.eos_ids[2], 8);
    assert_int_equal(c->tok.n_suppress_ids, 2);
    assert_int_equal(c->tok.suppress_ids[1], 4);
    assert_true(c->generation.do_sample.set
                && c->generation.do_sample.value == 1);
    assert_true(c->generation.temperature.set
                && c->generation.temperature.value == 0.6);
    assert_true(c->generation.top_k.set && c->generation.top_k.value == 0);
    assert_false(c->generation.top_p.set || c->generation.min_p.set);
    assert_true(c->generation.repetition_penalty.value == 1.1);
    assert_true(c->generation.max_new_tokens.value == 12);
    checkpoint_close(c);
}

static void refuses_bad_defaults(void **state)
{
    static const struct { const char *text, *says; } bad[] = {
        { "[]", "generation_config.json: is an array, expected an object" },
        { "{\"temperature\":-1}", "temperature is -1, expected a finite" },
        { "{\"temperature\":\"hot\"}", "temperature is \"hot\", expected" },
        { "{\"top_p\":1.5}", "top_p is 1.5, expected a number from 0 to 1" },
        { "{\"repetition_penalty\":0}", "repetition_penalty is 0, expected" },
        { "{\"do_sample\":1}", "do_sample is 1, expected true or false" },
        { "{\"eos_token_id\":[1,null]}", "eos_token_id has a null" },
        { "{\"eos_token_id\":\"x\"}", "eos_token_id is \"x\", expected" },
        { "{\"top_k\":1,\"top_k\":2}", "generation_config.json: line 1" },
    };
    struct scratch *s = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_text(s, "generation_config.json", bad[i].text);
        refuses(s->dir, ERR_FORMAT, bad[i].says);
    }
}

static void refuses_bad_configs(void **state)
{
    static const struct { enum err code; const char *text, *says; } bad[] = {
        { ERR_FORMAT, "", "config.json: the file is empty" },
        { ERR_FORMAT, "{", "config.json: line 1, column 2" },
        { ERR_FORMAT, "\xef\xbb\xbf{}", "config.json: line 1, column 1" },
        { ERR_FORMAT, "{} {}", "config.json: line 1, column 4" },
        { ERR_FORMAT, "{\"a\":1,\"a\":1}", "the key \"a\" stands twice" },
        { ERR_FORMAT, "\"x\"", "config.json: is a string, expected an object" },
        { ERR_FORMAT, "{\"model_type\":3}", "model_type is no string" },
        { ERR_FORMAT, "{\"architectures\":[3]}", "architectures has 3 as" },
        { ERR_FORMAT, "{\"text_config\":3}", "text_config is no object" },
        { ERR_FORMAT, "{\"rope_scaling\":[]}", "rope_scaling is no object" },
        { ERR_FORMAT, "{\"quantization_config\":{}}",
          "quantization_config.quant_method is missing" },
        { ERR_UNKNOWN, "{\"quantization_config\":{\"quant_method\":\"gptq\"}}",
          "quant_method is gptq, which is not supported" },
        { ERR_UNKNOWN, "<!DOCTYPE html><html>", "config.json: is a web page" },
        { ERR_UNKNOWN, "version https://git-lfs.github.com/spec/v1\noid x",
          "config.json: is a git-lfs pointer" },
    };
    struct scratch *s = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_text(s, "config.json", bad[i].text);
        refuses(s->dir, bad[i].code, bad[i].says);
    }
    scratch_remove(s, "config.json");
    refuses(s->dir, ERR_IO, "config.json: does not exist; it says what");
}

/* 64 levels are allowed. */
static void refuses_deep_and_wide_configs(void **state)
{
    struct scratch *s = *state;
    struct strbuf b = { 0 };

    strbuf_puts(&b, "{\"a\":");
    for (int i = 0; i < 64; i++)
        strbuf_putc(&b, '[');
    for (int i = 0; i < 64; i++)
        strbuf_putc(&b, ']');
    strbuf_putc(&b, '}');
    scratch_put(s, "config.json", strbuf_slice(&b));
    refuses(s->dir, ERR_LIMIT, "config.json: ");
    /* A tree of this would take some 100 bytes for each number. */
    strbuf_clear(&b);
    strbuf_puts(&b, "{\"a\":[0");
    for (int i = 0; i < 1000000; i++)
        strbuf_puts(&b, ",0");
    strbuf_puts(&b, "]}");
    scratch_put(s, "config.json", strbuf_slice(&b));
    refuses(s->dir, ERR_LIMIT, "config.json: holds more values than");
    strbuf_drop(&b);
}

static void tokenizer_alone_is_enough(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;

    scratch_remove(s, "model.safetensors");
    scratch_text(s, "tokenizer.json", "{}");
    scratch_text(s, "merges.txt", "#version: 0.2\n");
    c = opens(s->dir, &TEXT_ONLY);
    assert_true(slice_is(c->tok.tokenizer_json, "{}"));
    assert_int_equal(c->tok.merges_txt.len, 14);
    assert_int_equal(c->tok.vocab_json.len, 0);
    checkpoint_close(c);
    refuses(s->dir, ERR_IO, "holds no model");
    scratch_remove(s, "config.json");
    checkpoint_close(opens(s->dir, &TEXT_ONLY));
}

/* ---- wrappers' names ---- */

static void takes_prefixes_off(void **state)
{
    static const char *const pairs[][2] = {
        { "language_model.model.x", "model.x" },
        { "language_model.lm_head.weight", "lm_head.weight" },
        { "model.language_model.x", "model.x" },
        { "model.text_model.x", "model.x" },
        { "language_model.other", "language_model.other" },
    };
    struct scratch *s = *state;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct checkpoint *c;

        put_weights(s, "model.safetensors", pairs[i][0], NULL);
        c = opens(s->dir, NULL);
        assert_non_null(checkpoint_tensor(c, slice_of(pairs[i][1])));
        checkpoint_close(c);
    }
    put_weights(s, "model.safetensors", "model.x", "model.language_model.x");
    refuses(s->dir, ERR_FORMAT, "the tensor model.x is there twice");
}

/* ---- templates ---- */

static void orders_templates(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;

    scratch_text(s, "tokenizer_config.json", "{\"x\":[{}],\"chat_template\":"
                 "[{\"name\":\"default\",\"template\":\"c\\n\"},"
                 "{\"name\":\"tool_use\",\"template\":\"d\"}]}");
    scratch_text(s, "chat_template.json", "{\"chat_template\":\"e\"}");
    scratch_text(s, "additional_chat_templates/rag.jinja", "b");
    scratch_text(s, "additional_chat_templates/readme.txt", "no");
    scratch_text(s, "chat_template.jinja", "<html>a");
    c = opens(s->dir, &TEXT_ONLY);
    assert_int_equal(c->tok.n_templates, 5);
    assert_true(slice_is(c->tok.templates[0].name, "default"));
    assert_true(slice_is(c->tok.templates[0].text, "<html>a"));
    assert_true(slice_is(c->tok.templates[1].name, "rag"));
    assert_true(slice_is(c->tok.templates[2].text, "c\n"));
    assert_true(slice_is(c->tok.templates[3].name, "tool_use"));
    assert_true(slice_is(c->tok.templates[4].text, "e"));
    checkpoint_close(c);
}

static void refuses_bad_templates(void **state)
{
    static const struct { const char *text, *says; } bad[] = {
        { "[]", "tokenizer_config.json: is an array, expected an object" },
        { "{\"chat_template\":3}", "chat_template is an integer, expected" },
        { "{\"chat_template\":[3]}", "chat_template: an entry is not" },
        { "{\"chat_template\":\"x\"", "tokenizer_config.json: line 1" },
    };
    struct scratch *s = *state;
    struct strbuf b = { 0 };

    /* What comes behind the template is the tokenizer's to check. */
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++) {
        scratch_text(s, "tokenizer_config.json", bad[i].text);
        refuses_with(s->dir, &TEXT_ONLY, ERR_FORMAT, bad[i].says);
    }
    scratch_text(s, "tokenizer_config.json", "{\"chat_template\":null}");
    checkpoint_close(opens(s->dir, &TEXT_ONLY));
    for (int i = 0; i <= 1 << 20; i++)
        strbuf_putc(&b, 'x');
    scratch_put(s, "chat_template.jinja", strbuf_slice(&b));
    refuses(s->dir, ERR_LIMIT, "chat_template.jinja: 1048577 bytes, more");
    strbuf_drop(&b);
}

/* ---- shards ---- */

static void follows_the_index(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c = opens(s->dir, NULL);
    const struct tensor_info *t = checkpoint_tensor(c, SLICE("c"));

    assert_int_equal(c->n_tensors, 3);
    assert_int_equal(c->n_files, 2);
    assert_non_null(t);
    assert_string_equal(path_base(t->file->path), "two.safetensors");
    checkpoint_close(c);
}

static void the_index_picks(void **state)
{
    struct heard heard = { "" };
    struct notices n = { hear, &heard };
    struct checkpoint_options o = { .notices = &n };
    struct scratch *s = *state;
    struct checkpoint *c;

    put_weights(s, "two.safetensors", "c", "a");
    c = opens(s->dir, &o);
    assert_string_equal(path_base(checkpoint_tensor(c, SLICE("a"))->file->path),
                        "one.safetensors");
    assert_non_null(strstr(heard.text, "two.safetensors: 1 tensors are left"));
    checkpoint_close(c);
}

static void refuses_bad_indexes(void **state)
{
    static const struct { enum err code; const char *map, *says; } bad[] = {
        { ERR_FORMAT, "[]", "the index is no JSON object" },
        { ERR_FORMAT, "{\"metadata\":{}}", "has no weight_map, or an empty" },
        { ERR_FORMAT, "{\"weight_map\":[]}", "is no object: weight_map" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":1}}", "no file name for a" },
        { ERR_FORMAT, "{\"weight_map\":{},\"weight_map\":{}}",
          "the key stands there twice: weight_map" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"one.safetensors\","
          "\"a\":\"one.safetensors\"}}", "has the tensor a twice" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"../one.safetensors\"}}",
          "not a plain name in its own directory: ../one" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
          "own directory: /etc/passwd" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"x\\u0000y\"}}",
          "own directory: x\\x00y" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"..\"}}", "own directory: .." },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"a\\\\b\"}}", "y: a\\b" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"\"}}", "own directory: " },
        { ERR_IO, "{\"weight_map\":{\"a\":\"three.safetensors\"}}",
          "three.safetensors: does not exist, although model.safeten" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"two.safetensors\"}}",
          "two.safetensors: 1 of the 1 tensors are missing" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"one.safetensors\"}} x",
          "index.json: line 1" },
        { ERR_FORMAT, "{\"weight_map\":{\"a\":\"one.safetensors\"},\"x\":[}",
          "index.json: line 1" },
    };
    struct scratch *s = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_text(s, "model.safetensors.index.json", bad[i].map);
        refuses(s->dir, bad[i].code, bad[i].says);
    }
}

static void shards_are_looked_at(void **state)
{
    struct scratch *s = *state;

    scratch_text(s, "two.safetensors", "version https://git-lfs.github.com/\n");
    refuses(s->dir, ERR_UNKNOWN, "two.safetensors: is a git-lfs pointer");
    scratch_text(s, "two.safetensors", "");
    refuses(s->dir, ERR_FORMAT, "two.safetensors: the file is empty");
}

static void one_shard_stands_for_all(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;

    put_weights(s, "m-00001-of-00002.safetensors", "a", "b");
    c = opens(scratch_path(s, "m-00001-of-00002.safetensors"), NULL);
    assert_int_equal(c->n_tensors, 3);
    checkpoint_close(c);
}

/* ---- memory ---- */

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

    scratch_text(s, "tokenizer_config.json", "{\"chat_template\":\"a\"}");
    scratch_text(s, "additional_chat_templates/rag.jinja", "b");
    scratch_text(s, "generation_config.json", "{\"eos_token_id\":[9,7]}");
    assert_true(alloc_fail_each(open_and_close, s->dir) > 10);
}

#define TEST(name, setup)                                                    \
    cmocka_unit_test_setup_teardown(name, setup, close_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_names_and_roles, plain),
        TEST(joins_what_ends_a_reply, plain),
        TEST(refuses_bad_defaults, plain),
        TEST(refuses_bad_configs, plain),
        TEST(refuses_deep_and_wide_configs, plain),
        TEST(tokenizer_alone_is_enough, plain),
        TEST(takes_prefixes_off, plain),
        TEST(orders_templates, plain),
        TEST(refuses_bad_templates, plain),
        TEST(follows_the_index, sharded),
        TEST(the_index_picks, sharded),
        TEST(refuses_bad_indexes, sharded),
        TEST(shards_are_looked_at, sharded),
        TEST(one_shard_stands_for_all, sharded),
        TEST(every_allocation_may_fail, sharded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
