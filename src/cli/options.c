#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the nearest right word ---- */

enum { WORD_MAX = 40 };

/* Levenshtein distance; words beyond WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t best = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = best + 1 < change ? best + 1 : change;
        }
    }
    return row[lb];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;    /* as far as a slip may go, + 1 */

    for (; *words != NULL; words++) {
        size_t d = distance(word, *words);
        if (d < least) {
            least = d;
            best = *words;
        }
    }
    return best;
}

/* ---- looking flags up ---- */

enum { MAX_FLAGS = 128 };

/* By name, or by letter when letter != 0. */
static const struct flag *find_flag(const struct verb *verb,
                                    struct slice name, char letter)
{
    for (const struct flag_group *const *g = verb->groups; *g != NULL; g++)
        for (const struct flag *f = (*g)->flags; f->name != NULL; f++)
            if (letter != 0 ? f->letter == letter : slice_is(name, f->name))
                return f;
    return NULL;
}

static enum err unknown_flag(const struct verb *verb, const char *word,
                             struct slice name, struct err_info *why)
{
    const char *all[MAX_FLAGS + 1];
    char given[WORD_MAX + 1];
    size_t n = 0, len = name.len < WORD_MAX ? name.len : WORD_MAX;

    for (const struct flag_group *const *g = verb->groups; *g != NULL; g++)
        for (const struct flag *f = (*g)->flags; f->name && n < MAX_FLAGS; f++)
            all[n++] = f->name;
    all[n] = NULL;
    memcpy(given, name.at, len);
    given[len] = '\0';
    const char *near = nearest_word(given, all);
    if (near == NULL)
        return fail(why, ERR_REQUEST, "%s has no flag %.60s",
                    verb->name, word);
    return fail(why, ERR_REQUEST, "%s has no flag %.60s; did you mean --%s?",
                verb->name, word, near);
}

/* ---- values ---- */

static void *field(struct options *o, const struct flag *f)
{
    return (char *)o + f->at;
}

static enum err out_of_range(const struct flag *f, const char *text,
                             struct err_info *why)
{
    if (f->kind == FLAG_REAL)
        return fail(why, ERR_REQUEST, "--%s is \"%.60s\", expected a number "
                    "from %g to %g", f->name, text, f->least, f->most);
    /* 2^64 - 1 is no double: the bound of a seed comes as 2^64. */
    uint64_t most = f->most < 0x1p64 ? (uint64_t)f->most : UINT64_MAX;
    return fail(why, ERR_REQUEST, "--%s is \"%.60s\", expected a whole number "
                "from %" PRIu64 " to %" PRIu64, f->name, text,
                (uint64_t)f->least, most);
}

static enum err set_uint(struct options *o, const struct flag *f,
                         const char *text, struct err_info *why)
{
    char *end;

    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0
        || (double)v < f->least || (double)v > f->most)
        return out_of_range(f, text, why);
    *(struct opt_uint *)field(o, f) = (struct opt_uint){ true, v };
    return ERR_OK;
}

static enum err set_real(struct options *o, const struct flag *f,
                         const char *text, struct err_info *why)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(v)
        || v < f->least || v > f->most)
        return out_of_range(f, text, why);
    *(struct opt_real *)field(o, f) = (struct opt_real){ true, v };
    return ERR_OK;
}

static bool list_push(struct opt_list *l, const char *text)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        const char **at = realloc(l->at, cap * sizeof *at);
        if (at == NULL)
            return false;
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = text;
    return true;
}

static enum err set_value(struct options *o, const struct flag *f,
                          const char *text, struct err_info *why)
{
    enum err e = f->check != NULL ? f->check(text, why) : ERR_OK;

    if (e != ERR_OK)
        return e;
    switch (f->kind) {
    case FLAG_UINT:
        return set_uint(o, f, text, why);
    case FLAG_REAL:
        return set_real(o, f, text, why);
    case FLAG_LIST:
        return list_push(field(o, f), text) ? ERR_OK : fail_nomem(why);
    case FLAG_TEXT:
        *(const char **)field(o, f) = text;
        return ERR_OK;
    case FLAG_SWITCH:
        break;
    }
    *(bool *)field(o, f) = true;
    return ERR_OK;
}

/* ---- the command line ---- */

struct words {
    int    argc, next;
    char **argv;
};

static bool is_given(struct options *o, const struct flag *f)
{
    switch (f->kind) {
    case FLAG_UINT: return ((struct opt_uint *)field(o, f))->given;
    case FLAG_REAL: return ((struct opt_real *)field(o, f))->given;
    case FLAG_TEXT: return *(const char **)field(o, f) != NULL;
    default:        return false;
    }
}

/* The flag `word`; takes its value from the words behind it if need be. */
static enum err take_flag(struct options *o, const struct verb *verb,
                          const char *word, struct words *w,
                          struct err_info *why)
{
    bool is_long = word[1] == '-';
    struct slice name = slice_of(word + (is_long ? 2 : 1));
    const char *value = NULL;
    size_t equals = slice_find(name, SLICE("="), 0);

    if (is_long && equals < name.len) {
        value = name.at + equals + 1;
        name.len = equals;
    }
    const struct flag *f = NULL;
    if (is_long || name.len == 1)
        f = find_flag(verb, name, is_long ? 0 : name.at[0]);
    if (f == NULL)
        return unknown_flag(verb, word, name, why);
    if (f->kind == FLAG_SWITCH && value != NULL)
        return fail(why, ERR_REQUEST, "--%s takes no value", f->name);
    if (f->kind != FLAG_SWITCH && value == NULL) {
        if (w->next >= w->argc)
            return fail(why, ERR_REQUEST, "--%s needs a value: --%s %s",
                        f->name, f->name, f->value);
        value = w->argv[w->next++];
    }
    if (verb->once && is_given(o, f))
        return fail(why, ERR_REQUEST, "--%s: its value was given already",
                    f->name);
    return set_value(o, f, value, why);
}

/* What the words are when all of them are known. */
static enum err check_whole(const struct options *o, const struct verb *verb,
                            struct err_info *why)
{
    size_t most = o->jsonl ? 0 : verb->most_words;

    if (o->help || o->serve.build_info)
        return ERR_OK;
    if (verb->needs_model && o->model == NULL)
        return fail(why, ERR_REQUEST, "%s needs a MODEL: a GGUF file, a "
                    "Hugging Face directory or owner/repo", verb->name);
    if (o->n_words > most)
        return fail(why, ERR_REQUEST, "%s%s takes no \"%.60s\"", verb->name,
                    o->jsonl ? " --jsonl" : "", o->words[most]);
    return verb->check != NULL ? verb->check(o, why) : ERR_OK;
}

enum err options_parse(struct options *o, const struct verb *verb,
                       int argc, char **argv, struct err_info *why)
{
    struct words w = { argc, 0, argv };
    bool flags_over = false;

    *o = (struct options){ 0 };
    o->words = calloc((size_t)argc + 1, sizeof *o->words);
    if (o->words == NULL)
        return fail_nomem(why);
    while (w.next < argc) {
        const char *word = argv[w.next++];
        if (!flags_over && strcmp(word, "--") == 0) {
            flags_over = true;
        } else if (!flags_over && word[0] == '-' && word[1] != '\0') {
            enum err e = take_flag(o, verb, word, &w, why);
            if (e != ERR_OK)
                return e;
        } else if (verb->needs_model && o->model == NULL) {
            o->model = word;
        } else {
            o->words[o->n_words++] = word;
        }
    }
    return check_whole(o, verb, why);
}

void options_drop(struct options *o)
{
    free(o->words);
    free(o->stop.at);
    free(o->logit_bias.at);
    free(o->template_arg.at);
    free(o->serve.allow_origin.at);
}
