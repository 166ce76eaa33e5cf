/* The names behind \p{...} and [:...:], as Oniguruma knows them: categories, a
 * few properties, scripts.  A name is looked up without case, spaces, "-" and
 * "_". */
#include "text/regex_props.h"

enum {
    BIT_Z     = 1u << UNICODE_Zs | 1u << UNICODE_Zl | 1u << UNICODE_Zp,
    BIT_CASED = 1u << UNICODE_Lu | 1u << UNICODE_Ll | 1u << UNICODE_Lt,
    BIT_GRAPH = UNICODE_ANY & ~(BIT_Z | 1u << UNICODE_Cc | 1u << UNICODE_Cn),
    BIT_WORD  = UNICODE_MARK | 1u << UNICODE_Nd | 1u << UNICODE_Pc
};

static const struct unicode_range ascii[] = { { 0, 0x7F } };
static const struct unicode_range hex[] = {
    { '0', '9' }, { 'A', 'F' }, { 'a', 'f' }
};
static const struct unicode_range tab[] = { { '\t', '\t' } };
static const struct unicode_range latin1_word[] = {
    { 0xB2, 0xB3 }, { 0xB9, 0xB9 }, { 0xBC, 0xBE }
};

/* Categories by bits, and a property, and some ranges: all of them together. */
struct prop {
    const char                 *name, *alias;
    uint32_t                    bits;
    unsigned                    prop_plus_1;
    const struct unicode_range *more;
    size_t                      n_more;
};

static const struct prop props[] = {
    { "l", "letter", UNICODE_LETTER, 0, NULL, 0 },
    { "lc", "casedletter", BIT_CASED, 0, NULL, 0 },
    { "lu", "uppercaseletter", 1u << UNICODE_Lu, 0, NULL, 0 },
    { "ll", "lowercaseletter", 1u << UNICODE_Ll, 0, NULL, 0 },
    { "lt", "titlecaseletter", 1u << UNICODE_Lt, 0, NULL, 0 },
    { "lm", "modifierletter", 1u << UNICODE_Lm, 0, NULL, 0 },
    { "lo", "otherletter", 1u << UNICODE_Lo, 0, NULL, 0 },
    { "m", "mark", UNICODE_MARK, 0, NULL, 0 },
    { "mn", "nonspacingmark", 1u << UNICODE_Mn, 0, NULL, 0 },
    { "mc", "spacingmark", 1u << UNICODE_Mc, 0, NULL, 0 },
    { "me", "enclosingmark", 1u << UNICODE_Me, 0, NULL, 0 },
    { "n", "number", UNICODE_NUMBER, 0, NULL, 0 },
    { "nd", "decimalnumber", 1u << UNICODE_Nd, 0, NULL, 0 },
    { "nl", "letternumber", 1u << UNICODE_Nl, 0, NULL, 0 },
    { "no", "othernumber", 1u << UNICODE_No, 0, NULL, 0 },
    { "p", "punctuation", UNICODE_PUNCT, 0, NULL, 0 },
    { "pc", "connectorpunctuation", 1u << UNICODE_Pc, 0, NULL, 0 },
    { "pd", "dashpunctuation", 1u << UNICODE_Pd, 0, NULL, 0 },
    { "ps", "openpunctuation", 1u << UNICODE_Ps, 0, NULL, 0 },
    { "pe", "closepunctuation", 1u << UNICODE_Pe, 0, NULL, 0 },
    { "pi", "initialpunctuation", 1u << UNICODE_Pi, 0, NULL, 0 },
    { "pf", "finalpunctuation", 1u << UNICODE_Pf, 0, NULL, 0 },
    { "po", "otherpunctuation", 1u << UNICODE_Po, 0, NULL, 0 },
    { "s", "symbol", UNICODE_SYMBOL, 0, NULL, 0 },
    { "sm", "mathsymbol", 1u << UNICODE_Sm, 0, NULL, 0 },
    { "sc", "currencysymbol", 1u << UNICODE_Sc, 0, NULL, 0 },
    { "sk", "modifiersymbol", 1u << UNICODE_Sk, 0, NULL, 0 },
    { "so", "othersymbol", 1u << UNICODE_So, 0, NULL, 0 },
    { "z", "separator", BIT_Z, 0, NULL, 0 },
    { "zs", "spaceseparator", 1u << UNICODE_Zs, 0, NULL, 0 },
    { "zl", "lineseparator", 1u << UNICODE_Zl, 0, NULL, 0 },
    { "zp", "paragraphseparator", 1u << UNICODE_Zp, 0, NULL, 0 },
    { "c", "other", UNICODE_OTHER, 0, NULL, 0 },
    { "cc", "control", 1u << UNICODE_Cc, 0, NULL, 0 },
    { "cf", "format", 1u << UNICODE_Cf, 0, NULL, 0 },
    { "co", "privateuse", 1u << UNICODE_Co, 0, NULL, 0 },
    { "cn", "unassigned", 1u << UNICODE_Cn, 0, NULL, 0 },
    { "any", NULL, UNICODE_ANY, 0, NULL, 0 },
    { "assigned", NULL, UNICODE_ANY & ~(1u << UNICODE_Cn), 0, NULL, 0 },
    { "ascii", NULL, 0, 0, ascii, 1 },
    { "alpha", "alphabetic", 0, UNICODE_PROP_ALPHABETIC + 1, NULL, 0 },
    { "upper", "uppercase", 0, UNICODE_PROP_UPPERCASE + 1, NULL, 0 },
    { "lower", "lowercase", 0, UNICODE_PROP_LOWERCASE + 1, NULL, 0 },
    { "space", "whitespace", UNICODE_SPACE, 0, NULL, 0 },
    { "alnum", NULL, 1u << UNICODE_Nd, UNICODE_PROP_ALPHABETIC + 1, NULL, 0 },
    { "word", NULL, BIT_WORD, UNICODE_PROP_ALPHABETIC + 1, NULL, 0 },
    { "digit", NULL, 1u << UNICODE_Nd, 0, NULL, 0 },
    { "punct", NULL, UNICODE_PUNCT, 0, NULL, 0 },
    { "cntrl", NULL, 1u << UNICODE_Cc, 0, NULL, 0 },
    { "graph", NULL, BIT_GRAPH, 0, NULL, 0 },
    { "print", NULL, BIT_GRAPH | 1u << UNICODE_Zs, 0, NULL, 0 },
    { "blank", NULL, 1u << UNICODE_Zs, 0, tab, 1 },
    { "xdigit", NULL, 0, 0, hex, 3 },
    { "cased", NULL, 0, UNICODE_PROP_CASED + 1, NULL, 0 },
    { "caseignorable", NULL, 0, UNICODE_PROP_CASE_IGNORABLE + 1, NULL, 0 },
    { "joincontrol", NULL, 0, UNICODE_PROP_JOIN_CONTROL + 1, NULL, 0 },
};

/* Is `name` the same as `plain`, which is in small letters? */
static bool names(struct slice name, const char *plain)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == ' ' || c == '-' || c == '_')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (*plain == '\0' || c != *plain++)
            return false;
    }
    return *plain == '\0';
}

/* The same with a name from the table of scripts, as Unicode spells it. */
static bool names_script(struct slice name, const char *spelt)
{
    char plain[40];
    size_t n = 0;
    for (; *spelt != '\0' && n + 1 < sizeof plain; spelt++)
        if (*spelt != '_')
            plain[n++] = *spelt >= 'A' && *spelt <= 'Z'
                       ? (char)(*spelt | 0x20) : *spelt;
    plain[n] = '\0';
    return names(name, plain);
}

static bool add_props(struct slice name, struct code_set *out)
{
    for (size_t i = 0; i < sizeof props / sizeof *props; i++) {
        const struct prop *p = &props[i];
        if (!names(name, p->name)
            && (p->alias == NULL || !names(name, p->alias)))
            continue;
        if (p->bits != 0)
            code_set_add_bits(out, p->bits);
        if (p->prop_plus_1 != 0)
            code_set_add_all(out, unicode_prop_ranges(
                (enum unicode_prop)(p->prop_plus_1 - 1)));
        code_set_add_all(out, (struct unicode_ranges){ p->more, p->n_more });
        return true;
    }
    return false;
}

bool regex_prop_add(struct code_set *out, struct slice name,
                    enum prop_place place)
{
    if (place == PROP_ALONE && names(name, "word"))
        code_set_add_all(out, (struct unicode_ranges){ latin1_word, 3 });
    if (place == PROP_BRACKET && names(name, "punct"))
        code_set_add_bits(out, UNICODE_SYMBOL);
    if (add_props(name, out))
        return true;
    for (size_t i = 1; i < unicode_n_scripts(); i++) {
        if (names_script(name, unicode_script_name(i))
            || names_script(name, unicode_script_code(i))) {
            code_set_add_all(out, unicode_script_ranges(i));
            return true;
        }
    }
    return false;
}
