/* What a tokenizer and its chat template are made of, as plain slices into
 * files that somebody else keeps mapped.  `format` fills this, `tok_open` and
 * `chat_open` read it; nobody in `text` knows a file.
 *
 * Either the Hugging Face part or the vocabulary part (GGUF) is there; when a
 * GGUF file carries a whole tokenizer.json, `tokenizer_json` is set beside the
 * vocabulary and wins. */
#ifndef OSMIA_TEXT_TOK_SOURCE_H
#define OSMIA_TEXT_TOK_SOURCE_H

#include "base/slice.h"
#include <stdint.h>

/* A list of counted strings: n times (u64 little-endian length, bytes).  Whoever
 * makes one has checked that all n lie inside `raw`. */
struct str_list {
    struct slice raw;
    size_t       n;
};

/* Take the next string of a list; false at its end. */
static inline bool str_list_next(struct str_list *l, struct slice *out)
{
    uint64_t len;
    if (l->n == 0)
        return false;
    memcpy(&len, l->raw.at, sizeof len);
    *out = (struct slice){ l->raw.at + sizeof len, (size_t)len };
    l->raw = slice_from(l->raw, sizeof len + (size_t)len);
    l->n--;
    return true;
}

enum tok_flag { TOK_UNSET = -1, TOK_NO = 0, TOK_YES = 1 };

/* Token types of tokenizer.ggml.token_type. */
enum tok_type {
    TOK_TYPE_UNDEFINED, TOK_TYPE_NORMAL, TOK_TYPE_UNKNOWN, TOK_TYPE_CONTROL,
    TOK_TYPE_USER, TOK_TYPE_UNUSED, TOK_TYPE_BYTE
};

/* Special ids by role; TOK_ROLE_NAME(role) is the GGUF key's and the config
 * key's stem ("bos", "eos", ...). */
#define TOK_ROLE_LIST(X)                                                     \
    X(BOS, "bos") X(EOS, "eos") X(EOT, "eot") X(EOM, "eom") X(UNK, "unk")    \
    X(PAD, "pad") X(SEP, "sep") X(CLS, "cls") X(MASK, "mask")                \
    X(FIM_PRE, "fim_pre") X(FIM_SUF, "fim_suf") X(FIM_MID, "fim_mid")        \
    X(FIM_PAD, "fim_pad") X(FIM_REP, "fim_rep") X(FIM_SEP, "fim_sep")

enum tok_role {
#define X(id, text) TOK_ROLE_##id,
    TOK_ROLE_LIST(X)
#undef X
    TOK_N_ROLES
};

/* One chat template with its name ("default", "tool_use", ...). */
struct named_text {
    struct slice name, text;
};

struct tok_source {
    /* Hugging Face: whole texts of files, empty when there is none. */
    struct slice tokenizer_json;
    struct slice tokenizer_config_json;
    struct slice special_tokens_map_json;
    struct slice added_tokens_json;
    struct slice vocab_json, merges_txt;

    /* A vocabulary in GGUF metadata; model empty: there is none. */
    struct slice    model, pre;          /* tokenizer.ggml.model and .pre */
    struct str_list tokens, merges;      /* tokens.n is the number of ids */
    bool            has_merges;
    const uint8_t  *scores;              /* f32 each, may be misaligned, or NULL */
    const uint8_t  *types;               /* i32 each, may be misaligned, or NULL */
    int64_t         role[TOK_N_ROLES];   /* -1: not said.  Not range-checked. */
    enum tok_flag   add_bos, add_eos, add_sep;
    enum tok_flag   add_space_prefix, remove_extra_whitespaces;
    struct slice    charsmap;            /* precompiled_charsmap */
    struct slice    arch, name;          /* general.architecture, general.name */

    /* Both. */
    const int64_t  *eos_ids;             /* eos_token_id of generation_config.json */
    size_t          n_eos_ids;           /*   and config.json, joined; unchecked   */
    const int64_t  *suppress_ids;        /* never to be sampled; unchecked */
    size_t          n_suppress_ids;
    const struct named_text *templates;  /* chat templates, best source first */
    size_t          n_templates;
};

#endif
