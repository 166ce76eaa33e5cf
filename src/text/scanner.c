/* The known expressions in their spellings, and what scans them. */
#include "text/scanner.h"

#include "text/patterns.h"

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

/* A known expression, or another spelling of one. */
struct spelling {
    enum pattern   pattern;
    const char    *text;             /* where there is no pattern */
    struct scanner scanner;
};

static const struct spelling spellings[] = {
    { P_GPT2, NULL, { scan_words, &gpt2 } },
    { P_JAIS2, NULL, { scan_words, &jais2 } },
    { NO_PATTERN,
      "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?"
      "!\\S)|\\s+",
      { scan_words, &gpt2 } },
    { P_LLAMA3, NULL, { scan_words, &llama3 } },
    { NO_PATTERN,
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^"
      "\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      { scan_words, &llama3 } },
    { P_QWEN2, NULL, { scan_words, &qwen2 } },
    { P_BAILING, NULL, { scan_words, &qwen2 } },
    { P_MINICPM5, NULL, { scan_words, &minicpm5 } },
    { P_UFAKZEKA, NULL, { scan_words, &ufakzeka } },
    { P_QWEN35, NULL, { scan_words, &qwen35 } },
    { P_SEED, NULL, { scan_words, &seed } },
    { P_EXAONE_MOE, NULL, { scan_words, &exaone_moe } },
    { P_O200K, NULL, { scan_words, &o200k } },
    { P_YOUTU, NULL, { scan_words, &youtu } },
    { P_TEKKEN, NULL, { scan_words, &tekken } },
    { P_KIMI, NULL, { scan_words, &kimi } },
    { P_DEEPSEEK3, NULL, { scan_words, &deepseek3 } },
    { P_SPARK, NULL, { scan_words, &spark } },
    { P_NUMBER, NULL, { scan_runs, &number } },
    { P_NUMBERS3, NULL, { scan_runs, &numbers3 } },
    { P_NUMBERS, NULL, { scan_runs, &numbers } },
    { P_THREE, NULL, { scan_runs, &three_digits } },
    { NO_PATTERN, "[0-9]{3}", { scan_runs, &three_digits } },
    { P_NEWLINE, NULL, { scan_runs, &newline } },
    { P_LETTERS, NULL, { scan_runs, &letters } },
    { P_PUNCTS, NULL, { scan_runs, &puncts } },
    { P_DS_LETTERS, NULL, { scan_runs, &deepseek_letters } },
    { P_DS_PUNCTS, NULL, { scan_runs, &deepseek_puncts } },
    { P_CJK, NULL, { scan_runs, &cjk } },
    { P_CJK_HANGUL, NULL, { scan_runs, &cjk_hangul } },
    { P_FALCON, NULL, { scan_runs, &falcon_puncts } },
    { P_DEFAULT, NULL, { scan_runs, &default_puncts } },
    { P_BLOOM, NULL, { scan_runs, &bloom } },
    { P_NON_SPACE, NULL, { scan_runs, &non_spaces } },
    { NO_PATTERN, "\\s+",
      { scan_runs, &spaces } },
    { P_LINES, NULL, { scan_lines, NULL } },
    { P_SPACE_END, NULL, { scan_space_at_end, NULL } },
    { P_THOUSANDS, NULL, { scan_groups, &thousands } },
    { P_THOUSANDS_WORD, NULL, { scan_groups, &thousands_word } },
    { P_GROUPS, NULL, { scan_groups, &groups } },
};

static const char *text_of(const struct spelling *s)
{
    return s->text != NULL ? s->text : pattern_text(s->pattern);
}

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
        if (spelt(pattern, text_of(&spellings[i])))
            return &spellings[i].scanner;
    return NULL;
}

const char *scanner_pattern(size_t i)
{
    return i < sizeof spellings / sizeof spellings[0] ? text_of(&spellings[i])
                                                      : NULL;
}
