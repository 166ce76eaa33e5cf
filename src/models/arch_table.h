/* Which architecture a checkpoint is of: one row for each name it answers to. */
#ifndef OSMIA_MODELS_ARCH_TABLE_H
#define OSMIA_MODELS_ARCH_TABLE_H

#include "format/checkpoint.h"
#include "nn/arch.h"

/* The rows, for `osmia models`. */
const struct arch_row *arch_rows(size_t *n);

/* GGUF: general.architecture.  Else model_type decides when it is known (the top
 * level's, then text_config's), else architectures[0]; both known and naming
 * different architectures: a notice.  ERR_UNKNOWN names what the checkpoint
 * says and what is supported. */
enum err arch_find(const struct arch **out, const struct checkpoint *c,
                   const struct notices *notices, struct err_info *why);

extern const struct arch arch_deepseek, arch_deepseek2, arch_deepseek3,
                         arch_gemma, arch_gemma2, arch_gemma3, arch_llama,
                         arch_mistral, arch_mixtral, arch_olmo2, arch_phi2,
                         arch_phi3, arch_qwen2, arch_qwen2_moe, arch_qwen3,
                         arch_qwen3_moe, arch_stablelm;

#endif
