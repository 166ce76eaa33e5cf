#include "models/arch_table.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct arch_row rows[] = {
    { "llama", "LlamaForCausalLM", "llama", false, &arch_llama },
    { "llama", "LLaMAForCausalLM", NULL, false, &arch_llama },
    { "Yi", "YiForCausalLM", NULL, false, &arch_llama },
    { "mistral", "MistralForCausalLM", NULL, false, &arch_mistral },
    { "mixtral", "MixtralForCausalLM", "llama", true, &arch_mixtral },
    { "qwen2", "Qwen2ForCausalLM", "qwen2", false, &arch_qwen2 },
    { "qwen3", "Qwen3ForCausalLM", "qwen3", false, &arch_qwen3 },
    { "qwen2_moe", "Qwen2MoeForCausalLM", "qwen2moe", false, &arch_qwen2_moe },
    { "qwen3_moe", "Qwen3MoeForCausalLM", "qwen3moe", false, &arch_qwen3_moe },
    { "gemma", "GemmaForCausalLM", "gemma", false, &arch_gemma },
    { "gemma2", "Gemma2ForCausalLM", "gemma2", false, &arch_gemma2 },
    { "gemma3_text", "Gemma3ForCausalLM", "gemma3", false, &arch_gemma3 },
    { "gemma3", "Gemma3ForConditionalGeneration", NULL, false, &arch_gemma3 },
    { "deepseek", "DeepseekForCausalLM", "deepseek", false, &arch_deepseek },
    /* A GGUF file of either is read by the row below. */
    { "deepseek_v3", "DeepseekV3ForCausalLM", "deepseek2", false,
      &arch_deepseek3 },
    { "deepseek_v2", "DeepseekV2ForCausalLM", "deepseek2", false,
      &arch_deepseek2 },
    { "olmo2", "Olmo2ForCausalLM", "olmo2", false, &arch_olmo2 },
    { "phi3", "Phi3ForCausalLM", "phi3", false, &arch_phi3 },
    { "phi", "PhiForCausalLM", "phi2", false, &arch_phi2 },
    { "stablelm", "StableLmForCausalLM", "stablelm", false, &arch_stablelm },
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const struct arch_row *arch_rows(size_t *n)
{
    *n = N_ROWS;
    return rows;
}

/* The last row whose name in one column is `name`: a row that is only for files
 * with experts follows the one for all.  The column is given by where it lies in
 * a row. */
static const struct arch *find(struct slice name, size_t column, bool experts)
{
    const struct arch *found = NULL;

    for (size_t i = 0; i < N_ROWS && name.len > 0; i++) {
        const char *here;
        memcpy(&here, (const char *)&rows[i] + column, sizeof here);
        if (here != NULL && slice_is(name, here)
            && (experts || !rows[i].gguf_experts))
            found = rows[i].arch;
    }
    return found;
}

static enum err unknown(const struct checkpoint *c, struct err_info *why)
{
    const struct arch_names *n = &c->arch;
    struct slice name = n->gguf.len > 0 ? n->gguf
                      : n->model_type.len > 0 ? n->model_type : n->class_name;
    char   list[256] = "";
    size_t len = 0;

    for (size_t i = 0; i < N_ROWS && len < sizeof list; i++)
        if (i == 0 || strcmp(rows[i].model_type, rows[i - 1].model_type) != 0)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
                                    i == 0 ? "" : ", ", rows[i].model_type);
    if (name.len == 0)
        return fail(why, ERR_FORMAT, "%s: neither model_type nor architectures "
                    "is given: expected one of %s", c->path, list);
    return fail(why, ERR_UNKNOWN, "%s: the architecture \"%.*s\" is not "
                "supported; these are: %s", c->path,
                (int)(name.len < 80 ? name.len : 80), name.at, list);
}

static enum err find_gguf(const struct arch **out, const struct checkpoint *c,
                          struct err_info *why)
{
    static const struct key_name count = { NULL, "A.expert_count" };
    uint32_t n = 0;
    enum err e = keys_uint(&n, &c->keys, count,
                           (struct uint_range){ 0, UINT32_MAX }, why);

    *out = find(c->arch.gguf, offsetof(struct arch_row, gguf), n > 0);
    if (e != ERR_OK || *out != NULL)
        return e;
    return unknown(c, why);
}

enum err arch_find(const struct arch **out, const struct checkpoint *c,
                   const struct notices *notices, struct err_info *why)
{
    size_t types = offsetof(struct arch_row, model_type);
    const struct arch *by_class =
        find(c->arch.class_name, offsetof(struct arch_row, class_name), true);

    if (c->naming == NAMING_GGUF)
        return find_gguf(out, c, why);
    if ((*out = find(c->arch.model_type, types, true)) == NULL)
        *out = find(c->arch.text_model_type, types, true);
    if (*out != NULL && by_class != NULL && *out != by_class)
        notice(notices, "%s: model_type says %s, architectures says %s; "
               "model_type is followed", c->path, (*out)->name,
               by_class->name);
    if (*out == NULL)
        *out = by_class;
    return *out != NULL ? ERR_OK : unknown(c, why);
}
