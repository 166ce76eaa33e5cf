#include "text/regex.h"

#include <stdlib.h>

/* Exactly one of the three is in use. */
struct regex {
    const struct scanner *scanner;
    bool                  is_text;
    size_t                text_len;
    char                  text[];
};

static enum err open_with(struct regex **out, const struct scanner *scanner,
                          struct slice text, struct err_info *why)
{
    *out = NULL;
    if (text.len > PTRDIFF_MAX - sizeof **out
        || (*out = malloc(sizeof **out + text.len)) == NULL)
        return fail_nomem(why);
    **out = (struct regex){ .scanner = scanner, .is_text = scanner == NULL,
                            .text_len = text.len };
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
    *out = NULL;
    return fail(why, ERR_UNKNOWN, "regular expression \"%.*s\" is not supported",
                (int)(pattern.len < 200 ? pattern.len : 200), pattern.at);
}

enum err regex_open_text(struct regex **out, struct slice text,
                         struct err_info *why)
{
    return open_with(out, NULL, text, why);
}

enum err regex_open_scanner(struct regex **out, const struct scanner *scanner,
                            struct err_info *why)
{
    return open_with(out, scanner, (struct slice){ NULL, 0 }, why);
}

void regex_close(struct regex *r)
{
    free(r);
}

enum err regex_search_init(struct regex_search *s, const struct regex *r,
                           struct err_info *why)
{
    (void)why;
    *s = (struct regex_search){ .regex = r };
    return ERR_OK;
}

void regex_search_text(struct regex_search *s, struct slice text)
{
    s->text = text;
    s->from = 0;
    s->last_end = SIZE_MAX;
    s->memo = (struct scan_memo){ 0 };
}

void regex_search_drop(struct regex_search *s)
{
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
    (void)why;
    *found = r->is_text
           ? find_text(r, s->text, s->from, out)
           : r->scanner->find(r->scanner, s->text, s->from, &s->memo, out);
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
