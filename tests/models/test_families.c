/* Every family beside Llama against transformers, in both kinds of files; and
 * against itself, whatever the chunk, the threads and the neighbours. */
#include "support/check.h"

#include "golden/drift.h"
#include "golden/faults.h"
#include "support/alloc_fail.h"

#include "models/arch_table.h"
#include "nn/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rig_options exact = { .exact = true, .kv = KV_F32,
                                          .threads = 2 };
static const double tolerance = 1e-4;

/* GGUF has no windows for Qwen. */
static const struct {
    const char *name;
    bool        gguf;
} variants[] = {
    { "qwen2/plain", true }, { "qwen2/window", false },
    { "qwen3/plain", true }, { "qwen3/window", false },
    { "gemma/plain", true }, { "gemma2/plain", true }, { "gemma3/plain", true },
    { "olmo2/plain", true },
    { "phi3/plain", true },  { "phi3/long", true },    { "phi2/plain", true },
    { "phi2/normed", false },
    { "stablelm/plain", true }, { "stablelm/parallel", true },
};
enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

static void test_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant v = { variants[i].name, variants[i].name,
                             { .gguf = false } };
        expect_drift(&v, &exact, tolerance);
        v.form.gguf = true;
        if (variants[i].gguf)
            expect_drift(&v, &exact, tolerance);
    }
}

/* One set of theta, scaling and window keys instead of a dict by kind; yarn
 * where longrope is meant. */
static void test_old_configs(void **state)
{
    static const char *const names[] = {
        "qwen2/window", "gemma2/plain", "gemma3/plain", "phi3/long",
        "phi2/plain", "stablelm/parallel",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct variant v = { names[i], names[i], { .old_config = true } };
        expect_drift(&v, &exact, tolerance);
    }
}

static void test_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant     v = { variants[i].name, NULL, { .gguf = false } };
        struct rig_options o = { .kv = KV_F16 };
        invariant(&v, o);
    }
}

/* ---- planted faults ---- */

/* A wrong value that configure could have left; what each name says. */
#define FAULTS(X) \
    X(qwen2, "qwen2/window", off_by_one, c->kind[1].window++) \
    X(qwen2, "qwen2/window", no_window, c->n_kinds = 1; c->layer_kind = NULL) \
    X(qwen2, "qwen2/plain", unscaled, c->kind[0].rope.kind = ROPE_DEFAULT) \
    X(qwen2, "qwen2/plain", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(qwen3, "qwen3/plain", theta, c->kind[0].rope.theta = 1e4) \
    X(qwen3, "qwen3/window", off_by_one, c->kind[1].window--) \
    X(gemma, "gemma/plain", plus_one, c->norm_plus_one = false) \
    X(gemma, "gemma/plain", gelu, c->activation = ACTIVATION_GELU) \
    X(gemma, "gemma/plain", unscaled, c->embed_scale = 1) \
    X(gemma2, "gemma2/plain", attn_cap, c->attn_softcap = 0) \
    X(gemma2, "gemma2/plain", logit_cap, c->logit_softcap = 0) \
    X(gemma2, "gemma2/plain", off_by_one, c->kind[1].window++) \
    X(gemma2, "gemma2/plain", phase, swap_kinds(c)) \
    X(gemma2, "gemma2/plain", scale, c->attn_scale /= 2) \
    X(gemma3, "gemma3/plain", theta, \
      c->kind[1].rope.theta = c->kind[0].rope.theta) \
    X(gemma3, "gemma3/plain", unscaled, c->kind[0].rope.kind = ROPE_DEFAULT) \
    X(gemma3, "gemma3/plain", scaled, c->kind[1].rope.kind = ROPE_LINEAR; \
      c->kind[1].rope.factor = 8) \
    X(gemma3, "gemma3/plain", off_by_one, c->kind[1].window--) \
    X(gemma3, "gemma3/plain", phase, swap_kinds(c)) \
    X(gemma3, "gemma3/plain", logit_cap, c->logit_softcap = 0) \
    X(olmo2, "olmo2/plain", theta, c->kind[0].rope.theta = 1e4) \
    X(olmo2, "olmo2/plain", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(olmo2, "olmo2/plain", epsilon, c->norm_eps = 1e-3f) \
    X(phi3, "phi3/plain", off_by_one, c->kind[0].window++) \
    X(phi3, "phi3/long", regime, c->kind[0].rope.original_len = LONGEST) \
    X(phi3, "phi3/long", amplitude, c->kind[0].rope.attention_factor = 1) \
    X(phi2, "phi2/plain", whole_head, c->kind[0].rope.width = c->head_dim) \
    X(phi2, "phi2/plain", rms, c->norm_centre = false) \
    X(phi2, "phi2/plain", gelu, c->activation = ACTIVATION_GELU) \
    X(phi2, "phi2/normed", no_head_norms, c->qk_norm = false) \
    X(phi2, "phi2/normed", no_head_bias, c->head_bias = false) \
    X(stablelm, "stablelm/plain", wider, c->kind[0].rope.width = 6) \
    X(stablelm, "stablelm/plain", pairing, c->pairing = ROPE_NEIGHBOURS) \
    X(stablelm, "stablelm/plain", epsilon, c->norm_eps = 1e-5f) \
    X(stablelm, "stablelm/plain", rms, c->norm_centre = false) \
    X(stablelm, "stablelm/parallel", whole_head, \
      c->kind[0].rope.width = c->head_dim) \
    X(stablelm, "stablelm/parallel", no_head_norms, c->qk_norm = false)

static void swap_kinds(struct config *c)
{
    struct layer_kind first = c->kind[0];
    c->kind[0] = c->kind[1];
    c->kind[1] = first;
}

FAULTS(FAULT_FUNCTION)

static const struct fault faults[] = { FAULTS(FAULT_ROW) };

static bool is_noticed(const struct arch *wrong, const char *file)
{
    struct rig_options o = exact;
    struct variant     v = { file, file, { .gguf = false } };
    uint32_t           n_layer;

    o.arch = wrong;
    struct drift d = drift_of(&v, &o, &n_layer);
    return !agrees(&d, n_layer, tolerance, file, true);
}

static void test_faults_are_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct arch wrong = *faults[i].arch;
        wrong.configure = faults[i].configure;
        if (!is_noticed(&wrong, faults[i].file))
            fail_msg("%s was not noticed", faults[i].name);
    }
}

/* ---- refusals ---- */

static enum err try_open(const char *name, const struct tiny_form *form,
                         struct err_info *why)
{
    struct tiny      t;
    struct rig       r;
    struct tiny_path p;

    tiny_read(&t, name);
    p = tiny_write(&t, form);
    why->text[0] = '\0';
    enum err e = rig_open(&r, p.open, &exact, why);
    if (e == ERR_OK)
        rig_close(&r);
    tiny_remove(&p);
    return e;
}

/* Values of config.json that are not implemented, refused by the key. */
static void test_refused_values(void **state)
{
    static const struct {
        const char *name, *key, *value;
    } rows[] = {
        { "gemma2/plain", "use_bidirectional_attention", "true" },
        { "gemma3/plain", "use_bidirectional_attention", "true" },
        { "gemma3/plain", "hidden_activation", "\"relu\"" },
        { "gemma/plain", "hidden_act", "\"relu\"" },
        { "gemma2/plain", "layer_types", "[1, 1, 1, 1]" },
        { "gemma3/plain", "layer_types", "[\"odd_attention\"]" },
        { "gemma2/plain", "attn_logit_softcapping", "-1" },
        { "gemma3/plain", "query_pre_attn_scalar", "0" },
        { "gemma3/plain", "sliding_window", "-1" },
        { "qwen2/window", "max_window_layers", "1.5" },
        { "qwen2/window", "use_sliding_window", "3" },
        { "olmo2/plain", "hidden_act", "\"relu\"" },
        { "phi2/plain", "qk_layernorm", "3" },
        { "phi2/plain", "partial_rotary_factor", "0.01" },
        { "phi2/plain", "layer_norm_eps", "2" },
        { "phi3/long", "partial_rotary_factor", "2" },
        { "stablelm/plain", "hidden_act", "\"relu\"" },
        { "stablelm/plain", "use_qkv_bias", "1" },
        { "stablelm/plain", "partial_rotary_factor", "0.21" },
        { "stablelm/plain", "layer_norm_eps", "-1" },
        { "stablelm/parallel", "qk_layernorm", "\"yes\"" },
        { "stablelm/parallel", "use_parallel_residual", "1" },
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiny_form form = { .replace_key = rows[i].key,
                                  .replace_by = rows[i].value };
        if (try_open(rows[i].name, &form, &why) == ERR_OK
            || strstr(why.text, rows[i].key) == NULL)
            fail_msg("%s: %s of %s: \"%s\"", rows[i].name, rows[i].key,
                     rows[i].value, why.text);
    }
}

/* What a key asks for, but the files do not hold. */
static void test_keys_without_tensors(void **state)
{
    static const struct {
        const char *name, *key, *value, *missing;
        bool        gguf;
    } rows[] = {
        { "stablelm/plain", "qk_layernorm", "true", "q_layernorm.norms.0.weight",
          false },
        { "stablelm/parallel", "use_parallel_residual", "false",
          "post_attention_layernorm.weight", false },
        { "stablelm/parallel", "stablelm.use_parallel_residual", "0",
          "blk.0.ffn_norm.weight", true },
        { "stablelm/parallel", "use_qkv_bias", "true", "q_proj.bias", false },
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiny_form form = { .replace_key = rows[i].key,
                                  .replace_by = rows[i].value,
                                  .gguf = rows[i].gguf };
        if (try_open(rows[i].name, &form, &why) != ERR_FORMAT
            || strstr(why.text, rows[i].missing) == NULL
            || strstr(why.text, "is missing") == NULL)
            fail_msg("%s: %s of %s: \"%s\"", rows[i].name, rows[i].key,
                     rows[i].value, why.text);
    }
}

/* The tensor that a line of NAME.list is about, if it is of layer 0 or of none; of
 * many, the second.  Without a head the embedding takes its place. */
static bool is_tried(char name[96], const char *line)
{
    bool of_layer_0, of_none;

    if (sscanf(line, "%*s %95s", name) != 1)
        return false;
    of_layer_0 = strstr(name, "model.layers.0.") != NULL;
    of_none = strncmp(line, "tensor ", 7) == 0
           && strstr(name, ".layers.") == NULL
           && strcmp(name, "lm_head.weight") != 0;
    if (!of_layer_0 && !of_none)
        return false;
    char *star = strchr(name, '*');
    if (star != NULL)
        *star = '1';
    return true;
}

static void expect_refusal(const char *name, const struct tiny_form *form,
                           const char *tensor, const char *says)
{
    struct err_info why;

    if (try_open(name, form, &why) != ERR_FORMAT
        || strstr(why.text, says) == NULL)
        fail_msg("%s, %s: \"%s\"", name, tensor, why.text);
}

/* Every one, one after the other, is not there, or has a row too many. */
static void test_tensors_missing_or_wrong(void **state)
{
    char path[128], line[256], tensor[96], says[128];

    (void)state;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        const char *name = variants[i].name;
        size_t      n = 0;
        snprintf(path, sizeof path, "tests/golden/%s.list", name);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        while (fgets(line, sizeof line, f) != NULL) {
            if (!is_tried(tensor, line))
                continue;
            n++;
            expect_refusal(name, &(struct tiny_form){ .leave_out = tensor },
                           tensor, "is missing");
            snprintf(says, sizeof says, "tensor %s has shape [", tensor);
            expect_refusal(name, &(struct tiny_form){ .wrong_shape = tensor },
                           tensor, says);
        }
        assert_true(n >= 8);
        fclose(f);
    }
}

static enum err open_and_close(void *arg)
{
    const struct tiny_path *p = arg;
    struct err_info         why;
    struct rig              r;
    enum err                e = rig_open(&r, p->open, &exact, &why);

    if (e == ERR_OK)
        rig_close(&r);
    return e;
}

/* Of a file with a vector in pieces. */
static void test_every_allocation_fails(void **state)
{
    struct tiny      t;
    struct tiny_form form = { .gguf = false };
    struct tiny_path p;

    (void)state;
    tiny_read(&t, "stablelm/parallel");
    p = tiny_write(&t, &form);
    assert_true(alloc_fail_each(open_and_close, &p) > 50);
    tiny_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),
        cmocka_unit_test(test_old_configs),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_faults_are_noticed),
        cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_keys_without_tensors),
        cmocka_unit_test(test_tensors_missing_or_wrong),
        cmocka_unit_test(test_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
