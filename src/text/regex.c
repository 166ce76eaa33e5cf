#include "text/regex.h"

#include "text/regex_general.h"

#include <stdlib.h>

/* A scanner, or an expression; else a text. */
struct regex {
    const struct scanner *scanner;
    struct general       *general;
    size_t                text_len;
    char                  text[];
};

static enum err open_with(struct regex **out, const struct regex *kind,
                          struct slice text, struct err_info *why)
{
    *out = NULL;
    if (text.len > PTRDIFF_MAX - sizeof **out
        || (*out = malloc(sizeof **out + text.len)) == NULL)
        return fail_nomem(why);
    **out = *kind;
    (*out)->text_len = text.len;
    if (text.len > 0)
        memcpy((*out)->text, text.at, text.len);
    return ERR_OK;
}

enum err regex_open(struct regex **out, struct slice pattern,
                    struct err_info *why)
{
    const struct scanner *scanner = scanner_for(pattern);
    if (scanner != NULL)
        return regex_open_scanner(out, scanner, why);
    return regex_open_general(out, pattern, why);
}

enum err regex_open_general(struct regex **out, struct slice pattern,
                            struct err_info *why)
{
    struct general *g;
    enum err e = general_open(&g, pattern, why);
    *out = NULL;
    if (e == ERR_OK)
        e = open_with(out, &(struct regex){ .general = g }, SLICE(""), why);
    if (e != ERR_OK)
        general_close(g);
    return e;
}

enum err regex_open_text(struct regex **out, struct slice text,
                         struct err_info *why)
{
    return open_with(out, &(struct regex){ 0 }, text, why);
}

enum err regex_open_scanner(struct regex **out, const struct scanner *scanner,
                            struct err_info *why)
{
    return open_with(out, &(struct regex){ .scanner = scanner }, SLICE(""),
                     why);
}

void regex_close(struct regex *r)
{
    if (r == NULL)
        return;
    general_close(r->general);
    free(r);
}

enum err regex_search_init(struct regex_search *s, const struct regex *r,
                           struct err_info *why)
{
    *s = (struct regex_search){ .regex = r };
    return r->general == NULL
         ? ERR_OK : general_scratch_open(&s->scratch, r->general, why);
}

void regex_search_text(struct regex_search *s, struct slice text)
{
    s->text = text;
    s->from = 0;
    s->last_end = SIZE_MAX;
    s->memo = (struct scan_memo){ 0 };
    if (s->scratch != NULL)
        general_text(s->regex->general, s->scratch, text);
}

void regex_search_drop(struct regex_search *s)
{
    general_scratch_close(s->scratch);
    *s = (struct regex_search){ 0 };
}

static bool find_text(const struct regex *r, struct slice text, size_t from,
                      struct span *out)
{
    size_t at = slice_find(text, (struct slice){ r->text, r->text_len }, from);
    *out = (struct span){ at, at + r->text_len };
    return at < text.len || r->text_len == 0;
}

static enum err find(struct regex_search *s, struct span *out, bool *found,
                     struct err_info *why)
{
    const struct regex *r = s->regex;
    if (r->general != NULL)
        return general_find(r->general, s->scratch, s->from, out, found, why);
    *found = r->scanner != NULL
           ? r->scanner->find(r->scanner, s->text, s->from, &s->memo, out)
           : find_text(r, s->text, s->from, out);
    return ERR_OK;
}

enum err regex_search_next(struct regex_search *s, struct span *out,
                           bool *found, struct err_info *why)
{
    *found = false;
    while (s->from <= s->text.len) {
        enum err e = find(s, out, found, why);
        if (e != ERR_OK || !*found)
            return e;
        if (out->at < out->end || out->end != s->last_end) {
            s->from = s->last_end = out->end;
            return ERR_OK;
        }
        /* An empty match right behind the last one: look one character on. */
        size_t len = 1;
        *found = false;
        if (s->from < s->text.len)
            char_at(s->text, s->from, &len);
        s->from += len;
    }
    return ERR_OK;
}
