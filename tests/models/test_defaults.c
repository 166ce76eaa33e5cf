/* What a config.json leaves out, for every architecture: defaults.json holds
 * what the classes of transformers take (tools/golden/defaults.py).  And what
 * GGUF leaves out, as llama.cpp reads it. */
#include "support/check.h"

#include "base/file.h"
#include "base/json.h"
#include "format/checkpoint.h"
#include "models/arch_table.h"
#include "support/make_gguf.h"
#include "support/scratch.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct arch *arch_of(struct slice model_type)
{
    size_t                 n;
    const struct arch_row *rows = arch_rows(&n);

    for (size_t i = 0; i < n; i++)
        if (slice_is(model_type, rows[i].model_type))
            return rows[i].arch;
    return NULL;
}

static double number_at(const struct json *v, const char *key)
{
    const struct json *n = json_get(v, key);
    assert_non_null(n);
    return n->number;
}

static bool truth_at(const struct json *v, const char *key)
{
    const struct json *b = json_get(v, key);
    assert_true(json_is(b, JSON_BOOL));
    return b->boolean;
}

/* Prints the first field that differs. */
static bool same(const char *field, double got, double want)
{
    if (fabs(got - want) <= 1e-6 * fabs(want))
        return true;
    print_message("%s is %g, not %g\n", field, got, want);
    return false;
}

static bool same_sizes(const struct config *c, const struct json *want)
{
    return same("n_head_kv", c->n_head_kv, number_at(want, "n_head_kv"))
        && same("head_dim", c->head_dim, number_at(want, "head_dim"))
        && same("vocab_size", c->vocab_size, number_at(want, "vocab_size"))
        && same("context", c->context_length, number_at(want, "context"))
        && same("eps", (double)c->norm_eps, number_at(want, "eps"))
        && same("rotated", c->kind[0].rope.width, number_at(want, "rotated"))
        && same("attention_bias", c->attention_bias,
                truth_at(want, "attention_bias"))
        && same("mlp_bias", c->mlp_bias, truth_at(want, "mlp_bias"))
        && same("attn_cap", (double)c->attn_softcap,
                number_at(want, "attn_cap"))
        && same("logit_cap", (double)c->logit_softcap,
                number_at(want, "logit_cap"))
        && same("scale", (double)c->attn_scale, number_at(want, "scale"));
}

static bool same_activation(const struct config *c, const struct json *want)
{
    struct slice    name = json_get(want, "activation")->string;
    enum activation a = slice_is(name, "silu") ? ACTIVATION_SILU
                                               : ACTIVATION_GELU_TANH;
    return same("activation", c->activation, a);
}

static bool same_layers(const struct config *c, const struct json *want)
{
    const struct json *windows = json_get(want, "windows"),
                      *thetas = json_get(want, "thetas");

    for (uint32_t i = 0; i < c->n_layer; i++)
        if (!same("window", config_kind(c, i)->window,
                  json_at(windows, i)->number)
            || !same("theta", config_kind(c, i)->rope.theta,
                     json_at(thetas, i)->number))
            return false;
    return true;
}

static bool same_experts(const struct config *c, const struct json *want)
{
    const struct json *e = json_get(want, "experts");
    const struct json *size = json_get(e, "moe_intermediate_size"),
                      *shared = json_get(e, "shared_expert_intermediate_size"),
                      *norm = json_get(e, "norm_topk_prob");

    if (json_get(e, "num_experts") == NULL)
        return same("n_expert", c->router.n_expert, 0);
    return same("n_expert", c->router.n_expert, number_at(e, "num_experts"))
        && same("n_used", c->router.n_used, number_at(e, "num_experts_per_tok"))
        && same("expert_size", c->expert_size,
                size != NULL ? size->number : c->ffn_size)
        && same("shared_size", c->shared_size,
                shared != NULL ? shared->number : 0)
        && same("renormalise", c->router.renormalise,
                norm != NULL ? norm->boolean : true)
        && same("sparse", config_is_sparse(c, 0), true);
}

static bool same_config(const struct config *c, const struct json *want)
{
    return same_sizes(c, want) && same_activation(c, want)
        && same_layers(c, want) && same_experts(c, want);
}

/* -> to be closed. */
static struct config *configure(const struct json *config)
{
    struct keys keys = { .naming = NAMING_HF, .path = "config.json",
                         .top = config };
    struct config_source src = { .keys = &keys };
    struct err_info      why = { .text = "" };
    const struct arch   *arch = arch_of(json_get(config, "model_type")->string);

    struct config       *c = calloc(1, sizeof *c);

    assert_non_null(arch);
    assert_non_null(c);
    if (arch->configure(c, &src, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return c;
}

static struct json *read_rows(struct arena *arena)
{
    struct json *rows;
    struct file  f;

    assert_int_equal(file_open(&f, "tests/golden/defaults.json", NULL), ERR_OK);
    assert_int_equal(json_parse(&rows, arena, file_slice(&f), 8, NULL), ERR_OK);
    file_close(&f);
    return rows;
}

static void defaults_are_the_reference_s(void **state)
{
    struct arena arena = { 0 };
    struct json *rows = read_rows(&arena);
    size_t       n = 0;

    (void)state;
    for (const struct json *row; (row = json_at(rows, n)) != NULL; n++) {
        const struct json *config = json_get(row, "config");
        struct slice       name = json_get(config, "model_type")->string;
        struct config     *c = configure(config);
        if (!same_config(c, json_get(row, "want")))
            fail_msg("row %zu, %.*s", n, (int)name.len, name.at);
        config_close(c);
    }
    assert_true(n >= 21);
    arena_drop(&arena);
}

/* Every comparison above sees a value that is off. */
static void wrong_values_are_noticed(void **state)
{
    struct arena       arena = { 0 };
    struct json       *rows = read_rows(&arena);
    const struct json *row = json_at(rows, 0), *want = json_get(row, "want");
    struct config     *good = configure(json_get(row, "config")), c;

    (void)state;
    assert_true(same_config(good, want));
#define WRONG(change) \
    c = *good; \
    change; \
    assert_false(same_config(&c, want))
    WRONG(c.n_head_kv--);
    WRONG(c.head_dim++);
    WRONG(c.vocab_size++);
    WRONG(c.context_length++);
    WRONG(c.norm_eps *= 10);
    WRONG(c.kind[0].rope.width -= 2);
    WRONG(c.attention_bias = true);
    WRONG(c.mlp_bias = true);
    WRONG(c.attn_softcap = 50);
    WRONG(c.logit_softcap = 30);
    WRONG(c.attn_scale *= 2);
    WRONG(c.activation = ACTIVATION_GELU_TANH);
    WRONG(c.kind[0].window = 1);
    WRONG(c.kind[0].rope.theta = 5e5);
    WRONG(c.router.n_expert = 8);
#undef WRONG
    config_close(good);
    arena_drop(&arena);
}

/* ---- GGUF ---- */

/* The keys that no GGUF file can do without, and one more. */
static struct checkpoint *open_gguf(struct scratch *s, const char *arch,
                                    uint32_t n_layer, const char *extra)
{
    static const struct {
        const char *key;
        uint32_t    value;
    } sizes[] = {
        { "context_length", 4096 }, { "embedding_length", 3072 },
        { "feed_forward_length", 64 }, { "attention.head_count", 24 },
    };
    struct make        m = { 0 };
    struct checkpoint *c;
    char               key[96];

    scratch_open(s);
    make_gguf_head(&m, 0, 6 + (extra != NULL));
    make_key_string(&m, "general.architecture", arch);
    snprintf(key, sizeof key, "%s.block_count", arch);
    make_key_u32(&m, key, n_layer);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(key, sizeof key, "%s.%s", arch, sizes[i].key);
        make_key_u32(&m, key, sizes[i].value);
    }
    if (extra != NULL) {
        snprintf(key, sizeof key, "%s.%s", arch, extra);
        make_key_u32(&m, key, 128);
    }
    scratch_put(s, "m.gguf", strbuf_slice(&m.b));
    make_drop(&m);
    struct checkpoint_options o = { .no_weights = true };
    assert_int_equal(checkpoint_open(&c, scratch_path(s, "m.gguf"), &o, NULL),
                     ERR_OK);
    return c;
}

static struct config *configure_gguf(const char *arch, uint32_t n_layer,
                                     const char *extra)
{
    struct scratch     s;
    struct checkpoint *c = open_gguf(&s, arch, n_layer, extra);
    struct config     *config = calloc(1, sizeof *config);
    struct config_source src = { .keys = &c->keys, .checkpoint = c };
    const struct arch *a;
    struct err_info    why = { .text = "" };

    assert_non_null(config);
    assert_int_equal(arch_find(&a, c, NULL, NULL), ERR_OK);
    if (a->configure(config, &src, &why) != ERR_OK)
        fail_msg("%s", why.text);
    checkpoint_close(c);
    scratch_close(&s);
    return config;
}

/* Heads of 3072 / 24 = 128 or what key_length says, as many of keys as of
 * queries, a base of 10000, whatever the classes of transformers take. */
static void gguf_has_defaults_of_its_own(void **state)
{
    static const char *const archs[] = {
        "llama", "qwen2", "qwen3", "gemma", "phi3", "phi2", "olmo2",
        "stablelm",
    };
    (void)state;
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++) {
        struct config *c = configure_gguf(archs[i], 2, NULL);
        if (!same("n_head_kv", c->n_head_kv, 24)
            || !same("head_dim", c->head_dim, 128)
            || !same("theta", c->kind[0].rope.theta, 1e4)
            || !same("window", c->kind[0].window, 0)
            || !same("kinds", (double)c->n_kinds, 1)
            || !same("plus one", c->norm_plus_one, false))
            fail_msg("%s", archs[i]);
        config_close(c);
    }
}

/* What files lost is found again by the sizes of the models that they are. */
static void gguf_models_that_lost_a_key(void **state)
{
    struct config *c = configure_gguf("phi3", 32, NULL);

    (void)state;
    assert_int_equal(c->kind[0].window, 2047);
    config_close(c);
    c = configure_gguf("phi3", 40, NULL);
    assert_int_equal(c->kind[0].window, 2047);
    config_close(c);
    c = configure_gguf("phi3", 32, "attention.sliding_window");
    assert_int_equal(c->kind[0].window, 128);
    config_close(c);
    c = configure_gguf("gemma2", 46, "attention.key_length");
    assert_true(same("scale", (double)c->attn_scale, 1 / sqrt(3072 / 24.0)));
    config_close(c);
    c = configure_gguf("llama", 2, NULL);
    assert_int_equal(c->pairing, ROPE_NEIGHBOURS);
    config_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_reference_s),
        cmocka_unit_test(wrong_values_are_noticed),
        cmocka_unit_test(gguf_has_defaults_of_its_own),
        cmocka_unit_test(gguf_models_that_lost_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
