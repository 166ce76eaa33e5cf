/* Regular expressions of known tokenizers.  What the names of GGUF files stand
 * for (pre_names.c) and what is scanned by hand (scanner.c) are mostly the same
 * expressions: their texts stand here, once. */
#ifndef OSMIA_TEXT_PATTERNS_H
#define OSMIA_TEXT_PATTERNS_H

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

/* NULL for NO_PATTERN. */
const char *pattern_text(enum pattern p);

#endif
