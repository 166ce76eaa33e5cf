/* From the "pre_tokenizer" of a tokenizer.json to steps (pre_step.h): one
 * reader for each type, found by name in a table.  What cuts at a class of
 * characters gets a scanner of its own; only what is written as an expression
 * in the file goes through regex.h. */
#include "text/pre_step.h"
#include "text/spec.h"

#include <stdlib.h>

enum { DEPTH_MAX = 16 };        /* Sequences inside Sequences */

/* ---- classes that components cut at ---- */

static const struct unicode_range ascii_punct[] = {
    { 0x21, 0x2F }, { 0x3A, 0x40 }, { 0x5B, 0x60 }, { 0x7B, 0x7E }
};

static const struct run_rules each_number = {
    .set = { .any = UNICODE_NUMBER }, .min = 1, .max = 1
};
static const struct run_rules each_space = {
    .set = { .any = UNICODE_SPACE }, .min = 1, .max = 1
};
static const struct run_rules each_punct = {
    .set = { .any = UNICODE_PUNCT,
             .ranges = { ascii_punct,
                         sizeof ascii_punct / sizeof *ascii_punct } },
    .min = 1, .max = 1
};

static const struct scanner numbers = { scan_runs, &each_number };
static const struct scanner spaces  = { scan_runs, &each_space };
static const struct scanner puncts  = { scan_runs, &each_punct };
static const struct scanner words   = { scan_word_runs, NULL };

static const char gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+"
    "|\\s+(?!\\S)|\\s+";

static enum err add_scanner(struct pretokenizer *p, const struct scanner *s,
                            enum split_behavior behavior, struct err_info *why)
{
    struct pre_step step = { .kind = PRE_SPLIT, .split.behavior = behavior };
    enum err e = regex_open_scanner(&step.split.regex, s, why);
    return e != ERR_OK ? e : pre_add(p, step, why);
}

static enum err add_text(struct pretokenizer *p, struct slice text,
                         enum split_behavior behavior, struct err_info *why)
{
    struct pre_step step = { .kind = PRE_SPLIT, .split.behavior = behavior };
    enum err e = regex_open_text(&step.split.regex, text, why);
    return e != ERR_OK ? e : pre_add(p, step, why);
}

/* ---- one reader a component ---- */

static enum err read_behavior(const struct spec *s, enum split_behavior *out,
                              struct err_info *why)
{
    static const char *const names[] = {
#define X(id, name) name,
        SPLIT_LIST(X)
#undef X
    };
    struct slice text;
    enum err e = spec_string(s, "behavior", &text, why);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < SPLIT_N; i++) {
        if (slice_is(text, names[i])) {
            *out = (enum split_behavior)i;
            return ERR_OK;
        }
    }
    return spec_bad(s, ERR_UNKNOWN, "behavior", "Removed, Isolated, "
                    "Contiguous, MergedWithPrevious or MergedWithNext", why);
}

static enum err read_split(struct pretokenizer *p, const struct spec *s,
                           struct err_info *why)
{
    struct pre_step step = { .kind = PRE_SPLIT };
    enum err e;
    if ((e = read_behavior(s, &step.split.behavior, why)) != ERR_OK
        || (e = spec_bool(s, "invert", &step.split.invert, why)) != ERR_OK
        || (e = spec_pattern(s, "pattern", &step.split.regex, why)) != ERR_OK)
        return e;
    return pre_add(p, step, why);
}

static enum err read_byte_level(struct pretokenizer *p, const struct spec *s,
                                struct err_info *why)
{
    bool prefix, regex;
    enum err e;
    if ((e = spec_bool(s, "add_prefix_space", &prefix, why)) != ERR_OK
        || (e = spec_bool_or(s, "use_regex", true, &regex, why)) != ERR_OK)
        return e;
    if (prefix)
        e = pre_add(p, (struct pre_step){ .kind = PRE_PREFIX_SPACE }, why);
    if (e == ERR_OK && regex)
        e = pre_add_pattern(p, gpt2_pattern, why);
    if (e == ERR_OK)
        e = pre_add(p, (struct pre_step){ .kind = PRE_BYTES }, why);
    return e;
}

/* Files of old only have add_prefix_space. */
static enum err read_prepend(const struct spec *s, enum pre_prepend *out,
                             struct err_info *why)
{
    static const char *const names[] = { "always", "first", "never" };
    const char *key = "prepend_scheme";
    bool prefix, named = json_get(s->json, key) != NULL;
    struct slice text = SLICE("always");
    enum err e;
    if ((e = spec_bool_or(s, "add_prefix_space", true, &prefix, why)) != ERR_OK
        || (named && (e = spec_string(s, key, &text, why)) != ERR_OK))
        return e;
    *out = prefix ? PREPEND_ALWAYS : PREPEND_NEVER;
    if (!named)
        return ERR_OK;
    for (size_t i = 0; i < 3; i++)
        if (slice_is(text, names[i]))
            *out = (enum pre_prepend)i;
    if (!slice_is(text, names[*out]))
        return spec_bad(s, ERR_UNKNOWN, key, "always, first or never", why);
    if (!prefix && *out != PREPEND_NEVER)
        return spec_bad(s, ERR_FORMAT, key,
                        "never, as add_prefix_space is false", why);
    return ERR_OK;
}

static enum err read_metaspace(struct pretokenizer *p, const struct spec *s,
                               struct err_info *why)
{
    struct pre_step step = { .kind = PRE_METASPACE };
    struct slice mark;
    bool splits;
    enum err e;
    if ((e = spec_char(s, "replacement", &mark, why)) != ERR_OK
        || (e = read_prepend(s, &step.prepend, why)) != ERR_OK
        || (e = spec_bool_or(s, "split", true, &splits, why)) != ERR_OK)
        return e;
    memcpy(step.mark, mark.at, mark.len);
    step.mark_len = mark.len;
    e = pre_add(p, step, why);
    return e == ERR_OK && splits ? add_text(p, mark, SPLIT_NEXT, why) : e;
}

static enum err read_digits(struct pretokenizer *p, const struct spec *s,
                            struct err_info *why)
{
    bool each;
    enum err e = spec_bool(s, "individual_digits", &each, why);
    if (e != ERR_OK)
        return e;
    return add_scanner(p, &numbers, each ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS,
                       why);
}

static enum err read_punctuation(struct pretokenizer *p, const struct spec *s,
                                 struct err_info *why)
{
    enum split_behavior behavior = SPLIT_ISOLATED;
    enum err e = ERR_OK;
    if (json_get(s->json, "behavior") != NULL)
        e = read_behavior(s, &behavior, why);
    return e != ERR_OK ? e : add_scanner(p, &puncts, behavior, why);
}

static enum err read_whitespace(struct pretokenizer *p, const struct spec *s,
                                struct err_info *why)
{
    struct pre_step step = { .kind = PRE_SPLIT,
                             .split = { .behavior = SPLIT_REMOVED,
                                        .invert = true } };
    (void)s;
    enum err e = regex_open_scanner(&step.split.regex, &words, why);
    return e != ERR_OK ? e : pre_add(p, step, why);
}

static enum err read_whitespace_split(struct pretokenizer *p,
                                      const struct spec *s,
                                      struct err_info *why)
{
    (void)s;
    return add_scanner(p, &spaces, SPLIT_REMOVED, why);
}

static enum err read_bert(struct pretokenizer *p, const struct spec *s,
                          struct err_info *why)
{
    (void)s;
    enum err e = add_scanner(p, &spaces, SPLIT_REMOVED, why);
    return e != ERR_OK ? e : add_scanner(p, &puncts, SPLIT_ISOLATED, why);
}

static enum err read_delimiter(struct pretokenizer *p, const struct spec *s,
                               struct err_info *why)
{
    struct slice text;
    enum err e = spec_char(s, "delimiter", &text, why);
    return e != ERR_OK ? e : add_text(p, text, SPLIT_REMOVED, why);
}

static enum err read_scripts(struct pretokenizer *p, const struct spec *s,
                             struct err_info *why)
{
    (void)s;
    return pre_add(p, (struct pre_step){ .kind = PRE_SCRIPTS }, why);
}

static enum err read_fixed(struct pretokenizer *p, const struct spec *s,
                           struct err_info *why)
{
    const struct json *length = json_get(s->json, "length");
    struct pre_step step = { .kind = PRE_FIXED, .length = 5 };
    if (length != NULL) {
        if (length->kind != JSON_INT || length->integer.negative
            || length->integer.magnitude == 0)
            return spec_bad(s, ERR_FORMAT, "length", "a count above 0", why);
        step.length = (size_t)length->integer.magnitude;
    }
    return pre_add(p, step, why);
}

typedef enum err read_fn(struct pretokenizer *p, const struct spec *s,
                         struct err_info *why);

static const struct reader {
    const char *type;
    read_fn    *read;
} readers[] = {
    { "Split", read_split },
    { "ByteLevel", read_byte_level },
    { "Metaspace", read_metaspace },
    { "Digits", read_digits },
    { "Punctuation", read_punctuation },
    { "Whitespace", read_whitespace },
    { "WhitespaceSplit", read_whitespace_split },
    { "BertPreTokenizer", read_bert },
    { "CharDelimiterSplit", read_delimiter },
    { "Delimiter", read_delimiter },
    { "UnicodeScripts", read_scripts },
    { "FixedLength", read_fixed },
};

/* The steps of one component; a Sequence calls this for its parts, at most
 * DEPTH_MAX deep. */
static enum err read_component(struct pretokenizer *p, const struct json *json,
                               unsigned depth, struct err_info *why)
{
    struct spec s;
    const struct json *parts;
    enum err e = spec_open(&s, json, "pre_tokenizer", why);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
        if (slice_is(s.type, readers[i].type))
            return readers[i].read(p, &s, why);
    if (!slice_is(s.type, "Sequence"))
        return spec_bad(&s, ERR_UNKNOWN, "type", "a known one", why);
    if (depth == DEPTH_MAX)
        return fail(why, ERR_LIMIT, "pre_tokenizer: more than %d Sequences "
                    "inside each other", DEPTH_MAX);
    if ((e = spec_array(&s, "pretokenizers", &parts, why)) != ERR_OK)
        return e;
    for (parts = parts->first; parts != NULL; parts = parts->next)
        if ((e = read_component(p, parts, depth + 1, why)) != ERR_OK)
            return e;
    return ERR_OK;
}

enum err pretokenizer_open(struct pretokenizer **out, const struct json *spec,
                           struct err_info *why)
{
    struct pretokenizer *p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL)
        return fail_nomem(why);
    if (spec != NULL && spec->kind != JSON_NULL) {
        enum err e = read_component(p, spec, 0, why);
        if (e != ERR_OK) {
            pretokenizer_close(p);
            return e;
        }
    }
    pre_finish(p);
    *out = p;
    return ERR_OK;
}

void pretokenizer_close(struct pretokenizer *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        regex_close(p->steps[i].split.regex);
    free(p->steps);
    free(p);
}

bool pretokenizer_is_byte_level(const struct pretokenizer *p)
{
    return p->byte_level;
}

enum err pretokenizer_apply(const struct pretokenizer *p, struct slice text,
                            bool at_start, struct pieces *out,
                            struct err_info *why)
{
    struct pieces spare = { 0 };
    enum err e = ERR_OK;
    pieces_clear(out);
    strbuf_put(&out->bytes, text);
    if (out->bytes.failed || !pieces_push(out, 0, text.len))
        e = fail_nomem(why);
    for (size_t i = 0; e == ERR_OK && i < p->n && out->n > 0; i++) {
        e = pre_run(&p->steps[i], out, &spare, at_start, why);
        /* What was removed in front was the start. */
        at_start = at_start && out->n > 0 && out->at[0].at == 0;
    }
    pieces_drop(&spare);
    return e;
}
