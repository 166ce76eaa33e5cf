/* DeepSeek configurations and files that lie: refused with the name of a key or a
 * tensor, nothing leaks; and every allocation failing in turn. */
#include "support/check.h"

#include "golden/rig.h"
#include "golden/tiny.h"
#include "golden/trial.h"
#include "support/alloc_fail.h"

#include "base/notice.h"
#include "models/arch_table.h"
#include <stdio.h>
#include <string.h>

/* The bare name of a key: what an error about a tensor or another key that no
 * longer fits to it says is good, too. */
static bool names_something(const char *text, const char *key)
{
    return strstr(text, key) != NULL || strstr(text, "tensor") != NULL
        || strstr(text, "config.json: ") != NULL
        || strstr(text, "deepseek2.") != NULL;
}

struct number {
    const char *key;
    int         valid;
};

/* 0, 1, -1, 2^31 and the neighbours of what the file says. */
static void try_values(const char *file, const struct number *n, bool gguf)
{
    char            text[6][16] = { "0", "1", "-1", "2147483648" };
    struct err_info why;

    snprintf(text[4], sizeof text[4], "%d", n->valid - 1);
    snprintf(text[5], sizeof text[5], "%d", n->valid + 1);
    for (size_t v = 0; v < 6; v++) {
        struct tiny_form form = { .gguf = gguf, .replace_key = n->key,
                                  .replace_by = text[v] };
        if (trial_form(file, &form, &why) != ERR_OK
            && !names_something(why.text, n->key))
            fail_msg("%s = %s: \"%s\" names neither key nor tensor", n->key,
                     text[v], why.text);
    }
}

static void integers_of_config_json(void **state)
{
    static const struct number numbers[] = {
        { "q_lora_rank", 24 }, { "kv_lora_rank", 40 },
        { "qk_nope_head_dim", 16 }, { "qk_rope_head_dim", 8 },
        { "v_head_dim", 12 }, { "num_attention_heads", 4 },
        { "n_routed_experts", 8 }, { "num_experts_per_tok", 3 },
        { "n_group", 4 }, { "topk_group", 2 }, { "n_shared_experts", 1 },
        { "moe_intermediate_size", 48 }, { "first_k_dense_replace", 1 },
        { "num_hidden_layers", 3 }, { "num_nextn_predict_layers", 1 },
    };
    (void)state;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        try_values("deepseek2/v3", &numbers[k], false);
}

static void integers_of_gguf(void **state)
{
    static const struct number numbers[] = {
        { "deepseek2.attention.q_lora_rank", 24 },
        { "deepseek2.attention.kv_lora_rank", 40 },
        { "deepseek2.rope.dimension_count", 8 },
        { "deepseek2.attention.key_length_mla", 24 },
        { "deepseek2.attention.value_length_mla", 12 },
        { "deepseek2.expert_count", 8 },
        { "deepseek2.expert_group_count", 4 },
        { "deepseek2.expert_gating_func", 2 },
        { "deepseek2.nextn_predict_layers", 1 },
        { "deepseek2.leading_dense_block_count", 1 },
    };
    (void)state;
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        try_values("deepseek2/v3", &numbers[k], true);
}

static void values_refused(void **state)
{
    static const struct {
        const char *name, *key, *value, *says;
    } rows[] = {
        { "deepseek2/v2", "topk_method", "\"noaux_tc\"", "topk_method" },
        { "deepseek2/v2", "qk_rope_head_dim", "7", "qk_rope_head_dim" },
        { "deepseek2/v2", "kv_lora_rank", "0", "kv_lora_rank" },
        { "deepseek2/v2", "q_lora_rank", "0", "q_lora_rank" },
        { "deepseek2/v2", "topk_group", "1", "topk_group" },
        { "deepseek2/v2", "n_group", "3", "n_group" },
        { "deepseek2/v2", "hidden_act", "\"relu\"", "hidden_act" },
        { "deepseek2/v3", "num_experts_per_tok", "9", "num_experts_per_tok" },
        { "deepseek2/v3", "n_group", "8", "n_group" },
        { "deepseek2/v3", "rope_interleave", "7", "rope_interleave" },
        { "deepseek2/v3", "attention_bias", "true", "o_proj.bias" },
        { "deepseek2/v3", "q_lora_rank", "null", "q_proj.weight" },
        { "deepseek2/v3", "first_k_dense_replace", "0", "mlp.gate" },
        { "deepseek/plain", "moe_layer_freq", "0", "moe_layer_freq" },
        { "deepseek/plain", "n_routed_experts", "null", "n_routed_experts" },
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiny_form form = { .replace_key = rows[i].key,
                                  .replace_by = rows[i].value };
        if (trial_form(rows[i].name, &form, &why) == ERR_OK
            || strstr(why.text, rows[i].says) == NULL)
            fail_msg("%s: %s of %s: \"%s\"", rows[i].name, rows[i].key,
                     rows[i].value, why.text);
    }
}

/* Every tensor of the last layer, not there and of another shape. */
static void tensors_missing_or_wrong(void **state)
{
    char            line[256], word[8], tensor[96];
    struct err_info why;
    size_t          n = 0;
    FILE           *f = fopen("tests/golden/deepseek2/v3.list", "r");

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        const char *at = strncmp(line, "hf ", 3) == 0 ? line + 3 : line;
        char       *star;
        if (sscanf(at, "%7s %95s", word, tensor) != 2
            || (strcmp(word, "tensor") != 0 && strcmp(word, "stack") != 0)
            || strstr(tensor, "layers.2.") == NULL)
            continue;
        if ((star = strchr(tensor, '*')) != NULL)
            *star = '5';
        struct tiny_form form = { .leave_out = tensor };
        if (trial_form("deepseek2/v3", &form, &why) != ERR_FORMAT
            || strstr(why.text, "is missing") == NULL)
            fail_msg("without %s: \"%s\"", tensor, why.text);
        form = (struct tiny_form){ .wrong_shape = tensor };
        if (trial_form("deepseek2/v3", &form, &why) != ERR_FORMAT
            || strstr(why.text, tensor) == NULL)
            fail_msg("%s with one row more: \"%s\"", tensor, why.text);
        n++;
    }
    assert_true(n > 15);
    fclose(f);
}

/* What loading takes is known before: no more, no less. */
static void plans_are_kept(void **state)
{
    static const struct tiny_form forms[] = {
        { .gguf = false }, { .gguf = true, .type = DTYPE_Q8_0 },
        { .gguf = true, .old_gguf = true, .type = DTYPE_Q8_0 },
    };
    struct rig_options o = { .threads = 1 };
    struct tiny        t;
    struct rig         r;

    (void)state;
    tiny_read(&t, "deepseek2/wide");
    for (size_t i = 0; i < 3; i++) {
        struct tiny_path     p = tiny_write(&t, &forms[i]);
        struct model_options mo = { .max_tokens = 4 };
        struct model_plan    plan;
        assert_int_equal(rig_open(&r, p.open, &o, NULL), ERR_OK);
        assert_int_equal(model_plan(&plan, &arch_deepseek2, r.checkpoint,
                                    r.device, &mo, NULL), ERR_OK);
        assert_true(plan.weights_size >= model_weight_bytes(r.model));
        /* Vectors are counted by the plan alone. */
        assert_true(plan.weights_size < model_weight_bytes(r.model) + 16384);
        assert_int_equal(plan.groups[0].form, KV_LATENT);
        rig_close(&r);
        tiny_remove(&p);
    }
}

static void count_ahead(void *arg, const char *text)
{
    *(unsigned *)arg += strstr(text, "ahead") != NULL;
}

/* Layers that predict several tokens are in the file and said not to be used. */
static void further_layers_are_noticed(void **state)
{
    struct tiny      t;
    struct err_info  why;

    (void)state;
    tiny_read(&t, "deepseek2/v3");
    for (int gguf = 0; gguf < 2; gguf++) {
        unsigned         n = 0;
        struct notices   notices = { count_ahead, &n };
        struct tiny_form form = { .gguf = gguf };
        struct tiny_path p = tiny_write(&t, &form);
        assert_int_equal(trial_run(&p, &notices, &why), ERR_OK);
        assert_int_equal(n, 1);
        tiny_remove(&p);
    }
}

static enum err open_and_run(void *arg)
{
    struct err_info why;
    return trial_run(arg, NULL, &why);
}

static void every_allocation_fails(void **state)
{
    struct tiny      t;
    struct tiny_form form = { .gguf = true, .old_gguf = true };
    struct tiny_path p;

    (void)state;
    tiny_read(&t, "deepseek2/v2");
    p = tiny_write(&t, &form);
    assert_true(alloc_fail_each(open_and_run, &p) > 50);
    tiny_remove(&p);
}

static void steps_do_not_allocate(void **state)
{
    static float       logits[200 * 160];
    struct rig_options o = { .kv = KV_Q8_0, .threads = 2 };
    struct tiny_form   form = { .gguf = false };
    int32_t            token[200];
    struct tiny_path   p;
    struct tiny        t;
    struct rig         r;

    (void)state;
    tiny_read(&t, "deepseek2/v3");
    tiny_tokens(&t, token, 200);
    p = tiny_write(&t, &form);
    assert_int_equal(rig_open(&r, p.open, &o, NULL), ERR_OK);
    alloc_fail_at(0);
    rig_logits(&r, token, 200, 64, 3, logits);
    assert_int_equal(alloc_fail_asked(), 0);
    alloc_fail_off();
    rig_close(&r);
    tiny_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_config_json),
        cmocka_unit_test(integers_of_gguf),
        cmocka_unit_test(values_refused),
        cmocka_unit_test(tensors_missing_or_wrong),
        cmocka_unit_test(plans_are_kept),
        cmocka_unit_test(further_layers_are_noticed),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(steps_do_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
