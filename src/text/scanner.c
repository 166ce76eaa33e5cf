/* The known expressions in their spellings, and what scans them. */
#include "text/scanner.h"

enum {
    SPACE_LETTER_NUMBER = UNICODE_SPACE | UNICODE_LETTER | UNICODE_NUMBER,
    LETTER_NUMBER       = UNICODE_LETTER | UNICODE_NUMBER,
    LETTER_MARK         = UNICODE_LETTER | UNICODE_MARK,
    PUNCT_SYMBOL        = UNICODE_PUNCT | UNICODE_SYMBOL,
    LETTER_PUNCT_SYMBOL = UNICODE_LETTER | PUNCT_SYMBOL
};
/* ---- GPT-2 and its descendants ---- */

static const struct word_rules gpt2 = {
    .contraction = CONTRACT_LOWER, .prefix_space = true,
    .word_set = UNICODE_LETTER, .digits = true, .digits_space = true,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
};

static const struct word_rules llama3 = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true, .max_digits = 3,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules jais2 = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true, .max_digits = 3,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST, .space_steps = true,
};

static const struct word_rules qwen2 = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules minicpm5 = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules ufakzeka = {
    .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules qwen35 = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = LETTER_MARK, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER | UNICODE_MARK,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules seed = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word_set = UNICODE_LETTER, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .newlines = NEWLINES_LAST,
};

static const struct word_rules exaone_moe = {
    .contraction = CONTRACT_FOLD, .prefix_none = LETTER_NUMBER,
    .word = WORD_SPACED, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = 1, .tail_slash = true, .newlines = NEWLINES_LAST,
};

static const struct word_rules o200k = {
    .contraction = CONTRACT_SUFFIX, .prefix_none = LETTER_NUMBER,
    .word = WORD_CASED, .digits = true, .max_digits = 3,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .tail_slash = true, .newlines = NEWLINES_LAST,
};

static const struct word_rules youtu = {
    .contraction = CONTRACT_SUFFIX, .prefix_none = LETTER_NUMBER,
    .word = WORD_CASED, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .tail_slash = true, .newlines = NEWLINES_LAST,
};

static const struct word_rules tekken = {
    .prefix_none = LETTER_NUMBER,
    .word = WORD_CASED, .digits = true, .max_digits = 1,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .tail_slash = true, .newlines = NEWLINES_LAST,
};

static const struct word_rules kimi = {
    .han_first = true,
    .contraction = CONTRACT_SUFFIX, .prefix_none = LETTER_NUMBER,
    .word = WORD_CASED, .word_none = UNICODE_HAN,
    .digits = true, .max_digits = 3,
    .other = UNICODE_ANY, .other_none = SPACE_LETTER_NUMBER,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules deepseek3 = {
    .punct_word = true, .prefix_none = LETTER_PUNCT_SYMBOL,
    .word_set = LETTER_MARK, .other = PUNCT_SYMBOL,
    .tail_max = SIZE_MAX, .newlines = NEWLINES_LAST,
};

static const struct word_rules spark = {
    .punct_word = true, .prefix_none = LETTER_PUNCT_SYMBOL,
    .word_set = LETTER_MARK, .other = PUNCT_SYMBOL,
    .newlines = NEWLINES_ONE,
};

/* ---- runs of one class ---- */

/* \s?[...]+ of DeepSeek LLM: letters that have case, as somebody once listed
 * them; neither Lu|Ll|Lt nor any other set of Unicode's. */
static const struct unicode_range cased_letters[] = {
    { 0x41, 0x5A }, { 0x61, 0x7A }, { 0xB5, 0xB5 }, { 0xC0, 0xD6 },
    { 0xD8, 0xF6 }, { 0xF8, 0x1BA }, { 0x1BC, 0x1BF }, { 0x1C4, 0x293 },
    { 0x295, 0x2AF }, { 0x370, 0x373 }, { 0x376, 0x377 }, { 0x37B, 0x37D },
    { 0x37F, 0x37F }, { 0x386, 0x386 }, { 0x388, 0x38A }, { 0x38C, 0x38C },
    { 0x38E, 0x3A1 }, { 0x3A3, 0x3F5 }, { 0x3F7, 0x481 }, { 0x48A, 0x52F },
    { 0x531, 0x556 }, { 0x10A0, 0x10C5 }, { 0x13A0, 0x13F5 },
    { 0x13F8, 0x13FD }, { 0x1C90, 0x1CBA }, { 0x1CBD, 0x1CBF },
    { 0x1D00, 0x1D2B }, { 0x1D6B, 0x1D77 }, { 0x1D79, 0x1D9A },
    { 0x1E00, 0x1F15 }, { 0x1F18, 0x1F1D }, { 0x1F20, 0x1F45 },
    { 0x1F48, 0x1F4D }, { 0x1F50, 0x1F57 }, { 0x1F59, 0x1F59 },
    { 0x1F5B, 0x1F5B }, { 0x1F5D, 0x1F5D }, { 0x1F5F, 0x1F7D },
    { 0x1F80, 0x1FB4 }, { 0x1FB6, 0x1FBC }, { 0x1FBE, 0x1FBE },
    { 0x1FC2, 0x1FC4 }, { 0x1FC6, 0x1FCC }, { 0x1FD0, 0x1FD3 },
    { 0x1FD6, 0x1FDB }, { 0x1FE0, 0x1FEC }, { 0x1FF2, 0x1FF4 },
    { 0x1FF6, 0x1FFC }, { 0x2102, 0x2102 }, { 0x2107, 0x2107 },
    { 0x210A, 0x2113 }, { 0x2115, 0x2115 }, { 0x2119, 0x211D },
    { 0x2124, 0x2124 }, { 0x2126, 0x2126 }, { 0x2128, 0x2128 },
    { 0x212A, 0x212D }, { 0x212F, 0x2134 }, { 0x2139, 0x2139 },
    { 0x213C, 0x213F }, { 0x2145, 0x2149 }, { 0x214E, 0x214E },
    { 0x2183, 0x2184 }, { 0x2C00, 0x2C7B }, { 0x2C7E, 0x2CE4 },
    { 0x2CEB, 0x2CEE }, { 0x2CF2, 0x2CF3 }, { 0xA640, 0xA66D },
    { 0xA680, 0xA69B }, { 0xA722, 0xA76F }, { 0xA771, 0xA787 },
    { 0xA78B, 0xA78E }, { 0xAB70, 0xABBF }, { 0xFB00, 0xFB06 },
    { 0xFB13, 0xFB17 }, { 0xFF21, 0xFF3A }, { 0xFF41, 0xFF5A },
    { 0x10400, 0x1044F }, { 0x104B0, 0x104D3 }, { 0x104D8, 0x104FB },
    { 0x10C80, 0x10CB2 }, { 0x10CC0, 0x10CF2 }, { 0x118A0, 0x118DF },
    { 0x1E900, 0x1E943 },
};

static const struct unicode_range deepseek_punct[] = {
    { 0x21, 0x2F }, { 0x3A, 0x7E }, { 0x2018, 0x201F }, { 0x3000, 0x3002 },
    { 0xFF01, 0xFF0F }, { 0xFF1A, 0xFF5E },
};
static const struct unicode_range cjk_kana[] = {
    { 0x3040, 0x30FF }, { 0x4E00, 0x9FA5 },
};
static const struct unicode_range cjk_coder[] = {
    { 0x800, 0x9FA5 }, { 0xAC00, 0xD7FF },
};
static const struct unicode_range ascii_digits[] = {
    { 0x30, 0x39 },
};
static const struct unicode_range cr_lf[] = {
    { 0xA, 0xA }, { 0xD, 0xD },
};
static const struct unicode_range falcon_punct[] = {
    { 0x24, 0x24 }, { 0x2B, 0x2B }, { 0x3C, 0x3E }, { 0x5E, 0x5E },
    { 0x60, 0x60 }, { 0x7C, 0x7C }, { 0x7E, 0x7E },
};
static const struct unicode_range default_punct[] = {
    { 0x24, 0x24 }, { 0x2B, 0x2B }, { 0x3C, 0x3E }, { 0x5E, 0x5E },
    { 0x7C, 0x7C }, { 0x7E, 0x7E },
};
static const struct unicode_range bloom_stops[] = {
    { 0x21, 0x21 }, { 0x28, 0x29 }, { 0x2C, 0x2C }, { 0x2E, 0x2E },
    { 0x3F, 0x3F }, { 0x7C, 0x7C }, { 0x60C, 0x60C }, { 0x6D4, 0x6D4 },
    { 0x964, 0x964 }, { 0x2026, 0x2026 }, { 0x3001, 0x3002 },
    { 0xFF0C, 0xFF0C },
};

static const struct run_rules number = {
    .set = { .any = UNICODE_NUMBER },
    .min = 1, .max = 1,
};

static const struct run_rules numbers3 = {
    .set = { .any = UNICODE_NUMBER },
    .min = 1, .max = 3,
};

static const struct run_rules numbers = {
    .set = { .any = UNICODE_NUMBER },
    .min = 1,
};

static const struct run_rules three_digits = {
    .set = {
        .ranges = { ascii_digits, sizeof ascii_digits / sizeof *ascii_digits } },
    .min = 3, .max = 3,
};

static const struct run_rules newline = {
    .set = { .ranges = { cr_lf, sizeof cr_lf / sizeof *cr_lf } },
    .min = 1, .max = 1,
};

static const struct run_rules letters = {
    .prefix = RUN_ANY_SPACE, .set = { .any = UNICODE_LETTER },
    .min = 1,
};

static const struct run_rules puncts = {
    .prefix = RUN_ANY_SPACE, .set = { .any = UNICODE_PUNCT },
    .min = 1,
};

static const struct run_rules deepseek_letters = {
    .prefix = RUN_ANY_SPACE, .set = {
        .ranges = { cased_letters, sizeof cased_letters / sizeof *cased_letters } },
    .min = 1,
};

static const struct run_rules deepseek_puncts = {
    .prefix = RUN_ANY_SPACE, .set = {
        .ranges = { deepseek_punct, sizeof deepseek_punct / sizeof *deepseek_punct } },
    .min = 1,
};

static const struct run_rules cjk = {
    .set = { .ranges = { cjk_kana, sizeof cjk_kana / sizeof *cjk_kana } },
    .min = 1,
};

static const struct run_rules cjk_hangul = {
    .set = { .ranges = { cjk_coder, sizeof cjk_coder / sizeof *cjk_coder } },
    .min = 1,
};

static const struct run_rules falcon_puncts = {
    .set = {
        .any = UNICODE_PUNCT,
        .ranges = { falcon_punct, sizeof falcon_punct / sizeof *falcon_punct } },
    .min = 1,
};

static const struct run_rules default_puncts = {
    .set = {
        .any = UNICODE_PUNCT,
        .ranges = { default_punct, sizeof default_punct / sizeof *default_punct } },
    .min = 1,
};

static const struct run_rules bloom = {
    .prefix = RUN_SPACE, .set = {
        .any = UNICODE_SPACE,
        .ranges = { bloom_stops, sizeof bloom_stops / sizeof *bloom_stops },
             .negated = true },
    .min = 1,
};

static const struct run_rules non_spaces = {
    .set = { .any = UNICODE_SPACE, .negated = true },
    .min = 1,
};

static const struct run_rules spaces = {
    .set = { .any = UNICODE_SPACE },
    .min = 1,
};

/* ---- groups ---- */

static const struct group_rules thousands = {
    .set = { .any = 1u << UNICODE_Nd }, .cuts = true,
};

static const struct group_rules thousands_word = {
    .set = { .any = 1u << UNICODE_Nd }, .to_boundary = true,
};

static const struct group_rules groups = {
    .set = { .any = UNICODE_NUMBER },
};

/* ---- the spellings ---- */

struct spelling {
    const char    *pattern;
    struct scanner scanner;
};

/* Newlines are spelt \r and \n here; files also have the bytes themselves. */
static const struct spelling spellings[] = {
    { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s"
      "+(?!\\S)|\\s+",
      { scan_words, &gpt2 } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3"
      "}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{25"
      "6}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S"
      ")|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}",
      { scan_words, &jais2 } },
    { "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?"
      "!\\S)|\\s+",
      { scan_words, &gpt2 } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3"
      "}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &llama3 } },
    { "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^"
      "\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      { scan_words, &llama3 } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?["
      "^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &qwen2 } },
    { "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\"
      "p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      { scan_words, &qwen2 } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?"
      "[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &minicpm5 } },
    { "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &ufakzeka } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\"
      "p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|"
      "\\s+",
      { scan_words, &qwen35 } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}|"
      " ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &seed } },
    { "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?"
      ": \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\"
      "n]|\\s+(?!\\S)|\\s+",
      { scan_words, &exaone_moe } },
    { "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\"
      "p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N"
      "}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
      "*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r"
      "\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &o200k } },
    { "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\"
      "p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N"
      "}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
      "*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
      "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &youtu } },
    { "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\"
      "p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{"
      "Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]"
      "+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &tekken } },
    { "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
      "&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+(?i:'s|'t|'"
      "re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo"
      "}\\p{M}&&[^\\p{Han}]]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*(?i:"
      "'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      { scan_words, &kimi } },
    { "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}"
      "\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]"
      "+|\\s+(?!\\S)|\\s+",
      { scan_words, &deepseek3 } },
    { "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}"
      "\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|"
      "\\s+",
      { scan_words, &spark } },
    { "\\p{N}", { scan_runs, &number } },
    { "\\p{N}{1,3}", { scan_runs, &numbers3 } },
    { "\\p{N}+", { scan_runs, &numbers } },
    { "[0-9][0-9][0-9]", { scan_runs, &three_digits } },
    { "[0-9]{3}", { scan_runs, &three_digits } },
    { "[\\r\\n]", { scan_runs, &newline } },
    { "\\s?\\p{L}+", { scan_runs, &letters } },
    { "\\s?\\p{P}+", { scan_runs, &puncts } },
    { "\\s?[A-Za-z\xC2\xB5\xC3\x80-\xC3\x96\xC3\x98-\xC3\xB6\xC3\xB8-"
      "\xC6\xBA\xC6\xBC-\xC6\xBF\xC7\x84-\xCA\x93\xCA\x95-\xCA\xAF\xCD\xB0-"
      "\xCD\xB3\xCD\xB6\xCD\xB7\xCD\xBB-\xCD\xBD\xCD\xBF\xCE\x86\xCE\x88-"
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
      { scan_runs, &deepseek_letters } },
    { "\\s?[!-/:-~\xEF\xBC\x81-\xEF\xBC\x8F\xEF\xBC\x9A-\xEF\xBD\x9E"
      "\xE2\x80\x98-\xE2\x80\x9F\xE3\x80\x80-\xE3\x80\x82]+",
      { scan_runs, &deepseek_puncts } },
    { "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-"
      "\xE3\x83\xBF]+",
      { scan_runs, &cjk } },
    { "[\xE4\xB8\x80-\xE9\xBE\xA5\xE0\xA0\x80-\xE4\xB8\x80\xEA\xB0\x80-"
      "\xED\x9F\xBF]+",
      { scan_runs, &cjk_hangul } },
    { "[\\p{P}\\$\\+<=>\\^~\\|`]+", { scan_runs, &falcon_puncts } },
    { "[\\p{P}\\$\\+<=>\\^~\\|]+", { scan_runs, &default_puncts } },
    { " ?[^(\\s|.,!?\xE2\x80\xA6\xE3\x80\x82\xEF\xBC\x8C\xE3\x80\x81"
      "\xE0\xA5\xA4\xDB\x94\xD8\x8C)]+",
      { scan_runs, &bloom } },
    { "\\S+", { scan_runs, &non_spaces } },
    { "\\s+", { scan_runs, &spaces } },
    { "[^\\n]+|[\\n]+", { scan_lines, NULL } },
    { "\\s+$", { scan_space_at_end, NULL } },
    { "(?=(\\d{3})+(?!\\d))", { scan_groups, &thousands } },
    { "\\d{1,3}(?=(?:\\d{3})*\\b)", { scan_groups, &thousands_word } },
    { "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))", { scan_groups, &groups } },
};

static bool spelt(struct slice pattern, const char *spelling)
{
    for (size_t i = 0; i < pattern.len; i++, spelling++) {
        char c = pattern.at[i];
        if (is_newline(c)) {
            if (*spelling++ != '\\')
                return false;
            c = c == '\n' ? 'n' : 'r';
        }
        if (*spelling != c || c == '\0')
            return false;
    }
    return *spelling == '\0';
}

const struct scanner *scanner_for(struct slice pattern)
{
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        if (spelt(pattern, spellings[i].pattern))
            return &spellings[i].scanner;
    return NULL;
}

const char *scanner_pattern(size_t i)
{
    return i < sizeof spellings / sizeof spellings[0] ? spellings[i].pattern
                                                      : NULL;
}
