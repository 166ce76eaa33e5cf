/* What the names of tokenizer.ggml.pre stand for.
 *
 * A GGUF file does not carry its pre-tokenizer, only a name that llama.cpp once
 * gave to it.  The expressions are those of the models' own tokenizer.json
 * (llama.cpp's engine cannot do all of them and has approximations for some). */
#include "text/pre_step.h"

#include "text/patterns.h"

#include <stdlib.h>

/* Patterns in their order: each cuts the pieces that the one before left. */
enum { STEPS_MAX = 6 };
typedef unsigned char steps[STEPS_MAX];

static const steps gpt2 = { P_GPT2 };
static const steps digits_gpt2 = { P_NUMBER, P_GPT2 };
static const steps unnamed = { P_DEFAULT, P_GPT2, P_NUMBERS, P_THREE };
static const steps falcon = { P_FALCON, P_GPT2, P_THREE };
static const steps llama3 = { P_LLAMA3 };
static const steps minicpm5 = { P_NUMBERS3, P_MINICPM5 };
static const steps jais2 = { P_JAIS2 };
static const steps qwen2 = { P_QWEN2 };
static const steps qwen35 = { P_QWEN35 };
static const steps ufakzeka = { P_UFAKZEKA };
static const steps laguna = { P_LINES, P_QWEN2 };
static const steps o200k = { P_O200K };
static const steps tekken = { P_TEKKEN };
static const steps aya = { P_THOUSANDS_WORD, P_O200K };
static const steps deepseek_llm = {
    P_NEWLINE, P_DS_LETTERS, P_DS_PUNCTS, P_SPACE_END, P_CJK_HANGUL, P_NUMBERS };
static const steps deepseek_coder = {
    P_NEWLINE, P_LETTERS, P_PUNCTS, P_CJK_HANGUL, P_NUMBER };
static const steps deepseek3 = { P_NUMBERS3, P_CJK, P_DEEPSEEK3 };
static const steps spark = { P_NUMBERS3, P_CJK, P_SPARK, P_NUMBER };
static const steps bloom = { P_BLOOM };
static const steps viking = { P_BLOOM, P_NUMBER };
static const steps chameleon = {
    P_SENTINEL, P_IMAGE, P_TABS, P_NUMBER, P_EACH_PUNCT, P_GPT2 };
static const steps superbpe = { P_NUMBERS, P_THOUSANDS };
static const steps bailing = { P_BAILING };
static const steps seed = { P_SEED };
static const steps kimi = { P_KIMI };
static const steps exaone_moe = { P_EXAONE_MOE };
static const steps youtu = { P_YOUTU_SCRIPTS, P_YOUTU };
static const steps afmoe = { P_GROUPS, P_AFMOE_SCRIPTS, P_DEEPSEEK3 };
static const steps gemma4 = { P_LINES };
static const steps whitespace = { P_NON_SPACE };

enum { MERGELESS = 1, BOS = 2, NFC = 4, RAW = 8, MARKED = 16 };

/* MERGELESS: a piece that is a token is not merged from its characters; BOS: one
 * is put in front; NFC: tokenizer.json normalises so; RAW: characters, not
 * bytes; MARKED: with U+2581 for spaces. */
#define NAMED_LIST(X)                                                        \
    X("gpt-2", gpt2, 0)                                                      \
    X("phi-2", gpt2, 0)                                                      \
    X("jina-es", gpt2, 0)                                                    \
    X("jina-de", gpt2, 0)                                                    \
    X("jina-v2-es", gpt2, 0)                                                 \
    X("jina-v2-de", gpt2, 0)                                                 \
    X("jina-v1-en", gpt2, 0)                                                 \
    X("jina-v2-code", gpt2, 0)                                               \
    X("roberta-bpe", gpt2, 0)                                                \
    X("gigachat", gpt2, 0)                                                   \
    X("a.x-4.0", gpt2, 0)                                                    \
    X("mellum", gpt2, 0)                                                     \
    X("modern-bert", gpt2, 0)                                                \
    X("jais", gpt2, 0)                                                       \
    X("trillion", gpt2, 0)                                                   \
    X("granite-docling", gpt2, 0)                                            \
    X("exaone4", gpt2, 0)                                                    \
    X("mpt", gpt2, NFC)                                                      \
    X("olmo", gpt2, NFC)                                                     \
    X("starcoder", digits_gpt2, 0)                                           \
    X("refact", digits_gpt2, 0)                                              \
    X("smollm", digits_gpt2, 0)                                              \
    X("codeshell", digits_gpt2, 0)                                           \
    X("exaone", digits_gpt2, 0)                                              \
    X("minerva-7b", digits_gpt2, 0)                                          \
    X("mellum2", digits_gpt2, 0)                                             \
    X("command-r", digits_gpt2, NFC)                                         \
    X("default", unnamed, 0)                                                 \
    X("falcon", falcon, 0)                                                   \
    X("llama-bpe", llama3, MERGELESS | BOS)                                  \
    X("llama3", llama3, MERGELESS | BOS)                                     \
    X("llama-v3", llama3, MERGELESS | BOS)                                   \
    X("falcon3", llama3, MERGELESS | BOS)                                    \
    X("falcon-h1", llama3, MERGELESS | BOS)                                  \
    X("pixtral", llama3, MERGELESS | BOS)                                    \
    X("midm-2.0", llama3, MERGELESS | BOS)                                   \
    X("lfm2", llama3, MERGELESS | BOS)                                       \
    X("jina-v5-nano", llama3, MERGELESS | BOS)                               \
    X("dbrx", llama3, 0)                                                     \
    X("smaug-bpe", llama3, 0)                                                \
    X("chatglm-bpe", llama3, 0)                                              \
    X("glm4", llama3, MERGELESS)                                             \
    X("glm5", llama3, MERGELESS)                                             \
    X("minicpm5", minicpm5, MERGELESS)                                       \
    X("jais-2", jais2, 0)                                                    \
    X("qwen2", qwen2, NFC)                                                   \
    X("deepseek-r1-qwen", qwen2, NFC)                                        \
    X("kormo", qwen2, NFC)                                                   \
    X("f2llmv2", qwen2, NFC)                                                 \
    X("megrez", qwen2, NFC)                                                  \
    X("stablelm2", qwen2, 0)                                                 \
    X("hunyuan", qwen2, 0)                                                   \
    X("solar-open", qwen2, 0)                                                \
    X("grok-2", qwen2, 0)                                                    \
    X("qwen35", qwen35, NFC)                                                 \
    X("ufakzeka", ufakzeka, 0)                                               \
    X("laguna", laguna, 0)                                                   \
    X("gpt-4o", o200k, 0)                                                    \
    X("llama4", o200k, 0)                                                    \
    X("kanana2", o200k, 0)                                                   \
    X("talkie", o200k, 0)                                                    \
    X("minimax-m2", o200k, 0)                                                \
    X("granite-embed-multi-97m", o200k, MERGELESS)                           \
    X("tekken", tekken, MERGELESS | BOS)                                     \
    X("tiny_aya", aya, 0)                                                    \
    X("cohere2moe", aya, 0)                                                  \
    X("deepseek-llm", deepseek_llm, 0)                                       \
    X("deepseek-coder", deepseek_coder, 0)                                   \
    X("deepseek-v3", deepseek3, 0)                                           \
    X("hunyuan-dense", deepseek3, 0)                                         \
    X("joyai-llm", deepseek3, 0)                                             \
    X("hy_v4", deepseek3, 0)                                                 \
    X("spark2_5", spark, 0)                                                  \
    X("bloom", bloom, 0)                                                     \
    X("poro-chat", bloom, 0)                                                 \
    X("gpt3-finnish", bloom, 0)                                              \
    X("viking", viking, 0)                                                   \
    X("chameleon", chameleon, BOS)                                           \
    X("superbpe", superbpe, 0)                                               \
    X("bailingmoe", bailing, 0)                                              \
    X("bailingmoe2", bailing, 0)                                             \
    X("llada-moe", bailing, 0)                                               \
    X("seed-coder", seed, 0)                                                 \
    X("kimi-k2", kimi, 0)                                                    \
    X("exaone-moe", exaone_moe, 0)                                           \
    X("youtu", youtu, MERGELESS)                                             \
    X("afmoe", afmoe, 0)                                                     \
    X("gemma4", gemma4, RAW | MARKED)                                        \
    X("granite-embed-multi-311m", gemma4, RAW | MARKED)                      \
    X("sarvam-moe", gemma4, RAW | MARKED)                                    \
    X("whitespace", whitespace, RAW)

static const struct named {
    const char          *name;
    const unsigned char *steps;
    unsigned             flags;
} named[] = {
#define X(name, steps, flags) { name, steps, flags },
    NAMED_LIST(X)
#undef X
};
enum { N_NAMED = sizeof named / sizeof named[0] };

static const struct named *find_name(struct slice name)
{
    for (size_t i = 0; i < N_NAMED; i++)
        if (slice_is(name, named[i].name))
            return &named[i];
    return NULL;
}

static enum err add_steps(struct pretokenizer *p, const struct named *n,
                          struct err_info *why)
{
    const struct pre_step marks = { .kind = PRE_METASPACE,
                                    .mark = "\xE2\x96\x81", .mark_len = 3,
                                    .prepend = PREPEND_NEVER };
    enum err e = ERR_OK;
    if (n->flags & MARKED)
        e = pre_add(p, marks, why);
    for (size_t i = 0; e == ERR_OK && i < STEPS_MAX && n->steps[i] != 0; i++)
        e = pre_add_pattern(p, pattern_text(n->steps[i]), why);
    if (e == ERR_OK && !(n->flags & RAW))
        e = pre_add(p, (struct pre_step){ .kind = PRE_BYTES }, why);
    return e;
}

enum err pretokenizer_open_named(struct pretokenizer **out,
                                 struct pre_facts *facts, struct slice name,
                                 struct err_info *why)
{
    const struct named *n = find_name(name);
    struct pretokenizer *p = NULL;
    *out = NULL;
    if (n == NULL)
        return fail(why, ERR_UNKNOWN, "tokenizer.ggml.pre is \"%.*s\": no such "
                    "pre-tokenizer is known",
                    (int)(name.len < 64 ? name.len : 64), name.at);
    if ((p = calloc(1, sizeof *p)) == NULL)
        return fail_nomem(why);
    enum err e = add_steps(p, n, why);
    if (e != ERR_OK) {
        pretokenizer_close(p);
        return e;
    }
    pre_finish(p);
    *facts = (struct pre_facts){ .ignore_merges = (n->flags & MERGELESS) != 0,
                                 .adds_bos = (n->flags & BOS) != 0,
                                 .byte_level = (n->flags & RAW) == 0,
                                 .nfc = (n->flags & NFC) != 0 };
    *out = p;
    return ERR_OK;
}

const char *const *pretokenizer_names(void)
{
    static const char *const names[] = {
#define X(name, steps, flags) name,
        NAMED_LIST(X)
#undef X
        NULL
    };
    return names;
}
