/* Numbers and tensors of experts that lie: refused with the name of a key or a
 * tensor, nothing leaks; and every allocation failing in turn. */
#include "support/check.h"

#include "golden/rig.h"
#include "golden/tiny.h"
#include "golden/trial.h"
#include "support/alloc_fail.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers ---- */

static const struct number {
    const char *file, *key;
    bool        gguf;
    int         valid;
    const char *fine;        /* a value next to it that works, or "" */
} numbers[] = {
    { "mixtral/plain", "num_local_experts", false, 6, "" },
    { "mixtral/plain", "num_experts_per_tok", false, 2, "13" },
    { "mixtral/plain", "intermediate_size", false, 160, "" },
    { "mixtral/plain", "llama.expert_count", true, 6, "" },
    { "mixtral/plain", "llama.expert_used_count", true, 2, "13" },
    { "qwen2_moe/plain", "num_experts", false, 6, "" },
    { "qwen2_moe/plain", "num_experts_per_tok", false, 3, "124" },
    { "qwen2_moe/plain", "moe_intermediate_size", false, 48, "" },
    { "qwen2_moe/plain", "shared_expert_intermediate_size", false, 80, "" },
    { "qwen2_moe/plain", "decoder_sparse_step", false, 1, "1" },
    { "qwen2_moe/plain", "qwen2moe.expert_feed_forward_length", true, 48, "" },
    { "qwen2_moe/plain", "qwen2moe.expert_shared_feed_forward_length", true,
      80, "" },
    { "qwen3_moe/plain", "num_local_experts", false, 8, "" },
    { "qwen3_moe/plain", "num_experts_per_tok", false, 3, "124" },
    { "qwen3_moe/plain", "moe_intermediate_size", false, 48, "" },
    { "qwen3_moe/plain", "qwen3moe.expert_count", true, 8, "" },
    { "qwen3_moe/plain", "qwen3moe.expert_used_count", true, 3, "124" },
};

static bool names_something(const char *text, const char *key)
{
    return strstr(text, key) != NULL
        || strstr(text, "num_experts_per_tok is") != NULL
        || strstr(text, "expert_used_count is") != NULL
        || (strstr(text, "tensor ") != NULL && strstr(text, "shape") != NULL)
        || (strstr(text, "tensor ") != NULL && strstr(text, "missing") != NULL);
}

/* 0, 1, -1, 2^31, 2^32 - 1 and the neighbours of what the file says: refused by
 * the key, or by the tensor that does not fit; only counts that any router can
 * have are let through. */
static void test_numbers(void **state)
{
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct number *n = &numbers[i];
        char text[7][16] = { "0", "1", "-1", "2147483648", "4294967295" };
        snprintf(text[5], sizeof text[5], "%d", n->valid - 1);
        snprintf(text[6], sizeof text[6], "%d", n->valid + 1);
        for (size_t v = 0; v < 7; v++) {
            struct tiny_form form = { .gguf = n->gguf, .replace_key = n->key,
                                      .replace_by = text[v] };
            bool     fine = strlen(text[v]) == 1 && text[v][0] != '0'
                         && strchr(n->fine, text[v][0]) != NULL;
            enum err e = trial_form(n->file, &form, &why);
            if (e == ERR_OK && !fine)
                fail_msg("%s = %s was accepted", n->key, text[v]);
            if (e != ERR_OK && (fine || !names_something(why.text, n->key)))
                fail_msg("%s = %s: \"%s\"", n->key, text[v], why.text);
        }
    }
}

/* What is not implemented, or no such thing: by the key's name. */
static void test_refused_values(void **state)
{
    static const struct {
        const char *name, *key, *value;
    } rows[] = {
        { "mixtral/plain", "hidden_act", "\"relu\"" },
        { "mixtral/plain", "num_experts_per_tok", "7" },
        { "mixtral/window", "sliding_window", "-1" },
        { "qwen2_moe/plain", "norm_topk_prob", "3" },
        { "qwen2_moe/plain", "num_experts_per_tok", "7" },
        { "qwen2_moe/sparse", "mlp_only_layers", "[\"2\"]" },
        { "qwen2_moe/sparse", "mlp_only_layers", "[-2]" },
        { "qwen2_moe/sparse", "max_window_layers", "0.5" },
        { "qwen2_moe/sparse", "qkv_bias", "1" },
        { "qwen3_moe/sparse", "decoder_sparse_step", "0" },
        { "qwen3_moe/sparse", "attention_bias", "\"x\"" },
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiny_form form = { .replace_key = rows[i].key,
                                  .replace_by = rows[i].value };
        if (trial_form(rows[i].name, &form, &why) == ERR_OK
            || strstr(why.text, rows[i].key) == NULL)
            fail_msg("%s: %s of %s: \"%s\"", rows[i].name, rows[i].key,
                     rows[i].value, why.text);
    }
}

/* ---- tensors ---- */

/* The name of a stack in a form; "" for one that this form has not. */
static void name_of(char name[96], const char *listed,
                    const struct tiny_form *form)
{
    unsigned    block = 0;
    const char *star = strchr(listed, '*');

    sscanf(listed, "model.layers.%u.", &block);
    if (form->experts != EXPERTS_FUSED && star != NULL)
        snprintf(name, 96, "%.*s3%s", (int)(star - listed), listed, star + 1);
    else if (star != NULL)
        snprintf(name, 96, "model.layers.%u.mlp.experts.%s_proj", block,
                 strstr(listed, "down") || strstr(listed, "w2") ? "down"
                                                                : "gate_up");
    else
        snprintf(name, 96, "%s", listed);
}

/* Every tensor of layer 0, not there and with a row too many. */
static void try_tensors(const char *file, struct tiny_form form)
{
    char            path[128], line[256], word[8], listed[96], tensor[96];
    struct err_info why;
    size_t          n = 0;
    FILE           *f;

    snprintf(path, sizeof path, "tests/golden/%s.list", file);
    assert_non_null(f = fopen(path, "r"));
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%7s %95s", word, listed) != 2
            || strstr(listed, "layers.0.") == NULL)
            continue;
        name_of(tensor, listed, &form);
        form.leave_out = tensor;
        form.wrong_shape = NULL;
        if (trial_form(file, &form, &why) != ERR_FORMAT
            || strstr(why.text, "is missing") == NULL
            || strstr(why.text, strcmp(word, "stack") == 0
                                && form.experts == EXPERTS_USUAL
                                ? tensor : "") == NULL)
            fail_msg("%s without %s: \"%s\"", file, tensor, why.text);
        form.leave_out = NULL;
        form.wrong_shape = tensor;
        if (trial_form(file, &form, &why) != ERR_FORMAT
            || strstr(why.text, strcmp(word, "stack") == 0
                                ? "experts" : tensor) == NULL)
            fail_msg("%s: %s with one row more: \"%s\"", file, tensor,
                     why.text);
        n++;
    }
    assert_true(n >= 9);
    fclose(f);
}

static void test_tensors(void **state)
{
    (void)state;
    try_tensors("mixtral/plain", (struct tiny_form){ .gguf = false });
    try_tensors("qwen2_moe/plain", (struct tiny_form){ .gguf = false });
    try_tensors("qwen3_moe/plain",
                (struct tiny_form){ .experts = EXPERTS_FUSED });
}

/* Stacks that are one expert short, or hold a row more for each. */
static void test_stacks(void **state)
{
    struct tiny_form form = { .gguf = true, .wrong_shape =
        "model.layers.1.mlp.experts.*.up_proj.weight" };
    struct err_info  why;

    (void)state;
    assert_int_equal(trial_form("qwen3_moe/plain", &form, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "blk.1.ffn_up_exps.weight has shape "
                                     "[8, 49, 64]"));
    assert_non_null(strstr(why.text, "[8, 48, 64]"));
    form = (struct tiny_form){ .gguf = true, .leave_out = form.wrong_shape };
    assert_int_equal(trial_form("qwen3_moe/plain", &form, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "blk.1.ffn_up_exps.weight is missing"));
    form = (struct tiny_form){ .gguf = true, .short_stack =
        "model.layers.1.mlp.experts.*.down_proj.weight" };
    assert_int_equal(trial_form("qwen3_moe/plain", &form, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "blk.1.ffn_down_exps.weight has shape "
                                     "[7, 64, 48]"));
    form = (struct tiny_form){ .gguf = true, .replace_by = "7",
                               .replace_key = "qwen3moe.expert_count" };
    assert_int_equal(trial_form("qwen3_moe/plain", &form, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "blk.0.ffn_gate_inp.weight"));
}

/* ---- allocations ---- */

static enum err open_and_run(void *arg)
{
    struct err_info why;
    return trial_run(arg, NULL, &why);
}

static void test_every_allocation_fails(void **state)
{
    struct tiny      t;
    struct tiny_path p;

    (void)state;
    tiny_read(&t, "qwen2_moe/plain");
    p = tiny_write(&t, &(struct tiny_form){ .gguf = true });
    assert_true(alloc_fail_each(open_and_run, &p) > 100);
    tiny_remove(&p);
}

static void test_steps_do_not_allocate(void **state)
{
    static float       logits[200 * 160];
    struct rig_options o = { .kv = KV_F16, .threads = 2 };
    int32_t            token[200];
    struct tiny_path   p;
    struct tiny        t;
    struct rig         r;

    (void)state;
    tiny_read(&t, "qwen2_moe/plain");
    tiny_tokens(&t, token, 200);
    p = tiny_write(&t, &(struct tiny_form){ .gguf = true });
    assert_int_equal(rig_open(&r, p.open, &o, NULL), ERR_OK);
    alloc_fail_at(0);
    rig_logits(&r, token, 200, 64, 3, logits);
    rig_logits(&r, token, 20, 1, 0, logits);
    assert_int_equal(alloc_fail_asked(), 0);
    alloc_fail_off();
    rig_close(&r);
    tiny_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_steps_do_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
