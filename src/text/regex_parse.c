/* The structure of an expression: alternatives, groups, quantifiers.
 *
 * One pass, no recursion: open groups are on a stack.  A quantifier that follows
 * another one, which PCRE2 would read in its own way, gets its operand wrapped
 * in a group, so the parser knows where in the program the last operand begins. */
#include "text/regex_parse.h"

#include "base/checked.h"
#include "text/regex_props.h"
#include "text/regex_reader.h"

#include <stdlib.h>

enum {
    GROUPS_MAX = 100,           /* open at once */
    REPEAT_MAX = 65535,         /* PCRE2's */
    TEXT_MAX   = 1 << 16,       /* bytes of a program */
    NO_OPERAND = -1
};

struct group {
    size_t at;                  /* where it begins in the program */
    bool   fold, dot_all, extended;       /* as they were outside */
    bool   is_operand;          /* may be repeated */
    size_t n_inner;             /* groups that (?i) opened inside */
};

/* Small letters under (?i) that stand side by side, folded. */
struct neighbours {
    uint32_t cp[3];
    size_t   n;
};

struct parser {
    struct regex_reader   r;
    struct regex_program *out;
    bool                  dot_all, extended;
    struct group          group[GROUPS_MAX];
    size_t                n_groups;
    long                  operand;       /* where the last one begins */
    bool                  is_repeated;   /* it has a quantifier already */
    struct neighbours     literal;
};

void regex_program_drop(struct regex_program *p)
{
    for (size_t i = 0; i < p->n_sets; i++)
        code_set_drop(&p->sets[i]);
    free(p->sets);
    strbuf_drop(&p->text);
    *p = (struct regex_program){ 0 };
}

/* ---- sets ---- */

/* The number of a set, which is taken over (and dropped, if it is known). */
static enum err intern(struct parser *p, struct code_set *set, size_t *number)
{
    struct regex_program *out = p->out;
    size_t size;
    for (size_t i = 0; i < out->n_sets; i++) {
        if (code_set_eq(&out->sets[i], set)) {
            code_set_drop(set);
            *number = i;
            return ERR_OK;
        }
    }
    if (out->n_sets == REGEX_SETS_MAX) {
        code_set_drop(set);
        return reader_fail(&p->r, ERR_LIMIT, "too many different classes");
    }
    if (out->n_sets == out->cap) {
        size_t cap = out->cap == 0 ? 16 : out->cap * 2;
        struct code_set *sets = NULL;
        if (checked_size(&size, cap, sizeof *sets))
            sets = realloc(out->sets, size);
        if (sets == NULL) {
            code_set_drop(set);
            return fail_nomem(p->r.why);
        }
        out->sets = sets;
        out->cap = cap;
    }
    out->sets[*number = out->n_sets++] = *set;
    return ERR_OK;
}

/* Write a set; it is taken over. */
static enum err put_set(struct parser *p, struct code_set *set)
{
    size_t number = 0;
    if (set->failed) {
        code_set_drop(set);
        return fail_nomem(p->r.why);
    }
    enum err e = intern(p, set, &number);
    if (e != ERR_OK)
        return e;
    strbuf_putc(&p->out->text, (char)REGEX_SET_MARK);
    strbuf_putc(&p->out->text, (char)(number >> 8));
    strbuf_putc(&p->out->text, (char)(number & 0xFF));
    return ERR_OK;
}

/* The set of a property by name, written like put_set. */
static enum err put_ranges(struct parser *p, struct unicode_ranges ranges,
                           bool negated)
{
    struct code_set set = { 0 };
    code_set_add_all(&set, ranges);
    code_set_tidy(&set);
    if (negated)
        code_set_negate(&set);
    return put_set(p, &set);
}

static void put(struct parser *p, const char *text)
{
    strbuf_puts(&p->out->text, text);
}

static void begin_operand(struct parser *p)
{
    p->operand = (long)p->out->text.len;
    p->is_repeated = false;
}

static void no_operand(struct parser *p)
{
    p->operand = NO_OPERAND;
    p->literal.n = 0;
}

/* ---- characters ---- */

/* Do the last letters, side by side, make one that folds to them (as "ss" and
 * U+00DF do)?  Oniguruma would match it; one set a letter cannot. */
static bool makes_one_letter(const struct neighbours *l)
{
    for (uint32_t cp = unicode_next_long_fold(0); cp != UINT32_MAX;
         cp = unicode_next_long_fold(cp + 1)) {
        uint32_t to[3];
        size_t n = unicode_fold(cp, to);
        if (n <= l->n && memcmp(to, l->cp + l->n - n, n * sizeof *to) == 0)
            return true;
    }
    return false;
}

static enum err note_literal(struct parser *p, uint32_t cp)
{
    struct neighbours *l = &p->literal;
    if (!p->r.fold) {
        l->n = 0;
        return ERR_OK;
    }
    if (l->n == 3)
        memmove(l->cp, l->cp + 1, 2 * sizeof *l->cp);
    l->n -= l->n == 3;
    l->cp[l->n++] = unicode_fold_simple(cp);
    return makes_one_letter(l)
         ? reader_fail(&p->r, ERR_UNKNOWN, "letters that are the folding of a "
                       "single one under (?i) are not supported")
         : ERR_OK;
}

static enum err literal(struct parser *p, uint32_t cp)
{
    struct code_set set = { 0 };
    begin_operand(p);
    code_set_add(&set, cp, cp);
    enum err e = reader_fold(&p->r, &set);
    if (e == ERR_OK)
        e = note_literal(p, cp);
    if (e != ERR_OK) {
        code_set_drop(&set);
        return e;
    }
    return put_set(p, &set);
}

static enum err dot(struct parser *p)
{
    static const struct unicode_range newline[] = { { '\n', '\n' } };
    p->literal.n = 0;
    begin_operand(p);
    return put_ranges(p, (struct unicode_ranges){ newline, !p->dot_all },
                      true);
}

/* \b is where exactly one side is a word character; \B anywhere else. */
static enum err word_boundary(struct parser *p, bool negated)
{
    static const char *const parts[2][4] = {
        { "(?:(?<=", ")(?!", ")|(?<!", ")(?=" },
        { "(?:(?<=", ")(?=", ")|(?<!", ")(?!" },
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < 4; i++) {
        struct code_set word = { 0 };
        put(p, parts[negated][i]);
        (void)regex_prop_add(&word, SLICE("word"), PROP_ALONE);
        code_set_tidy(&word);
        e = put_set(p, &word);
    }
    put(p, "))");
    return e;
}

/* A pattern around one set: the newline. */
static enum err with_newline(struct parser *p, const char *before,
                             const char *behind)
{
    static const struct unicode_range newline[] = { { '\n', '\n' } };
    put(p, before);
    enum err e = put_ranges(p, (struct unicode_ranges){ newline, 1 }, false);
    put(p, behind);
    return e;
}

static enum err anchor(struct parser *p, uint32_t letter)
{
    enum err e = ERR_OK;
    switch (letter) {
    case 'A': put(p, "\\A"); break;
    case 'z': put(p, "\\z"); break;
    case 'Z': e = with_newline(p, "(?=", "?\\z)"); break;
    case '$': e = with_newline(p, "(?=", "|\\z)"); break;
    case '^': e = with_newline(p, "(?:\\A|(?<=", ")(?!\\z))"); break;
    default:  e = word_boundary(p, letter == 'B'); break;
    }
    no_operand(p);
    return e;
}

static enum err escape(struct parser *p)
{
    struct atom atom;
    enum err e = reader_escape(&p->r, false, &atom);
    if (e == ERR_OK && atom.kind == ATOM_CHAR)
        return literal(p, atom.cp);
    if (e == ERR_OK && atom.kind == ATOM_ANCHOR)
        return anchor(p, atom.cp);
    if (e == ERR_OK)
        e = reader_fold(&p->r, &atom.set);
    if (e != ERR_OK) {
        code_set_drop(&atom.set);
        return e;
    }
    p->literal.n = 0;
    begin_operand(p);
    return put_set(p, &atom.set);
}

static enum err class(struct parser *p)
{
    struct code_set set = { 0 };
    enum err e = reader_class(&p->r, &set);
    if (e != ERR_OK) {
        code_set_drop(&set);
        return e;
    }
    p->literal.n = 0;
    begin_operand(p);
    return put_set(p, &set);
}

/* ---- groups ---- */

static enum err open_group(struct parser *p, const char *text,
                           bool is_operand)
{
    if (p->n_groups == GROUPS_MAX)
        return reader_fail(&p->r, ERR_LIMIT, "too many open groups");
    p->group[p->n_groups++] = (struct group){
        .at = p->out->text.len, .fold = p->r.fold, .dot_all = p->dot_all,
        .extended = p->extended, .is_operand = is_operand };
    put(p, text);
    no_operand(p);
    return ERR_OK;
}

static enum err close_group(struct parser *p)
{
    if (p->n_groups == 0)
        return reader_fail(&p->r, ERR_FORMAT, "a ) too many");
    struct group g = p->group[--p->n_groups];
    for (size_t i = 0; i <= g.n_inner; i++)
        put(p, ")");
    p->r.fold = g.fold;
    p->dot_all = g.dot_all;
    p->extended = g.extended;
    no_operand(p);
    if (g.is_operand) {
        p->operand = (long)g.at;
        p->is_repeated = false;
    }
    return ERR_OK;
}

/* (?imx-imx) for the rest of the group, (?imx-imx: ... ) for a group of its
 * own.  The former is a group, too, to where the one around it ends: its
 * alternatives are its own. */
static enum err options(struct parser *p)
{
    bool on = true, fold = p->r.fold, dot_all = p->dot_all;
    bool extended = p->extended;
    while (!reader_ends(&p->r)) {
        switch (p->r.in.at[p->r.at++]) {
        case '-': on = false; continue;
        case 'i': fold = on; continue;
        case 'm': dot_all = on; continue;
        case 'x': extended = on; continue;
        case ':': {
            enum err e = open_group(p, "(?:", true);
            p->r.fold = fold;
            p->dot_all = dot_all;
            p->extended = extended;
            return e;
        }
        case ')':
            p->r.fold = fold;
            p->dot_all = dot_all;
            p->extended = extended;
            put(p, "(?:");
            no_operand(p);
            p->group[p->n_groups - 1].n_inner++;
            return ERR_OK;
        default:
            p->r.at--;
            return reader_fail(&p->r, ERR_UNKNOWN, "this kind of group is not "
                               "supported");
        }
    }
    return reader_fail(&p->r, ERR_FORMAT, "a group is not closed");
}

/* Names do not matter where nothing can refer to them. */
static enum err named_group(struct parser *p, const char *end)
{
    size_t at = slice_find(p->r.in, slice_of(end), p->r.at);
    if (at == p->r.in.len || at == p->r.at)
        return reader_fail(&p->r, ERR_FORMAT, "a group's name is not closed");
    p->r.at = at + 1;
    return open_group(p, "(?:", true);
}

/* Behind "(". */
static enum err group(struct parser *p)
{
    static const struct { const char *text; bool is_operand; } kinds[] = {
        { "(?:", true }, { "(?>", true }, { "(?=", false }, { "(?!", false },
        { "(?<=", false }, { "(?<!", false }
    };
    if (!reader_accept(&p->r, "?"))
        return open_group(p, "(?:", true);
    if (reader_accept(&p->r, "#")) {
        size_t end = slice_find(p->r.in, SLICE(")"), p->r.at);
        if (end == p->r.in.len)
            return reader_fail(&p->r, ERR_FORMAT, "a comment is not closed");
        p->r.at = end + 1;
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (reader_accept(&p->r, kinds[i].text + 2))
            return open_group(p, kinds[i].text, kinds[i].is_operand);
    if (reader_accept(&p->r, "<"))
        return named_group(p, ">");
    if (reader_accept(&p->r, "'"))
        return named_group(p, "'");
    return options(p);
}

/* ---- quantifiers ---- */

/* At most `max`, or max + 1. */
static unsigned long count(struct regex_reader *r, bool *any)
{
    unsigned long n = 0;
    for (*any = false; !reader_ends(r); *any = true, r->at++) {
        char c = r->in.at[r->at];
        if (c < '0' || c > '9')
            break;
        if (n <= REPEAT_MAX)
            n = n * 10 + (unsigned long)(c - '0');
    }
    return n;
}

/* {n} {n,} {n,m} {,m} behind the brace; *is_one false: just a brace. */
static enum err interval(struct regex_reader *r, struct strbuf *text,
                         bool *is_one, bool *fixed)
{
    size_t back = r->at;
    bool has_low, has_high, comma;
    unsigned long low = count(r, &has_low), high = low;
    comma = reader_accept(r, ",");
    has_high = has_low;
    if (comma)
        high = count(r, &has_high);
    *fixed = !comma;
    *is_one = (has_low || (comma && has_high)) && reader_accept(r, "}");
    if (!*is_one) {
        r->at = back;
        return ERR_OK;
    }
    if (low > REPEAT_MAX || (has_high && high > REPEAT_MAX))
        return reader_fail(r, ERR_UNKNOWN, "a repeat count above 65535");
    if (comma && has_high && high < low)
        return reader_fail(r, ERR_UNKNOWN, "a repeat {high,low}");
    if (!comma)
        strbuf_printf(text, "{%lu}", low);
    else if (has_high)
        strbuf_printf(text, "{%lu,%lu}", low, high);
    else
        strbuf_printf(text, "{%lu,}", low);
    return ERR_OK;
}

/* Put "(?:" before the last operand and ")" behind it. */
static enum err wrap_operand(struct parser *p)
{
    struct strbuf *text = &p->out->text;
    put(p, "(?:)");
    if (text->failed)
        return fail_nomem(p->r.why);
    char *at = text->at + p->operand;
    memmove(at + 3, at, text->len - 4 - (size_t)p->operand);
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): a strbuf
    memcpy(at, "(?:", 3);
    return ERR_OK;
}

/* Apply a quantifier that has been read.  Ruby's {n}? is {n} or nothing, and a
 * + behind {n,m} is a quantifier of its own, not possessive. */
static enum err repeat(struct parser *p, const char *text, bool is_interval,
                       bool fixed)
{
    if (p->operand == NO_OPERAND)
        return reader_fail(&p->r, ERR_UNKNOWN, "nothing to repeat here");
    enum err e = p->is_repeated ? wrap_operand(p) : ERR_OK;
    if (e != ERR_OK)
        return e;
    put(p, text);
    if (!fixed && reader_accept(&p->r, "?"))
        put(p, "?");
    else if (!is_interval && reader_accept(&p->r, "+"))
        put(p, "+");
    p->is_repeated = true;
    p->literal.n = 0;
    return ERR_OK;
}

static enum err brace(struct parser *p)
{
    struct strbuf text = { 0 };
    bool is_one, fixed;
    enum err e = interval(&p->r, &text, &is_one, &fixed);
    if (e == ERR_OK && !is_one)
        e = literal(p, '{');
    else if (e == ERR_OK && strbuf_cstr(&text) == NULL)
        e = fail_nomem(p->r.why);
    else if (e == ERR_OK)
        e = repeat(p, strbuf_cstr(&text), true, fixed);
    strbuf_drop(&text);
    return e;
}

/* ---- the loop ---- */

static bool skip_extended(struct parser *p, uint32_t cp)
{
    if (!p->extended)
        return false;
    if (cp == '#') {
        size_t end = slice_find(p->r.in, SLICE("\n"), p->r.at);
        p->r.at = end;
        return true;
    }
    return unicode_is(cp, UNICODE_SPACE) && cp < 0x80;
}

static enum err step(struct parser *p)
{
    uint32_t cp = reader_char(&p->r);
    if (skip_extended(p, cp))
        return ERR_OK;
    switch (cp) {
    case '\\': return escape(p);
    case '[':  return class(p);
    case '(':  return group(p);
    case ')':  return p->n_groups > 1 ? close_group(p)
                    : reader_fail(&p->r, ERR_FORMAT, "a ) too many");
    case '.':  return dot(p);
    case '^':
    case '$':  return anchor(p, cp);
    case '*':  return repeat(p, "*", false, false);
    case '+':  return repeat(p, "+", false, false);
    case '?':  return repeat(p, "?", false, false);
    case '{':  return brace(p);
    case '|':
        put(p, "|");
        no_operand(p);
        return ERR_OK;
    default:
        return literal(p, cp);
    }
}

enum err regex_parse(struct regex_program *out, struct slice pattern,
                     struct err_info *why)
{
    struct parser p = { .r = { .in = pattern, .why = why }, .out = out };
    *out = (struct regex_program){ 0 };
    /* All of it is a group, so that (?i) at its start has one to end in. */
    enum err e = open_group(&p, "(?:", true);
    while (e == ERR_OK && !reader_ends(&p.r)) {
        e = step(&p);
        if (e == ERR_OK && out->text.len > TEXT_MAX)
            e = reader_fail(&p.r, ERR_LIMIT, "the expression is too long");
    }
    if (e == ERR_OK && p.n_groups > 1)
        e = reader_fail(&p.r, ERR_FORMAT, "a group is not closed");
    if (e == ERR_OK)
        e = close_group(&p);
    if (e == ERR_OK && out->text.failed)
        e = fail_nomem(why);
    free(p.r.folds);
    if (e != ERR_OK)
        regex_program_drop(out);
    return e;
}
