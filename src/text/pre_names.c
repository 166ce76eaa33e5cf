/* What the names of tokenizer.ggml.pre stand for.
 *
 * A GGUF file does not carry its pre-tokenizer, only a name that llama.cpp once
 * gave to it.  The expressions here are those of the models' own tokenizer.json
 * (llama.cpp's engine cannot do all of them and has approximations for some). */
#include "text/pre_step.h"

#include <stdlib.h>

enum pattern {
    NO_PATTERN,
    P_GPT2, P_NUMBER, P_DEFAULT, P_NUMBERS, P_THREE, P_FALCON, P_LLAMA3,
    P_NUMBERS3, P_MINICPM5, P_JAIS2, P_QWEN2, P_QWEN35, P_UFAKZEKA, P_LINES,
    P_O200K, P_TEKKEN, P_THOUSANDS_WORD, P_NEWLINE, P_DS_LETTERS, P_DS_PUNCTS,
    P_SPACE_END, P_CJK_HANGUL, P_LETTERS, P_PUNCTS, P_CJK, P_DEEPSEEK3,
    P_SPARK, P_BLOOM, P_SENTINEL, P_IMAGE, P_TABS, P_EACH_PUNCT, P_THOUSANDS,
    P_BAILING, P_SEED, P_KIMI, P_EXAONE_MOE, P_YOUTU_SCRIPTS, P_YOUTU,
    P_GROUPS, P_AFMOE_SCRIPTS, P_NON_SPACE
};

static const char *const patterns[] = {
    [P_GPT2] =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
        "\\s+(?!\\S)|\\s+",
    [P_NUMBER] = "\\p{N}",
    [P_DEFAULT] = "[\\p{P}\\$\\+<=>\\^~\\|]+",
    [P_NUMBERS] = "\\p{N}+",
    [P_THREE] = "[0-9][0-9][0-9]",
    [P_FALCON] = "[\\p{P}\\$\\+<=>\\^~\\|`]+",
    [P_LLAMA3] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1"
        ",3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_NUMBERS3] = "\\p{N}{1,3}",
    [P_MINICPM5] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+|"
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_JAIS2] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1"
        ",3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\"
        "s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}"
        "(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}",
    [P_QWEN2] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
        "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_QWEN35] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|"
        "\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\"
        "S)|\\s+",
    [P_UFAKZEKA] =
        "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
        "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_LINES] = "[^\\n]+|[\\n]+",
    [P_O200K] =
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}"
        "\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}"
        "\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}"
        "\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{"
        "N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_TEKKEN] =
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}"
        "\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}"
        "\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}"
        "\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_THOUSANDS_WORD] = "\\d{1,3}(?=(?:\\d{3})*\\b)",
    [P_NEWLINE] = "[\\r\\n]",
    [P_DS_LETTERS] =
        "\\s?[A-Za-z\xC2\xB5\xC3\x80-\xC3\x96\xC3\x98-\xC3\xB6\xC3\xB8-"
        "\xC6\xBA\xC6\xBC-\xC6\xBF\xC7\x84-\xCA\x93\xCA\x95-\xCA\xAF\xCD\xB0"
        "-\xCD\xB3\xCD\xB6\xCD\xB7\xCD\xBB-\xCD\xBD\xCD\xBF\xCE\x86\xCE\x88-"
        "\xCE\x8A\xCE\x8C\xCE\x8E-\xCE\xA1\xCE\xA3-\xCF\xB5\xCF\xB7-\xD2\x81"
        "\xD2\x8A-\xD4\xAF\xD4\xB1-\xD5\x96\xE1\x82\xA0-\xE1\x83\x85"
        "\xE1\x8E\xA0-\xE1\x8F\xB5\xE1\x8F\xB8-\xE1\x8F\xBD\xE1\xB2\x90-"
        "\xE1\xB2\xBA\xE1\xB2\xBD-\xE1\xB2\xBF\xE1\xB4\x80-\xE1\xB4\xAB"
        "\xE1\xB5\xAB-\xE1\xB5\xB7\xE1\xB5\xB9-\xE1\xB6\x9A\xE1\xB8\x80-"
        "\xE1\xBC\x95\xE1\xBC\x98-\xE1\xBC\x9D\xE1\xBC\xA0-\xE1\xBD\x85"
        "\xE1\xBD\x88-\xE1\xBD\x8D\xE1\xBD\x90-\xE1\xBD\x97\xE1\xBD\x99"
        "\xE1\xBD\x9B\xE1\xBD\x9D\xE1\xBD\x9F-\xE1\xBD\xBD\xE1\xBE\x80-"
        "\xE1\xBE\xB4\xE1\xBE\xB6-\xE1\xBE\xBC\xE1\xBE\xBE\xE1\xBF\x82-"
        "\xE1\xBF\x84\xE1\xBF\x86-\xE1\xBF\x8C\xE1\xBF\x90-\xE1\xBF\x93"
        "\xE1\xBF\x96-\xE1\xBF\x9B\xE1\xBF\xA0-\xE1\xBF\xAC\xE1\xBF\xB2-"
        "\xE1\xBF\xB4\xE1\xBF\xB6-\xE1\xBF\xBC\xE2\x84\x82\xE2\x84\x87"
        "\xE2\x84\x8A-\xE2\x84\x93\xE2\x84\x95\xE2\x84\x99-\xE2\x84\x9D"
        "\xE2\x84\xA4\xE2\x84\xA6\xE2\x84\xA8\xE2\x84\xAA-\xE2\x84\xAD"
        "\xE2\x84\xAF-\xE2\x84\xB4\xE2\x84\xB9\xE2\x84\xBC-\xE2\x84\xBF"
        "\xE2\x85\x85-\xE2\x85\x89\xE2\x85\x8E\xE2\x86\x83\xE2\x86\x84"
        "\xE2\xB0\x80-\xE2\xB1\xBB\xE2\xB1\xBE-\xE2\xB3\xA4\xE2\xB3\xAB-"
        "\xE2\xB3\xAE\xE2\xB3\xB2\xE2\xB3\xB3\xEA\x99\x80-\xEA\x99\xAD"
        "\xEA\x9A\x80-\xEA\x9A\x9B\xEA\x9C\xA2-\xEA\x9D\xAF\xEA\x9D\xB1-"
        "\xEA\x9E\x87\xEA\x9E\x8B-\xEA\x9E\x8E\xEA\xAD\xB0-\xEA\xAE\xBF"
        "\xEF\xAC\x80-\xEF\xAC\x86\xEF\xAC\x93-\xEF\xAC\x97\xEF\xBC\xA1-"
        "\xEF\xBC\xBA\xEF\xBD\x81-\xEF\xBD\x9A\xF0\x90\x90\x80-"
        "\xF0\x90\x91\x8F\xF0\x90\x92\xB0-\xF0\x90\x93\x93\xF0\x90\x93\x98-"
        "\xF0\x90\x93\xBB\xF0\x90\xB2\x80-\xF0\x90\xB2\xB2\xF0\x90\xB3\x80-"
        "\xF0\x90\xB3\xB2\xF0\x91\xA2\xA0-\xF0\x91\xA3\x9F\xF0\x9E\xA4\x80-"
        "\xF0\x9E\xA5\x83]+",
    [P_DS_PUNCTS] =
        "\\s?[!-/:-~\xEF\xBC\x81-\xEF\xBC\x8F\xEF\xBC\x9A-\xEF\xBD\x9E"
        "\xE2\x80\x98-\xE2\x80\x9F\xE3\x80\x80-\xE3\x80\x82]+",
    [P_SPACE_END] = "\\s+$",
    [P_CJK_HANGUL] =
        "[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-"
        "\xED\x9F\xBF]+",
    [P_LETTERS] = "\\s?\\p{L}+",
    [P_PUNCTS] = "\\s?\\p{P}+",
    [P_CJK] =
        "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-"
        "\xE3\x83\xBF]+",
    [P_DEEPSEEK3] =
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L"
        "}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r"
        "\\n]+|\\s+(?!\\S)|\\s+",
    [P_SPARK] =
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L"
        "}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\"
        "S)|\\s+",
    [P_BLOOM] =
        " ?[^(\\s|.,!?\xE2\x80\xA6\xE3\x80\x82\xEF\xBC\x8C\xE3\x80\x81"
        "\xE0\xA5\xA4\xDB\x94\xD8\x8C)]+",
    [P_SENTINEL] = "<sentinel:[0-9]+>",
    [P_IMAGE] = "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
    [P_TABS] = "([\\t\\n]|    |  )",
    [P_EACH_PUNCT] = "[\\p{P}!-/:-@\\[-`{-~]",
    [P_THOUSANDS] = "(?=(\\d{3})+(?!\\d))",
    [P_BAILING] =
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s"
        "\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
    [P_SEED] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1"
        "}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_KIMI] =
        "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{"
        "M}&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+(?i:'s|"
        "'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}"
        "\\p{Lo}\\p{M}&&[^\\p{Han}]]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han"
        "}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+"
        "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_EXAONE_MOE] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*"
        "(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*["
        "\\r\\n]|\\s+(?!\\S)|\\s+",
    [P_YOUTU_SCRIPTS] =
        "[\xEA\xB0\x80-\xED\x9E\xA3\xE3\x84\xB1-\xE3\x86\x8E]+|[\xEF\xBC\x81"
        "\xE2\x80\xA6\xE2\x80\x9C\xE2\x80\x9D\xE2\x80\x98\xE2\x80\x99"
        "\xE2\x80\x94\xEF\xBC\x9A\xEF\xBC\x9B\xEF\xBC\x8C\xE3\x80\x81-"
        "\xE3\x80\xBF\xEF\xB8\xB0-\xEF\xB9\x8F]+|[\xE3\x84\x85-\xE3\x84\xAF]"
        "+|[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-"
        "\xE3\x83\xBF]+",
    [P_YOUTU] =
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}"
        "\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}"
        "\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}"
        "\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}| ?[^\\s\\p{L}\\p{N}]+["
        "\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [P_GROUPS] = "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
    [P_AFMOE_SCRIPTS] =
        "[\xE4\xB8\x80-\xE9\xBF\xBF\xE3\x90\x80-\xE4\xB6\xBF\xE8\xB1\x88-"
        "\xEF\xAB\xBF\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF"
        "\xEF\xBD\xA5-\xEF\xBE\x9F\xE2\xBC\x80-\xE2\xBF\x9F\xE0\xB9\x80-"
        "\xE0\xB9\xBF\xE0\xBA\x80-\xE0\xBB\xBF\xE1\x9E\x80-\xE1\x9F\xBF"
        "\xE1\x80\x80-\xE1\x82\x9F\xEA\xA9\xA0-\xEA\xA9\xBF\xEA\xA7\xA0-"
        "\xEA\xA7\xBF\xEA\xB0\x80-\xED\x9E\xAF\xE1\x84\x80-\xE1\x87\xBF]+",
    [P_NON_SPACE] = "\\S+",
};

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
        e = pre_add_pattern(p, patterns[n->steps[i]], why);
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
