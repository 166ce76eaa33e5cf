/* Which tokens of a GGUF vocabulary are special, what for, and which end a
 * generation.
 *
 * Types of tokens in such files are often wrong, and keys missing; as in
 * llama.cpp, well-known texts decide. */
#include "text/tok_gguf.h"
#include <ctype.h>

#define BAR "\xEF\xBD\x9C"              /* U+FF5C, DeepSeek's bar */

/* Texts that give a token a role when no key does; the first that is there. */
static const struct {
    enum tok_role role;
    const char   *text;
} role_texts[] = {
    { TOK_ROLE_EOT, "<|eot_id|>" }, { TOK_ROLE_EOT, "<|im_end|>" },
    { TOK_ROLE_EOT, "<|end|>" }, { TOK_ROLE_EOT, "<end_of_turn>" },
    { TOK_ROLE_EOT, "<|endoftext|>" }, { TOK_ROLE_EOT, "<|end_of_text|>" },
    { TOK_ROLE_EOT, "<EOT>" }, { TOK_ROLE_EOT, "_<EOT>" },
    { TOK_ROLE_EOT, "[EOT]" },
    { TOK_ROLE_EOT, "<" BAR "end" MARK "of" MARK "sentence" BAR ">" },
    { TOK_ROLE_EOT, "<end_of_utterance>" },
    { TOK_ROLE_EOM, "<|eom_id|>" },
    { TOK_ROLE_FIM_PRE, "<|fim_prefix|>" },
    { TOK_ROLE_FIM_PRE, "<fim-prefix>" },
    { TOK_ROLE_FIM_PRE, "<fim_prefix>" },
    { TOK_ROLE_FIM_PRE, "<" BAR "fim" MARK "begin" BAR ">" },
    { TOK_ROLE_FIM_PRE, "<PRE>" }, { TOK_ROLE_FIM_PRE, MARK "<PRE>" },
    { TOK_ROLE_FIM_PRE, "<|code_prefix|>" }, { TOK_ROLE_FIM_PRE, "<|prefix|>" },
    { TOK_ROLE_FIM_SUF, "<|fim_suffix|>" },
    { TOK_ROLE_FIM_SUF, "<fim-suffix>" },
    { TOK_ROLE_FIM_SUF, "<fim_suffix>" },
    { TOK_ROLE_FIM_SUF, "<" BAR "fim" MARK "hole" BAR ">" },
    { TOK_ROLE_FIM_SUF, "<SUF>" }, { TOK_ROLE_FIM_SUF, MARK "<SUF>" },
    { TOK_ROLE_FIM_SUF, "<|code_suffix|>" }, { TOK_ROLE_FIM_SUF, "<|suffix|>" },
    { TOK_ROLE_FIM_MID, "<|fim_middle|>" },
    { TOK_ROLE_FIM_MID, "<fim-middle>" },
    { TOK_ROLE_FIM_MID, "<fim_middle>" },
    { TOK_ROLE_FIM_MID, "<" BAR "fim" MARK "end" BAR ">" },
    { TOK_ROLE_FIM_MID, "<MID>" }, { TOK_ROLE_FIM_MID, MARK "<MID>" },
    { TOK_ROLE_FIM_MID, "<|code_middle|>" }, { TOK_ROLE_FIM_MID, "<|middle|>" },
    { TOK_ROLE_FIM_PAD, "<|fim_pad|>" }, { TOK_ROLE_FIM_PAD, "<fim-pad>" },
    { TOK_ROLE_FIM_PAD, "<fim_pad>" }, { TOK_ROLE_FIM_PAD, "<PAD>" },
    { TOK_ROLE_FIM_PAD, "[PAD]" },
    { TOK_ROLE_FIM_REP, "<|fim_repo|>" }, { TOK_ROLE_FIM_REP, "<|repo_name|>" },
    { TOK_ROLE_FIM_REP, "<fim-repo>" }, { TOK_ROLE_FIM_REP, "<REPO>" },
    { TOK_ROLE_FIM_REP, "<reponame>" },
    { TOK_ROLE_FIM_SEP, "<|file_sep|>" },
};

/* Texts that end a turn in the models that have them. */
static const char *const end_texts[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
    "<|calls|>", "<|flush|>", "<end_of_turn>", "<|endoftext|>",
    "<|end_of_text|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]",
    "[EOS]", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<" BAR "end" MARK "of" MARK "sentence" BAR ">", "[e~[",
};

/* gpt-oss writes these around every part of an answer: they are shown. */
static const char *const shown_texts[] = {
    "<|channel|>", "<|message|>", "<|start|>", "<|constrain|>",
};

enum {
    N_ROLE_TEXTS = sizeof role_texts / sizeof role_texts[0],
    N_END_TEXTS = sizeof end_texts / sizeof end_texts[0],
    N_SHOWN_TEXTS = sizeof shown_texts / sizeof shown_texts[0]
};

static int32_t find(const struct tokenizer *t, const char *text)
{
    return vocab_find(&t->vocab, slice_of(text));
}

static bool is_gpt_oss(const struct tokenizer *t)
{
    return find(t, "<|return|>") >= 0 && find(t, "<|call|>") >= 0;
}

enum tok_type gguf_type(const struct tok_source *src, size_t id)
{
    int32_t type;

    if (src->types == NULL)
        return TOK_TYPE_NORMAL;
    memcpy(&type, src->types + 4 * id, sizeof type);
    return type >= TOK_TYPE_UNDEFINED && type <= TOK_TYPE_BYTE
         ? (enum tok_type)type : TOK_TYPE_UNDEFINED;
}

/* ---- roles ---- */

void gguf_set_roles(struct tokenizer *t, const struct tok_source *src,
                    const struct gguf_ids *otherwise)
{
    const struct { enum tok_role role; int id; } defaults[] = {
        { TOK_ROLE_BOS, otherwise->bos }, { TOK_ROLE_EOS, otherwise->eos },
        { TOK_ROLE_UNK, otherwise->unk }, { TOK_ROLE_PAD, otherwise->pad },
        { TOK_ROLE_SEP, otherwise->sep },
    };

    for (size_t i = 0; i < TOK_N_ROLES; i++)
        tok_set_role(t, (enum tok_role)i, src->role[i]);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (src->role[defaults[i].role] == -1
            && vocab_has(&t->vocab, defaults[i].id))
            t->role[defaults[i].role] = defaults[i].id;
    for (size_t i = 0; i < N_ROLE_TEXTS; i++)
        if (t->role[role_texts[i].role] < 0)
            t->role[role_texts[i].role] = find(t, role_texts[i].text);
}

/* ---- which are special ---- */

static bool contains_no_case(struct slice hay, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = 0; i + len <= hay.len; i++) {
        size_t k = 0;
        while (k < len && tolower((unsigned char)hay.at[i + k]) == needle[k])
            k++;
        if (k == len)
            return true;
    }
    return false;
}

static bool is_phi3(const struct tok_source *src)
{
    return contains_no_case(src->name, "phi-3")
        || contains_no_case(src->name, "phi3");
}

/* Phi-3's special tokens take the white space behind them along; GGUF has no
 * place to say so. */
static bool takes_space(struct slice text)
{
    return !slice_is(text, "<unk>") && !slice_is(text, "<s>")
        && !slice_is(text, "<|endoftext|>");
}

static bool in_texts(const char *const *texts, size_t n, struct slice text)
{
    for (size_t i = 0; i < n; i++)
        if (slice_is(text, texts[i]))
            return true;
    return false;
}

static bool has_text_role(const struct tokenizer *t, int32_t id)
{
    static const enum tok_role roles[] = {
        TOK_ROLE_EOT, TOK_ROLE_EOM, TOK_ROLE_FIM_PRE, TOK_ROLE_FIM_SUF,
        TOK_ROLE_FIM_MID, TOK_ROLE_FIM_PAD, TOK_ROLE_FIM_REP,
        TOK_ROLE_FIM_SEP,
    };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (t->role[roles[i]] == id)
            return true;
    return false;
}

/* The type that counts: what the file says, corrected by the text. */
static enum tok_type true_type(const struct tokenizer *t,
                               const struct tok_source *src, size_t id)
{
    struct slice text = vocab_text(&t->vocab, (int64_t)id);

    if (text.len > 3 && (text.at[0] == '<' || text.at[0] == '['
                         || text.at[0] == '_' || text.at[0] == MARK[0])) {
        if (in_texts(shown_texts, N_SHOWN_TEXTS, text) && is_gpt_oss(t))
            return TOK_TYPE_USER;
        if (has_text_role(t, (int32_t)id)
            || in_texts(end_texts, N_END_TEXTS, text))
            return TOK_TYPE_CONTROL;
    }
    return gguf_type(src, id);
}

static enum err list_end(struct tokenizer *t, int32_t id, struct err_info *why)
{
    return id < 0 ? ERR_OK : tok_list_id(t, &t->eos, id, "eos", why);
}

static enum err list_ends(struct tokenizer *t, struct err_info *why)
{
    static const enum tok_role roles[] = {
        TOK_ROLE_EOT, TOK_ROLE_EOM, TOK_ROLE_FIM_PAD, TOK_ROLE_FIM_REP,
        TOK_ROLE_FIM_SEP,
    };
    /* gpt-oss closes a part with <|end|> and goes on; Gemma 4 keeps an
     * ordinary </s>. */
    int32_t not_end = is_gpt_oss(t) ? find(t, "<|end|>")
                    : find(t, "<|tool_response>") >= 0 ? find(t, "</s>") : -1;
    enum err e = ERR_OK;

    for (size_t i = 0; i < sizeof roles / sizeof roles[0] && e == ERR_OK; i++)
        if (t->role[roles[i]] != not_end)
            e = list_end(t, t->role[roles[i]], why);
    for (size_t i = 0; i < N_END_TEXTS && e == ERR_OK; i++)
        if (find(t, end_texts[i]) != not_end)
            e = list_end(t, find(t, end_texts[i]), why);
    return e;
}

enum err gguf_add_special(struct tokenizer *t, const struct tok_source *src,
                          struct err_info *why)
{
    bool phi3 = is_phi3(src);
    enum err e = ERR_OK;

    for (size_t id = 0; id < t->vocab.n && e == ERR_OK; id++) {
        enum tok_type type = true_type(t, src, id);
        if (type != TOK_TYPE_CONTROL && type != TOK_TYPE_USER
            && type != TOK_TYPE_UNKNOWN)
            continue;
        struct slice text = vocab_text(&t->vocab, (int64_t)id);
        struct added_token token = {
            .content = arena_copy(&t->arena, text),
            .special = type != TOK_TYPE_USER,
            .rstrip = type != TOK_TYPE_USER && phi3 && takes_space(text),
        };
        e = token.content.at == NULL ? fail_nomem(why)
                                     : tok_add(t, token, (int64_t)id, why);
    }
    return e == ERR_OK ? list_ends(t, why) : e;
}
