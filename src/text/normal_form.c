/* Normal forms in linear time, and mostly without looking.
 *
 * A text is walked in runs.  A *safe* character starts a new unit and stays as
 * it is in the form, so that a run of them is copied; that is nearly all of
 * any text.  Where one is not safe, the unit around it (from the last safe
 * character before it, which it may join, to the next safe one) goes through
 * utf8proc: decompose, order the marks, compose.
 *
 * Marks are ordered by counting, not by utf8proc: its own ordering is
 * quadratic, and a text of a million accents is a text like any other. */
#include "text/normal_form.h"

#include "base/checked.h"
#include "text/chars.h"

#include <stdlib.h>
#include <utf8proc.h>

/* Code points below are in the form and start a new unit, whatever follows. */
static const uint32_t safe_below[N_NORMAL_FORMS] = {
    [FORM_NFC] = 0x300, [FORM_NFD] = 0xC0, [FORM_NFKC] = 0xA0,
    [FORM_NFKD] = 0xA0
};
static const enum unicode_prop unsafe_prop[N_NORMAL_FORMS] = {
    [FORM_NFC] = UNICODE_PROP_NFC_UNSAFE, [FORM_NFD] = UNICODE_PROP_NFD_UNSAFE,
    [FORM_NFKC] = UNICODE_PROP_NFKC_UNSAFE,
    [FORM_NFKD] = UNICODE_PROP_NFKD_UNSAFE
};

/* Is the character a starter that the form leaves as it is and never joins to
 * the one before it?  The big CJK block is asked about most. */
static bool is_safe(enum normal_form form, uint32_t cp)
{
    return cp < safe_below[form] || (cp >= 0x4E00 && cp <= 0x9FFF)
        || !unicode_has(cp, unsafe_prop[form]);
}

/* A run of characters on its way through a form. */
struct unit {
    utf8proc_int32_t *at;
    size_t            n, cap;
};

enum { DECOMPOSED_MAX = 32 };       /* of one character: 18 in any Unicode */

static bool unit_reserve(struct unit *u)
{
    size_t cap, size;
    if (u->cap - u->n >= DECOMPOSED_MAX)
        return true;
    if (!checked_size(&cap, u->cap, 2)
        || !checked_size(&size, cap += 64, sizeof *u->at))
        return false;
    utf8proc_int32_t *at = realloc(u->at, size);
    if (at == NULL)
        return false;
    u->at = at;
    u->cap = cap;
    return true;
}

static unsigned combining_class(utf8proc_int32_t cp)
{
    return (unsigned)utf8proc_get_property(cp)->combining_class;
}

/* Stable sort of n marks by combining class: counting, as somebody may send a
 * million of them (utf8proc's own is quadratic). */
static bool sort_marks(utf8proc_int32_t *at, size_t n)
{
    size_t start[257] = { 0 }, size;
    utf8proc_int32_t *sorted;
    if (n < 2)
        return true;
    if (!checked_size(&size, n, sizeof *sorted)
        || (sorted = malloc(size)) == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        start[(combining_class(at[i]) & 255u) + 1]++;
    for (size_t i = 0; i < 256; i++)
        start[i + 1] += start[i];
    for (size_t i = 0; i < n; i++)
        sorted[start[combining_class(at[i]) & 255u]++] = at[i];
    memcpy(at, sorted, size);
    free(sorted);
    return true;
}

static bool order(struct unit *u)
{
    size_t i = 0;
    while (i < u->n) {
        size_t start = i;
        while (i < u->n && combining_class(u->at[i]) != 0)
            i++;
        if (!sort_marks(u->at + start, i - start))
            return false;
        i += i == start;
    }
    return true;
}

static bool decompose(enum normal_form form, struct slice text,
                      struct unit *u)
{
    bool compat = form == FORM_NFKC || form == FORM_NFKD;
    utf8proc_option_t options = UTF8PROC_DECOMPOSE;
    if (compat)
        options = (utf8proc_option_t)(options | UTF8PROC_COMPAT);
    size_t len;
    u->n = 0;
    for (size_t at = 0; at < text.len; at += len) {
        int boundary = 0;
        if (!unit_reserve(u))
            return false;
        utf8proc_ssize_t n = utf8proc_decompose_char(
            (utf8proc_int32_t)char_at(text, at, &len), u->at + u->n,
            DECOMPOSED_MAX, options, &boundary);
        if (n < 0 || n > DECOMPOSED_MAX)
            return false;
        u->n += (size_t)n;
    }
    return order(u);
}

static bool compose(struct unit *u)
{
    utf8proc_ssize_t n = utf8proc_normalize_utf32(
        u->at, (utf8proc_ssize_t)u->n,
        (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    u->n = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static void put_unit(enum normal_form form, struct slice text,
                     struct unit *u, struct strbuf *out)
{
    bool composes = form == FORM_NFC || form == FORM_NFKC;
    if (!decompose(form, text, u) || (composes && !compose(u))) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < u->n; i++)
        strbuf_put_utf8(out, (unsigned)u->at[i]);
}

/* End of the run of safe characters at `at`; *last is where its last one
 * begins (it may join what follows). */
static size_t safe_run(enum normal_form form, struct slice text, size_t at,
                       size_t *last)
{
    size_t len;
    *last = at;
    while (at < text.len) {
        if (!is_safe(form, char_at(text, at, &len)))
            break;
        *last = at;
        at += len;
    }
    return at;
}

static size_t unsafe_run(enum normal_form form, struct slice text, size_t at)
{
    size_t len;
    while (at < text.len && !is_safe(form, char_at(text, at, &len)))
        at += len;
    return at;
}

void normal_form_put(enum normal_form form, struct slice text,
                     struct strbuf *out)
{
    struct unit unit = { 0 };
    size_t at = 0;
    while (at < text.len && !out->failed) {
        size_t last, end = safe_run(form, text, at, &last);
        if (end == text.len)
            last = end;
        strbuf_put(out, (struct slice){ text.at + at, last - at });
        at = unsafe_run(form, text, end);
        if (at > last)
            put_unit(form, (struct slice){ text.at + last, at - last }, &unit,
                     out);
    }
    free(unit.at);
}
