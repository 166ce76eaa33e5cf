/* Configurations and weights that lie: refused with a name, nothing leaks; and
 * every allocation failing in turn. */
#include "support/check.h"

#include "golden/rig.h"
#include "golden/tiny.h"
#include "support/alloc_fail.h"

#include <stdio.h>
#include <string.h>

static const struct rig_options options = { .kv = KV_F16, .threads = 2 };

/* Opens, and if that works runs a few tokens. */
static enum err try_to_run(const struct tiny_path *p, struct err_info *why)
{
    static float  logits[4 * 512];
    const int32_t token[4] = { 1, 2, 3, 4 };
    struct rig    r;
    enum err      e;

    why->text[0] = '\0';
    if ((e = rig_open(&r, p->open, &options, why)) != ERR_OK)
        return e;
    assert_true(r.vocab <= 512);
    rig_logits(&r, token, 4, 4, 0, logits);
    rig_close(&r);
    return ERR_OK;
}

static enum err try_form(const struct tiny_form *form, struct err_info *why)
{
    struct tiny      t;
    struct tiny_path p;
    enum err         e;

    tiny_read(&t, "plain");
    p = tiny_write(&t, form);
    e = try_to_run(&p, why);
    tiny_remove(&p);
    return e;
}

static void integers_of_the_configuration(void **state)
{
    static const char *const keys[] = {
        "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
        "max_position_embeddings", "rms_norm_eps", "rope_theta",
    };
    static const char *const values[] = {
        "0", "1", "-1", "2147483648", "4294967296", "18446744073709551615",
        "1e400", "0.5", "\"x\"", "[]", "{}", "true", "3", "5", "63", "65",
        "159", "161", "15", "17",
    };
    struct err_info why;

    (void)state;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            struct tiny_form form = { .replace_key = keys[k],
                                      .replace_by = values[v] };
            enum err e = try_form(&form, &why);
            bool names_it = strstr(why.text, keys[k]) != NULL
                         || strstr(why.text, "tensor") != NULL
                         || strstr(why.text, "even") != NULL
                         || strstr(why.text, "num_key_value_heads") != NULL
                         || strstr(why.text, "config.json") != NULL;
            if (e != ERR_OK && !names_it)
                fail_msg("%s = %s: \"%s\" names neither key nor tensor",
                         keys[k], values[v], why.text);
            if (v < 1 && e == ERR_OK && strcmp(keys[k], "rms_norm_eps") != 0)
                fail_msg("%s = 0 was accepted", keys[k]);
        }
}

static void values_not_implemented(void **state)
{
    static const struct {
        const char *key, *value, *says;
    } rows[] = {
        { "hidden_act", "\"relu\"", "hidden_act" },
        { "rope_type", "\"wavelet\"", "rope_type" },
        { "model_type", "\"wrong\"", NULL },
        { "num_attention_heads", "3", NULL },
        { "tie_word_embeddings", "7", "tie_word_embeddings" },
        { "attention_bias", "true", "self_attn.q_proj.bias" },
        { "mlp_bias", "true", "mlp.gate_proj.bias" },
        { "head_dim", "15", NULL },
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiny_form form = { .replace_key = rows[i].key,
                                  .replace_by = rows[i].value };
        assert_int_not_equal(try_form(&form, &why), ERR_OK);
        if (rows[i].says != NULL && strstr(why.text, rows[i].says) == NULL)
            fail_msg("\"%s\" does not say %s", why.text, rows[i].says);
    }
}

static void tensors_missing_or_wrong(void **state)
{
    static const char *const names[] = {
        "model.embed_tokens.weight", "model.norm.weight",
        "model.layers.0.input_layernorm.weight",
        "model.layers.1.self_attn.q_proj.weight",
        "model.layers.2.self_attn.k_proj.weight",
        "model.layers.0.self_attn.v_proj.weight",
        "model.layers.0.self_attn.o_proj.weight",
        "model.layers.1.post_attention_layernorm.weight",
        "model.layers.2.mlp.gate_proj.weight",
        "model.layers.1.mlp.up_proj.weight",
        "model.layers.2.mlp.down_proj.weight",
    };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tiny_form form = { .leave_out = names[i] };
        assert_int_equal(try_form(&form, &why), ERR_FORMAT);
        if (strstr(why.text, names[i]) == NULL
            || strstr(why.text, "missing") == NULL)
            fail_msg("\"%s\" does not say that %s is missing", why.text,
                     names[i]);
        form = (struct tiny_form){ .wrong_shape = names[i] };
        assert_int_equal(try_form(&form, &why), ERR_FORMAT);
        if (strstr(why.text, names[i]) == NULL)
            fail_msg("\"%s\" does not name %s", why.text, names[i]);
        form.gguf = true;
        assert_int_not_equal(try_form(&form, &why), ERR_OK);
    }
}

static void conversion_is_checked(void **state)
{
    struct rig_options o = options;
    struct tiny_form   form = { .gguf = false };
    struct err_info    why = { .text = "" };
    struct tiny_path   p;
    struct tiny        t;
    struct rig         r;

    (void)state;
    tiny_read(&t, "plain");
    p = tiny_write(&t, &form);
    o.weights = "q9_9";
    assert_int_equal(rig_open(&r, p.open, &o, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "q9_9"));
    o.weights = "bf16";
    assert_int_equal(rig_open(&r, p.open, &o, &why), ERR_OK);
    rig_close(&r);
    tiny_remove(&p);
}

/* ---- allocations ---- */

static enum err open_and_run(void *arg)
{
    struct err_info why;
    return try_to_run(arg, &why);
}

static void every_allocation_fails(void **state)
{
    struct tiny      t;
    struct tiny_form form = { .type = DTYPE_F16 };
    struct tiny_path p;

    (void)state;
    tiny_read(&t, "plain");
    for (int gguf = 0; gguf < 2; gguf++) {
        form.gguf = gguf;
        p = tiny_write(&t, &form);
        assert_true(alloc_fail_each(open_and_run, &p) > 50);
        tiny_remove(&p);
    }
}

static void steps_do_not_allocate(void **state)
{
    static float     logits[200 * 160];
    struct tiny_form form = { .gguf = true };
    int32_t          token[200];
    struct tiny_path p;
    struct tiny      t;
    struct rig       r;

    (void)state;
    tiny_read(&t, "plain");
    tiny_tokens(&t, token, 200);
    p = tiny_write(&t, &form);
    assert_int_equal(rig_open(&r, p.open, &options, NULL), ERR_OK);
    alloc_fail_at(0);
    rig_logits(&r, token, 200, 64, 3, logits);
    rig_logits(&r, token, 20, 1, 0, logits);
    assert_int_equal(alloc_fail_asked(), 0);
    alloc_fail_off();
    rig_close(&r);
    tiny_remove(&p);
}

/* ---- batches that are none ---- */

static void batches_are_checked(void **state)
{
    static float     logits[160];
    struct tiny_form form = { .gguf = false };
    struct tiny_path p;
    struct tiny      t;
    struct rig       r;

    (void)state;
    tiny_read(&t, "plain");
    p = tiny_write(&t, &form);
    assert_int_equal(rig_open(&r, p.open, &options, NULL), ERR_OK);
    int     seq = kv_seq_open(r.kv, 0);
    int32_t token = 1, pos = 0, which = seq;
    bool    want = true;
    struct batch b = { 1, &token, &pos, &which, &want };
    struct err_info why;
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_REQUEST);               /* no room reserved */
    assert_int_equal(kv_reserve(r.kv, seq, 8, &why), ERR_OK);
    token = 160;
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_REQUEST);
    token = -1;
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_REQUEST);
    token = 159;
    pos = 1;
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_REQUEST);
    pos = 0;
    which = 77;
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_REQUEST);
    which = seq;
    assert_int_equal(kv_seq_len(r.kv, seq), 0);
    assert_int_equal(model_forward(r.work, &b, r.kv, logits, NULL, &why),
                     ERR_OK);
    assert_int_equal(kv_seq_len(r.kv, seq), 1);
    rig_close(&r);
    tiny_remove(&p);
}

/* Rows of a batch may come in any order of sequences: a, b, a, b, b, a. */
static void sequences_may_take_turns(void **state)
{
    static float     alone[2][3 * 160], together[6 * 160];
    static const int turn[6] = { 0, 1, 0, 1, 1, 0 };
    struct tiny_form form = { .gguf = false };
    struct tiny_path p;
    struct tiny      t;
    struct rig       r;
    int32_t          token[6], pos[6], seq[6];
    bool             want[6];
    int              at[2] = { 0, 0 }, open[2];

    (void)state;
    tiny_read(&t, "plain");
    p = tiny_write(&t, &form);
    assert_int_equal(rig_open(&r, p.open, &options, NULL), ERR_OK);
    for (int s = 0; s < 2; s++) {
        const int32_t own[3] = { 10 + s, 20 + s, 30 + s };
        rig_logits(&r, own, 3, 3, 0, alone[s]);
    }
    for (int s = 0; s < 2; s++) {
        open[s] = kv_seq_open(r.kv, 3);
        assert_int_equal(kv_reserve(r.kv, open[s], 3, NULL), ERR_OK);
    }
    for (int i = 0; i < 6; i++) {
        pos[i] = at[turn[i]]++;
        token[i] = 10 * (pos[i] + 1) + turn[i];
        seq[i] = open[turn[i]];
        want[i] = true;
    }
    struct batch b = { 6, token, pos, seq, want };
    assert_int_equal(model_forward(r.work, &b, r.kv, together, NULL, NULL),
                     ERR_OK);
    for (int i = 0; i < 6; i++)
        assert_memory_equal(together + i * 160, alone[turn[i]] + pos[i] * 160,
                            160 * sizeof(float));
    rig_close(&r);
    tiny_remove(&p);
}

static bool stop_at_layer_1(void *arg, const char *doing, uint64_t done,
                            uint64_t total)
{
    (void)arg;
    (void)doing;
    (void)total;
    return done == 1;
}

static void cancelled_steps_leave_no_trace(void **state)
{
    static float     first[160], again[160];
    struct progress  stop = { stop_at_layer_1, NULL };
    struct tiny_form form = { .gguf = false };
    struct tiny_path p;
    struct tiny      t;
    struct rig       r;

    (void)state;
    tiny_read(&t, "plain");
    p = tiny_write(&t, &form);
    assert_int_equal(rig_open(&r, p.open, &options, NULL), ERR_OK);
    int     seq = kv_seq_open(r.kv, 0);
    int32_t token[3] = { 5, 6, 7 }, pos[3] = { 0, 1, 2 }, which[3];
    bool    want[3] = { false, false, true };
    which[0] = which[1] = which[2] = seq;
    struct batch b = { 3, token, pos, which, want };
    assert_int_equal(kv_reserve(r.kv, seq, 3, NULL), ERR_OK);
    assert_int_equal(model_forward(r.work, &b, r.kv, first, &stop, NULL),
                     ERR_CANCELLED);
    assert_int_equal(kv_seq_len(r.kv, seq), 0);
    assert_int_equal(model_forward(r.work, &b, r.kv, first, NULL, NULL),
                     ERR_OK);
    kv_truncate(r.kv, seq, 0);
    assert_int_equal(kv_reserve(r.kv, seq, 3, NULL), ERR_OK);
    assert_int_equal(model_forward(r.work, &b, r.kv, again, NULL, NULL),
                     ERR_OK);
    assert_memory_equal(first, again, sizeof first);
    rig_close(&r);
    tiny_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_the_configuration),
        cmocka_unit_test(values_not_implemented),
        cmocka_unit_test(tensors_missing_or_wrong),
        cmocka_unit_test(conversion_is_checked),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(steps_do_not_allocate),
        cmocka_unit_test(batches_are_checked),
        cmocka_unit_test(sequences_may_take_turns),
        cmocka_unit_test(cancelled_steps_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
