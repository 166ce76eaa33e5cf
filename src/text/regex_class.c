/* Escapes and classes of characters. */
#include "text/regex_reader.h"

#include "text/regex_props.h"

#include <stdlib.h>

enum { CLASS_DEPTH = 8, CODE_MAX = 0x10FFFF };

enum err reader_fail(struct regex_reader *r, enum err code, const char *what)
{
    return fail(r->why, code, "regular expression, byte %zu: %s", r->at, what);
}

bool reader_accept(struct regex_reader *r, const char *text)
{
    struct slice wanted = slice_of(text);
    if (!slice_starts(slice_from(r->in, r->at), wanted))
        return false;
    r->at += wanted.len;
    return true;
}

uint32_t reader_char(struct regex_reader *r)
{
    size_t len;
    uint32_t cp = char_at(r->in, r->at, &len);
    r->at += len;
    return cp;
}

/* ---- case ---- */

static int by_target(const void *a, const void *b)
{
    uint32_t x = ((const struct fold_pair *)a)->to;
    uint32_t y = ((const struct fold_pair *)b)->to;
    return (x > y) - (x < y);
}

/* Every letter that has a simple folding, in the order of what it folds to: a
 * pattern of many letters looks there for each of them. */
static enum err make_folds(struct regex_reader *r)
{
    enum { CAP = 4096 };
    if (r->folds != NULL)
        return ERR_OK;
    if ((r->folds = calloc(CAP, sizeof *r->folds)) == NULL)
        return fail_nomem(r->why);
    for (uint32_t cp = unicode_next_fold(0);
         cp != UINT32_MAX && r->n_folds < CAP; cp = unicode_next_fold(cp + 1))
        r->folds[r->n_folds++] = (struct fold_pair){ cp,
                                                     unicode_fold_simple(cp) };
    qsort(r->folds, r->n_folds, sizeof *r->folds, by_target);
    return ERR_OK;
}

/* Add what the members of `from` fold to. */
static void add_targets(struct code_set *out, struct unicode_ranges from)
{
    for (size_t i = 0; i < from.n; i++) {
        uint32_t cp = unicode_next_fold(from.at[i].first);
        for (; cp <= from.at[i].last; cp = unicode_next_fold(cp + 1))
            code_set_add(out, unicode_fold_simple(cp), unicode_fold_simple(cp));
    }
}

/* Add what folds to members of `to`. */
static void add_sources(const struct regex_reader *r, struct code_set *out,
                        struct unicode_ranges to)
{
    for (size_t i = 0; i < to.n; i++) {
        size_t low = 0, high = r->n_folds;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (r->folds[mid].to < to.at[i].first)
                low = mid + 1;
            else
                high = mid;
        }
        for (; low < r->n_folds && r->folds[low].to <= to.at[i].last; low++)
            code_set_add(out, r->folds[low].from, r->folds[low].from);
    }
}

/* A letter that folds to several would match all of these, too.  It adds
 * nothing where they are members one by one. */
static bool folds_to_strangers(const struct code_set *set, uint32_t cp)
{
    uint32_t to[3];
    size_t n = unicode_fold(cp, to);
    for (size_t i = 0; n > 1 && i < n; i++)
        if (!code_set_has(set, to[i]))
            return true;
    return false;
}

static bool has_strangers(const struct code_set *set)
{
    for (uint32_t cp = unicode_next_long_fold(0); cp != UINT32_MAX;
         cp = unicode_next_long_fold(cp + 1))
        if (code_set_has(set, cp) && folds_to_strangers(set, cp))
            return true;
    return false;
}

enum err reader_fold(struct regex_reader *r, struct code_set *set)
{
    if (!r->fold)
        return ERR_OK;
    enum err e = make_folds(r);
    struct code_set more = { 0 };
    if (e != ERR_OK)
        return e;
    add_targets(&more, code_set_ranges(set));
    code_set_add_all(&more, code_set_ranges(set));
    code_set_tidy(&more);
    add_sources(r, set, code_set_ranges(&more));
    code_set_add_all(set, code_set_ranges(&more));
    set->failed |= more.failed;
    code_set_drop(&more);
    if (set->failed)
        return fail_nomem(r->why);
    code_set_tidy(set);
    return has_strangers(set)
         ? reader_fail(r, ERR_UNKNOWN, "a letter that folds to several "
                       "under (?i) is not supported")
         : ERR_OK;
}

/* ---- escapes ---- */

/* At most `max` digits of the base; *n is how many there were. */
static uint32_t number(struct regex_reader *r, uint32_t base, size_t max,
                       size_t *n)
{
    uint32_t value = 0;
    for (*n = 0; *n < max && !reader_ends(r); ++*n, r->at++) {
        int d = hex_digit(r->in.at[r->at]);
        if (d < 0 || (uint32_t)d >= base)
            break;
        value = value * base + (uint32_t)d;
    }
    return value;
}

static enum err hex_escape(struct regex_reader *r, char kind,
                           struct atom *out)
{
    size_t n, wanted = kind == 'u' ? 4 : 1;
    bool braces = kind == 'x' && reader_accept(r, "{");
    out->cp = number(r, 16, braces ? 7 : kind == 'u' ? 4 : 2, &n);
    if (n < wanted || (braces && !reader_accept(r, "}")))
        return reader_fail(r, ERR_FORMAT, "hexadecimal digits expected");
    if (out->cp > CODE_MAX || (out->cp >= 0xD800 && out->cp <= 0xDFFF))
        return reader_fail(r, ERR_FORMAT, "no code point");
    if (kind == 'x' && !braces && out->cp >= 0x80)
        return reader_fail(r, ERR_UNKNOWN, "\\xHH for a single byte above 7F "
                           "is not supported");
    return ERR_OK;
}

static enum err property(struct regex_reader *r, bool negated,
                         enum prop_place place, struct atom *out)
{
    if (!reader_accept(r, "{"))
        return reader_fail(r, ERR_FORMAT, "\\p wants {name}");
    if (reader_accept(r, "^"))
        negated = !negated;
    size_t end = slice_find(r->in, SLICE("}"), r->at);
    struct slice name = { r->in.at + r->at, end - r->at };
    out->kind = ATOM_SET;
    if (end == r->in.len)
        return reader_fail(r, ERR_FORMAT, "\\p{ is not closed");
    if (!regex_prop_add(&out->set, name, place))
        return fail(r->why, ERR_UNKNOWN, "regular expression, byte %zu: "
                    "property \"%.*s\" is not known", r->at,
                    (int)(name.len < 40 ? name.len : 40), name.at);
    r->at = end + 1;
    code_set_tidy(&out->set);
    if (negated)
        code_set_negate(&out->set);
    return out->set.failed ? fail_nomem(r->why) : ERR_OK;
}

/* \d \h \s \w and their opposites in capitals; NULL: it is none of them. */
static const char *shorthand(char c)
{
    switch (c | 0x20) {
    case 'd': return "digit";
    case 'h': return "xdigit";
    case 's': return "space";
    case 'w': return "word";
    default:  return NULL;
    }
}

static enum err shorthand_escape(struct regex_reader *r, char c,
                                 enum prop_place place, struct atom *out)
{
    out->kind = ATOM_SET;
    (void)regex_prop_add(&out->set, slice_of(shorthand(c)), place);
    code_set_tidy(&out->set);
    if (c <= 'Z')
        code_set_negate(&out->set);
    return out->set.failed ? fail_nomem(r->why) : ERR_OK;
}

/* \t and the like: the character, or 0. */
static char control(char c, bool in_class)
{
    static const char letters[] = "abefnrtv";
    static const char values[] = "\a\b\x1B\f\n\r\t\v";
    const char *at = strchr(letters, c);
    if (at == NULL || c == '\0' || (c == 'b' && !in_class))
        return 0;
    return values[at - letters];
}

static bool is_ascii_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
        || (c >= 'a' && c <= 'z');
}

enum err reader_escape(struct regex_reader *r, bool in_class,
                       struct atom *out)
{
    enum prop_place place = in_class ? PROP_IN_CLASS : PROP_ALONE;
    size_t n;
    *out = (struct atom){ .kind = ATOM_CHAR };
    if (reader_ends(r))
        return reader_fail(r, ERR_FORMAT, "a backslash at the end");
    char c = r->in.at[r->at];
    if (!is_ascii_alnum(c)) {
        out->cp = reader_char(r);
        return ERR_OK;
    }
    if (c == '0' || (in_class && c >= '1' && c <= '7')) {
        out->cp = number(r, 8, 3, &n) & 0xFF;
        return out->cp < 0x80 ? ERR_OK
             : reader_fail(r, ERR_UNKNOWN, "a single byte above 7F is not "
                           "supported");
    }
    r->at++;
    if (c == 'x' || c == 'u')
        return hex_escape(r, c, out);
    if (c == 'p' || c == 'P')
        return property(r, c == 'P', place, out);
    if (shorthand(c) != NULL)
        return shorthand_escape(r, c, place, out);
    if ((out->cp = (uint32_t)control(c, in_class)) != 0)
        return ERR_OK;
    if (!in_class && strchr("AbBzZ", c) != NULL) {
        *out = (struct atom){ .kind = ATOM_ANCHOR, .cp = (uint32_t)c };
        return ERR_OK;
    }
    if (strchr("cCMGKXRNOkgyY123456789", c) != NULL)
        return fail(r->why, ERR_UNKNOWN, "regular expression, byte %zu: \\%c "
                    "is not supported", r->at, c);
    out->cp = (uint32_t)c;
    return ERR_OK;
}

/* ---- classes ---- */

/* A class that is being read: members so far, and what && cut them with. */
struct open_class {
    struct code_set members, cut;
    bool            is_cut, negated;
};

static void class_drop(struct open_class *c)
{
    code_set_drop(&c->members);
    code_set_drop(&c->cut);
}

/* Behind "&&", and at the end: what came before counts only within this. */
static void class_intersect(struct open_class *c)
{
    code_set_tidy(&c->members);
    if (c->is_cut) {
        code_set_intersect(&c->cut, &c->members);
        code_set_drop(&c->members);
    } else {
        c->cut = c->members;
        c->members = (struct code_set){ 0 };
    }
    c->is_cut = true;
}

/* [:name:] or [:^name:], if that is what comes. */
static enum err bracket(struct regex_reader *r, struct code_set *out,
                        bool *was)
{
    size_t end = slice_find(r->in, SLICE(":]"), r->at);
    struct code_set set = { 0 };
    *was = false;
    if (r->in.at[r->at] != ':' || end >= r->in.len || end <= r->at)
        return ERR_OK;
    struct slice name = { r->in.at + r->at + 1, end - r->at - 1 };
    bool negated = slice_starts(name, SLICE("^"));
    if (!regex_prop_add(&set, slice_from(name, negated), PROP_BRACKET))
        return ERR_OK;               /* a class that begins with a colon */
    code_set_tidy(&set);
    if (negated)
        code_set_negate(&set);
    code_set_add_all(out, code_set_ranges(&set));
    out->failed |= set.failed;
    code_set_drop(&set);
    r->at = end + 2;
    *was = true;
    return ERR_OK;
}

static enum err class_atom(struct regex_reader *r, struct atom *out)
{
    if (reader_ends(r))
        return reader_fail(r, ERR_FORMAT, "a class is not closed");
    if (reader_accept(r, "\\"))
        return reader_escape(r, true, out);
    *out = (struct atom){ .kind = ATOM_CHAR, .cp = reader_char(r) };
    return ERR_OK;
}

/* One member, or a range of them. */
static enum err class_member(struct regex_reader *r, struct code_set *out)
{
    struct atom first, last;
    enum err e = class_atom(r, &first);
    if (e == ERR_OK && first.kind == ATOM_SET) {
        code_set_add_all(out, code_set_ranges(&first.set));
    } else if (e == ERR_OK) {
        size_t back = r->at;
        last = first;
        if (reader_accept(r, "-") && !reader_ends(r)
            && r->in.at[r->at] != ']' && r->in.at[r->at] != '[')
            e = class_atom(r, &last);
        else
            r->at = back;
        if (e == ERR_OK && last.kind == ATOM_SET)
            e = reader_fail(r, ERR_UNKNOWN, "a range that ends in a class");
        else if (e == ERR_OK && last.cp < first.cp)
            e = reader_fail(r, ERR_FORMAT, "an empty range");
        else if (e == ERR_OK)
            code_set_add(out, first.cp, last.cp);
        if (last.kind == ATOM_SET)
            code_set_drop(&last.set);
    }
    if (first.kind == ATOM_SET)
        code_set_drop(&first.set);
    return e;
}

static enum err class_body(struct regex_reader *r, unsigned depth,
                           struct code_set *out);

/* What stands in a class at this place: a class, &&, a member. */
static enum err class_part(struct regex_reader *r, unsigned depth,
                           struct open_class *c)
{
    bool was_bracket;
    struct code_set inner = { 0 };
    if (reader_accept(r, "&&")) {
        class_intersect(c);
        return ERR_OK;
    }
    if (!reader_accept(r, "["))
        return class_member(r, &c->members);
    if (reader_ends(r))
        return reader_fail(r, ERR_FORMAT, "a class is not closed");
    enum err e = bracket(r, &c->members, &was_bracket);
    if (e != ERR_OK || was_bracket)
        return e;
    e = depth + 1 < CLASS_DEPTH
      ? class_body(r, depth + 1, &inner)
      : reader_fail(r, ERR_LIMIT, "classes nested too deep");
    code_set_add_all(&c->members, code_set_ranges(&inner));
    c->members.failed |= inner.failed;
    code_set_drop(&inner);
    return e;
}

/* Recursion stops at CLASS_DEPTH. */
static enum err class_body(struct regex_reader *r, unsigned depth,
                           struct code_set *out)
{
    struct open_class c = { .negated = reader_accept(r, "^") };
    enum err e = ERR_OK;
    if (reader_accept(r, "]"))            /* the first ] is a member */
        code_set_add(&c.members, ']', ']');
    while (e == ERR_OK && !reader_accept(r, "]"))
        e = reader_ends(r) ? reader_fail(r, ERR_FORMAT,
                                         "a class is not closed")
                           : class_part(r, depth, &c);
    class_intersect(&c);
    /* Case counts before "not": [^a] under (?i) leaves out A, too. */
    if (e == ERR_OK)
        e = reader_fold(r, &c.cut);
    if (c.negated)
        code_set_negate(&c.cut);
    *out = c.cut;
    c.cut = (struct code_set){ 0 };
    class_drop(&c);
    return e == ERR_OK && out->failed ? fail_nomem(r->why) : e;
}

enum err reader_class(struct regex_reader *r, struct code_set *out)
{
    return class_body(r, 0, out);
}
