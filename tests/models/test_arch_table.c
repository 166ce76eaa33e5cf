/* Which row answers to which names. */
#include "support/check.h"

#include "models/arch_table.h"
#include <stdio.h>
#include <string.h>

struct heard {
    char text[512];
    int  n;
};

static void hear(void *arg, const char *sentence)
{
    struct heard *h = arg;
    snprintf(h->text, sizeof h->text, "%s", sentence);
    h->n++;
}

static enum err find(struct arch_names names, enum naming naming,
                     const struct arch **out, struct heard *heard,
                     struct err_info *why)
{
    struct checkpoint c = { .naming = naming, .path = "M", .arch = names };
    struct notices    notices = { hear, heard };

    heard->n = 0;
    return arch_find(out, &c, &notices, why);
}

static void names_find_their_rows(void **state)
{
    const struct arch *a;
    struct heard       h;

    (void)state;
    struct arch_names n = { .gguf = SLICE("llama") };
    assert_int_equal(find(n, NAMING_GGUF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_llama);
    n = (struct arch_names){ .model_type = SLICE("mistral"),
                             .class_name = SLICE("MistralForCausalLM") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_mistral);
    assert_int_equal(h.n, 0);
    n = (struct arch_names){ .class_name = SLICE("YiForCausalLM"),
                             .model_type = SLICE("Yi6B") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_llama);
    n = (struct arch_names){ .model_type = SLICE("wrapper"),
                             .text_model_type = SLICE("mistral") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_mistral);
}

/* GGUF has one name for V2 and V3; distilled models are what they are. */
static void deepseeks(void **state)
{
    const struct arch *a;
    struct heard       h;

    (void)state;
    struct arch_names n = { .gguf = SLICE("deepseek2") };
    assert_int_equal(find(n, NAMING_GGUF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_deepseek2);
    n = (struct arch_names){ .gguf = SLICE("deepseek") };
    assert_int_equal(find(n, NAMING_GGUF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_deepseek);
    n = (struct arch_names){ .model_type = SLICE("deepseek_v3"),
                             .class_name = SLICE("DeepseekV3ForCausalLM") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_deepseek3);
    n = (struct arch_names){ .model_type = SLICE("qwen2"),
                             .class_name = SLICE("Qwen2ForCausalLM") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_qwen2);
    assert_int_equal(h.n, 0);
}

static void contradictions_are_told(void **state)
{
    const struct arch *a;
    struct heard       h;
    struct arch_names  n = { .model_type = SLICE("llama"),
                             .class_name = SLICE("MistralForCausalLM") };

    (void)state;
    assert_int_equal(find(n, NAMING_HF, &a, &h, NULL), ERR_OK);
    assert_ptr_equal(a, &arch_llama);
    assert_int_equal(h.n, 1);
    assert_non_null(strstr(h.text, "Mistral"));
}

static void unknown_names_are_refused(void **state)
{
    const struct arch *a;
    struct heard       h;
    struct err_info    why;
    struct arch_names  n = { .gguf = SLICE("mamba") };

    (void)state;
    assert_int_equal(find(n, NAMING_GGUF, &a, &h, &why), ERR_UNKNOWN);
    assert_non_null(strstr(why.text, "mamba"));
    assert_non_null(strstr(why.text, "llama, Yi, mistral"));
    n = (struct arch_names){ .model_type = SLICE("Llama") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, &why), ERR_UNKNOWN);
    n = (struct arch_names){ .gguf = SLICE("") };
    assert_int_equal(find(n, NAMING_HF, &a, &h, &why), ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_rows),
        cmocka_unit_test(deepseeks),
        cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(unknown_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
