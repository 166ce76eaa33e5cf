/* Facts about code points: general category, a few properties, full case
 * mappings.  Unicode 16.0, the version of the reference library's regular
 * expressions (case: 17.0, as its Lowercase), from generated tables, so that ids
 * do not depend on the system.
 *
 * Everything here takes any uint32_t; above U+10FFFF it is an unassigned one. */
#ifndef OSMIA_TEXT_UNICODE_H
#define OSMIA_TEXT_UNICODE_H

#include "base/slice.h"
#include <stdint.h>

/* General categories, in the order of the table; their names are Unicode's.
 * Surrogates (Cs) count as unassigned: no text holds one. */
#define UNICODE_GC_LIST(X)                                                   \
    X(Cn) X(Lu) X(Ll) X(Lt) X(Lm) X(Lo) X(Mn) X(Mc) X(Me) X(Nd) X(Nl) X(No)  \
    X(Pc) X(Pd) X(Ps) X(Pe) X(Pi) X(Pf) X(Po) X(Sm) X(Sc) X(Sk) X(So)        \
    X(Zs) X(Zl) X(Zp) X(Cc) X(Cf) X(Co)

enum unicode_gc {
#define X(name) UNICODE_##name,
    UNICODE_GC_LIST(X)
#undef X
    UNICODE_N_GC
};

/* Sets of categories: one bit each, plus two bits that stand for properties
 * and are or-ed in by unicode_bits. */
enum unicode_set {
    UNICODE_LETTER = 1u << UNICODE_Lu | 1u << UNICODE_Ll | 1u << UNICODE_Lt
                   | 1u << UNICODE_Lm | 1u << UNICODE_Lo,
    UNICODE_MARK   = 1u << UNICODE_Mn | 1u << UNICODE_Mc | 1u << UNICODE_Me,
    UNICODE_NUMBER = 1u << UNICODE_Nd | 1u << UNICODE_Nl | 1u << UNICODE_No,
    UNICODE_PUNCT  = 1u << UNICODE_Pc | 1u << UNICODE_Pd | 1u << UNICODE_Ps
                   | 1u << UNICODE_Pe | 1u << UNICODE_Pi | 1u << UNICODE_Pf
                   | 1u << UNICODE_Po,
    UNICODE_SYMBOL = 1u << UNICODE_Sm | 1u << UNICODE_Sc | 1u << UNICODE_Sk
                   | 1u << UNICODE_So,
    UNICODE_OTHER  = 1u << UNICODE_Cc | 1u << UNICODE_Cf | 1u << UNICODE_Co
                   | 1u << UNICODE_Cn,
    UNICODE_ANY    = (1u << UNICODE_N_GC) - 1,
    UNICODE_SPACE  = 1u << 29,          /* White_Space: 25 code points */
    UNICODE_HAN    = 1u << 30           /* Script = Han */
};

/* One byte a code point in two stages: category in the low five bits. */
enum {
    UNICODE_KIND_GC    = 0x1F,
    UNICODE_KIND_SPACE = 0x20,          /* White_Space */
    UNICODE_KIND_HAN   = 0x40,          /* Script = Han */
    UNICODE_KIND_ALPHA = 0x80,          /* Alphabetic */
    UNICODE_BLOCK      = 256            /* code points a block */
};
extern const uint8_t unicode_kind_index[0x110000 / UNICODE_BLOCK];
extern const uint8_t unicode_kind_block[][UNICODE_BLOCK];

static inline uint8_t unicode_kind(uint32_t cp)
{
    if (cp > 0x10FFFF)
        return UNICODE_Cn;
    return unicode_kind_block[unicode_kind_index[cp / UNICODE_BLOCK]]
                             [cp % UNICODE_BLOCK];
}

static inline enum unicode_gc unicode_gc(uint32_t cp)
{
    return (enum unicode_gc)(unicode_kind(cp) & UNICODE_KIND_GC);
}

/* The code point's category as a bit, and UNICODE_SPACE and UNICODE_HAN if it is
 * one: test it with any or-ed combination of enum unicode_set. */
static inline uint32_t unicode_bits(uint32_t cp)
{
    uint8_t kind = unicode_kind(cp);
    return 1u << (kind & UNICODE_KIND_GC)
         | (uint32_t)(kind & (UNICODE_KIND_SPACE | UNICODE_KIND_HAN)) << 24;
}

/* The same for ASCII, ready made. */
extern const uint32_t unicode_ascii_bits[128];

static inline bool unicode_is(uint32_t cp, uint32_t set)
{
    return (unicode_bits(cp) & set) != 0;
}

/* ---- properties kept as ranges: found by binary search ---- */

struct unicode_range { uint32_t first, last; };
struct unicode_ranges {
    const struct unicode_range *at;     /* ascending, disjoint, not adjacent */
    size_t                      n;
};

#define UNICODE_PROP_LIST(X)                                                 \
    X(ALPHABETIC, "Alphabetic") X(LOWERCASE, "Lowercase")                    \
    X(UPPERCASE, "Uppercase") X(CASED, "Cased")                              \
    X(CASE_IGNORABLE, "Case_Ignorable") X(WHITE_SPACE, "White_Space")        \
    X(DIGIT, "Numeric_Type=Digit or Decimal")                                \
    X(NUMERIC, "Numeric_Type") X(JOIN_CONTROL, "Join_Control")               \
    X(NFC_UNSAFE, "no starter or changed by NFC")                            \
    X(NFD_UNSAFE, "no starter or changed by NFD")                            \
    X(NFKC_UNSAFE, "no starter or changed by NFKC")                          \
    X(NFKD_UNSAFE, "no starter or changed by NFKD")

enum unicode_prop {
#define X(id, text) UNICODE_PROP_##id,
    UNICODE_PROP_LIST(X)
#undef X
    UNICODE_N_PROPS
};

struct unicode_ranges unicode_prop_ranges(enum unicode_prop prop);
bool unicode_has(uint32_t cp, enum unicode_prop prop);
bool unicode_in(uint32_t cp, struct unicode_ranges ranges);

/* Number of scripts, the long name ("Latin") and short name ("Latn") of one,
 * and the code points of one.  Script 0 is Unknown: in no range. */
size_t      unicode_n_scripts(void);
const char *unicode_script_name(size_t script);
const char *unicode_script_code(size_t script);
struct unicode_ranges unicode_script_ranges(size_t script);
size_t      unicode_script(uint32_t cp);

/* ---- case ---- */

/* Full, unconditional mappings (SpecialCasing.txt): put 1 to 3 code points and
 * return their number.  What has no mapping maps to itself.  Final sigma is the
 * caller's business (unicode_lower(0x3A3) is U+03C3). */
size_t unicode_lower(uint32_t cp, uint32_t out[3]);
size_t unicode_upper(uint32_t cp, uint32_t out[3]);
size_t unicode_title(uint32_t cp, uint32_t out[3]);
/* Full case folding (C + F of CaseFolding.txt) and the simple one (C + S). */
size_t unicode_fold(uint32_t cp, uint32_t out[3]);
uint32_t unicode_fold_simple(uint32_t cp);
/* The first code point from `cp` on that has a simple folding; UINT32_MAX: no
 * more.  Walking so costs what there is to find, not the code space. */
uint32_t unicode_next_fold(uint32_t cp);
/* The same for those that fold to several (unicode_fold). */
uint32_t unicode_next_long_fold(uint32_t cp);

/* ---- what Python's str methods ask of one character ---- */

/* str.isspace: White_Space and U+001C to U+001F. */
static inline bool unicode_is_space_python(uint32_t cp)
{
    return (unicode_kind(cp) & UNICODE_KIND_SPACE) != 0
        || (cp >= 0x1C && cp <= 0x1F);
}

static inline bool unicode_is_alpha_python(uint32_t cp)
{
    return unicode_is(cp, UNICODE_LETTER);
}

static inline bool unicode_is_decimal_python(uint32_t cp)
{
    return unicode_gc(cp) == UNICODE_Nd;
}

bool unicode_is_digit_python(uint32_t cp);
bool unicode_is_numeric_python(uint32_t cp);

static inline bool unicode_is_alnum_python(uint32_t cp)
{
    return unicode_is_alpha_python(cp) || unicode_is_decimal_python(cp)
        || unicode_is_digit_python(cp) || unicode_is_numeric_python(cp);
}

/* str.isprintable: all but Other and Separator, the space apart. */
static inline bool unicode_is_printable_python(uint32_t cp)
{
    return cp == ' '
        || !unicode_is(cp, UNICODE_OTHER | 1u << UNICODE_Zs
                               | 1u << UNICODE_Zl | 1u << UNICODE_Zp);
}

#endif
