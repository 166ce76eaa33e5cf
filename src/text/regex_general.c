/* Expressions that no scanner knows, on PCRE2.
 *
 * PCRE2 never sees Unicode.  Its classes are not those of Oniguruma (U+180E is
 * a space to one and not to the other) and its tables are older or newer than
 * ours from system to system.  So an expression is parsed (regex_parse.c),
 * each class in it becomes a set of code points from our own tables, and an
 * alphabet of at most 256 letters is made such that no class tells two
 * characters of one letter apart (alphabet.h).  The expression is spelt in
 * those letters, and so is every text, one byte a character; places are
 * translated back.
 *
 * Compiled code is run by the JIT; where its stack is too small (long runs
 * under nested repetition) the interpreter takes over, which has limits on
 * steps, depth and memory: an expression may be too slow, which is an error,
 * but it cannot hang or exhaust the process. */
#include "text/regex_general.h"

#include "text/alphabet.h"
#include "text/regex_parse.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum {
    JIT_STACK_FIRST = 32 << 10,
    JIT_STACK_MOST  = 8 << 20,
    MATCH_LIMIT     = 50000000,       /* steps of one match */
    DEPTH_LIMIT     = 1000000,        /* open branches, for the interpreter */
    HEAP_LIMIT_KIB  = 128 << 10
};

struct general {
    struct alphabet alphabet;
    pcre2_code     *code;
};

struct regex_scratch {
    struct slice         text;
    struct strbuf        spelt;
    size_t               n_chars, n_bytes;    /* the same place in both */
    pcre2_match_data    *data;
    pcre2_match_context *context;
    pcre2_jit_stack     *stack;
};

/* ---- compiling ---- */

static void put_class(const struct alphabet *a, const struct code_set *set,
                      struct strbuf *out)
{
    bool members[256], any = false;
    alphabet_members(a, set, members);
    strbuf_putc(out, '[');
    for (unsigned i = 0; i < 256; i++) {
        unsigned last = i;
        if (!members[i])
            continue;
        any = true;
        while (last + 1 < 256 && members[last + 1])
            last++;
        strbuf_printf(out, "\\x%02x-\\x%02x", i, last);
        i = last;
    }
    strbuf_puts(out, any ? "]" : "^\\x00-\\xff]");
}

static void spell_program(const struct general *g,
                          const struct regex_program *p, struct strbuf *out)
{
    struct slice text = strbuf_slice(&p->text);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] != REGEX_SET_MARK) {
            strbuf_putc(out, text.at[i]);
            continue;
        }
        size_t number = (size_t)(unsigned char)text.at[i + 1] << 8
                      | (unsigned char)text.at[i + 2];
        put_class(&g->alphabet, &p->sets[number], out);
        i += 2;
    }
}

static enum err compile(struct general *g, const struct strbuf *pattern,
                        struct err_info *why)
{
    int code;
    PCRE2_SIZE at;
    if (pattern->failed)
        return fail_nomem(why);
    g->code = pcre2_compile((PCRE2_SPTR)pattern->at, pattern->len, 0, &code,
                            &at, NULL);
    if (g->code == NULL) {
        PCRE2_UCHAR text[128] = { 0 };
        pcre2_get_error_message(code, text, sizeof text);
        return code == PCRE2_ERROR_NOMEMORY ? fail_nomem(why)
             : fail(why, ERR_UNKNOWN, "regular expression: %s",
                    (const char *)text);
    }
    /* Without it (no memory that may be executed) the interpreter works. */
    (void)pcre2_jit_compile(g->code, PCRE2_JIT_COMPLETE);
    return ERR_OK;
}

static enum err build(struct general *g, const struct regex_program *p,
                      struct err_info *why)
{
    struct strbuf pattern = { 0 };
    switch (alphabet_make(&g->alphabet, p->sets, p->n_sets)) {
    case ALPHABET_NOMEM:
        return fail_nomem(why);
    case ALPHABET_TOO_MANY:
        return fail(why, ERR_LIMIT, "regular expression: more than 256 kinds "
                    "of characters");
    case ALPHABET_OK:
        break;
    }
    spell_program(g, p, &pattern);
    enum err e = compile(g, &pattern, why);
    strbuf_drop(&pattern);
    return e;
}

enum err general_open(struct general **out, struct slice pattern,
                      struct err_info *why)
{
    struct regex_program program;
    struct general *g;
    *out = NULL;
    enum err e = regex_parse(&program, pattern, why);
    if (e != ERR_OK)
        return e;
    g = calloc(1, sizeof *g);
    e = g == NULL ? fail_nomem(why) : build(g, &program, why);
    regex_program_drop(&program);
    if (e != ERR_OK) {
        general_close(g);
        return e;
    }
    *out = g;
    return ERR_OK;
}

void general_close(struct general *g)
{
    if (g == NULL)
        return;
    alphabet_drop(&g->alphabet);
    pcre2_code_free(g->code);
    free(g);
}

/* ---- matching ---- */

enum err general_scratch_open(struct regex_scratch **out,
                              const struct general *g, struct err_info *why)
{
    struct regex_scratch *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return fail_nomem(why);
    s->data = pcre2_match_data_create_from_pattern(g->code, NULL);
    s->context = pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MOST, NULL);
    if (s->data == NULL || s->context == NULL || s->stack == NULL) {
        general_scratch_close(s);
        return fail_nomem(why);
    }
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    pcre2_set_match_limit(s->context, MATCH_LIMIT);
    pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    *out = s;
    return ERR_OK;
}

void general_scratch_close(struct regex_scratch *s)
{
    if (s == NULL)
        return;
    strbuf_drop(&s->spelt);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    free(s);
}

void general_text(const struct general *g, struct regex_scratch *s,
                  struct slice text)
{
    s->text = text;
    s->n_chars = s->n_bytes = 0;
    strbuf_clear(&s->spelt);
    alphabet_spell(&g->alphabet, text, &s->spelt);
}

static void step_char(struct regex_scratch *s)
{
    size_t len;
    char_at(s->text, s->n_bytes, &len);
    s->n_bytes += len;
    s->n_chars++;
}

static size_t bytes_before(struct regex_scratch *s, size_t n_chars)
{
    while (s->n_chars < n_chars)
        step_char(s);
    return s->n_bytes;
}

static int match(const struct general *g, struct regex_scratch *s)
{
    PCRE2_SPTR text = (PCRE2_SPTR)(s->spelt.len > 0 ? s->spelt.at : "");
    int n = pcre2_match(g->code, text, s->spelt.len, s->n_chars, 0, s->data,
                        s->context);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT)
        n = pcre2_match(g->code, text, s->spelt.len, s->n_chars, PCRE2_NO_JIT,
                        s->data, s->context);
    return n;
}

enum err general_find(const struct general *g, struct regex_scratch *s,
                      size_t from, struct span *out, bool *found,
                      struct err_info *why)
{
    *found = false;
    if (s->spelt.failed)
        return fail_nomem(why);
    while (s->n_bytes < from)
        step_char(s);
    int n = match(g, s);
    if (n == PCRE2_ERROR_NOMATCH)
        return ERR_OK;
    if (n == PCRE2_ERROR_NOMEMORY)
        return fail_nomem(why);
    if (n < 0)
        return fail(why, ERR_LIMIT, "a regular expression of the tokenizer "
                    "takes too many steps on this text");
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data);
    out->at = bytes_before(s, v[0]);
    out->end = bytes_before(s, v[1]);
    *found = true;
    return ERR_OK;
}
