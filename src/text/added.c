/* Leftmost-longest search by walking a tree from every place where a token can
 * begin.  Not Aho and Corasick's automaton: first bytes of added tokens are
 * rare in text ('<', '[', runs of spaces), and nearly every walk ends after a
 * byte or two.  At worst the cost is the text times the longest token.
 *
 * The rest follows the reference statement by statement, its oddities included:
 * a match that is rejected hides shorter tokens inside it; white space taken
 * along by one token may be found again by the next. */
#include "text/added.h"
#include "base/checked.h"
#include "base/utf8.h"
#include "text/unicode.h"
#include <stdlib.h>

void added_drop(struct added *a)
{
    free(a->at);
    trie_drop(&a->names);
    trie_drop(&a->raw);
    trie_drop(&a->normal);
    arena_drop(&a->forms);
    *a = (struct added){ .n = 0 };
}

enum err added_push(struct added *a, struct added_token token,
                    struct err_info *why)
{
    size_t size, cap = a->cap == 0 ? 64 : 2 * a->cap;

    if (a->n == a->cap) {
        struct added_token *at = checked_size(&size, cap, sizeof *a->at)
                               ? realloc(a->at, size) : NULL;
        if (at == NULL)
            return fail_nomem(why);
        a->at = at;
        a->cap = cap;
    }
    enum err e = trie_add(&a->names, token.content, (int32_t)a->n, why);
    if (e == ERR_OK)
        a->at[a->n++] = token;
    return e;
}

struct added_token *added_by_text(const struct added *a, struct slice content)
{
    uint32_t node = 0;

    if (a->n == 0)
        return NULL;
    for (size_t i = 0; i < content.len; i++) {
        node = trie_step(&a->names, node, (uint8_t)content.at[i]);
        if (node == 0)
            return NULL;
    }
    int32_t index = a->names.value[node];
    return index == TRIE_NOTHING ? NULL : &a->at[index];
}

/* Put token i into the tree where it is searched.  Tokens that are normalised
 * are searched in normalised text, so their own text must be normalised, too;
 * what that leaves empty can never be found. */
static enum err index_one(struct added *a, size_t i, const struct normalizer *n,
                          struct strbuf *form, struct err_info *why)
{
    struct added_token *t = &a->at[i];

    t->shown = t->content;
    if (!t->normalized)
        return trie_add(&a->raw, t->content, (int32_t)i, why);
    strbuf_clear(form);
    enum err e = normalizer_apply(n, t->content, form, NULL, why);
    if (e != ERR_OK)
        return e;
    if (form->failed)
        return fail_nomem(why);
    if (!slice_eq(strbuf_slice(form), t->content))
        t->shown = arena_copy(&a->forms, strbuf_slice(form));
    if (t->shown.at == NULL)
        return fail_nomem(why);
    return form->len == 0 ? ERR_OK
         : trie_add(&a->normal, t->shown, (int32_t)i, why);
}

enum err added_index(struct added *a, const struct normalizer *n,
                     struct err_info *why)
{
    struct strbuf form = { .at = NULL };
    enum err e = ERR_OK;

    trie_drop(&a->raw);
    trie_drop(&a->normal);
    arena_drop(&a->forms);
    /* Of two that look alike the special one wins, then the earlier one. */
    for (int special = 1; special >= 0; special--)
        for (size_t i = 0; i < a->n && e == ERR_OK; i++)
            if (a->at[i].special == (special == 1))
                e = index_one(a, i, n, &form, why);
    strbuf_drop(&form);
    return e;
}

/* ---- what stands beside a match ---- */

/* \w of the reference's regular expressions. */
static bool is_word(uint32_t cp)
{
    return unicode_has(cp, UNICODE_PROP_ALPHABETIC)
        || unicode_is(cp, UNICODE_MARK | 1u << UNICODE_Nd | 1u << UNICODE_Pc)
        || unicode_has(cp, UNICODE_PROP_JOIN_CONTROL);
}

/* The character that ends at `end` (> 0); puts where it begins. */
static uint32_t char_before(struct slice text, size_t end, size_t *begin)
{
    uint32_t cp;

    *begin = end - 1;
    while (*begin > 0 && ((uint8_t)text.at[*begin] & 0xC0) == 0x80)
        (*begin)--;
    utf8_decode(slice_from(text, *begin), &cp, NULL);
    return cp;
}

/* Is there a word character right before or right behind [start, end)? */
static bool touches_word(struct slice text, size_t start, size_t end)
{
    size_t begin;
    uint32_t cp;

    if (start > 0 && is_word(char_before(text, start, &begin)))
        return true;
    if (end == text.len)
        return false;
    utf8_decode(slice_from(text, end), &cp, NULL);
    return is_word(cp);
}

static size_t space_before(struct slice text, size_t start, size_t limit)
{
    size_t begin;

    while (start > limit
           && unicode_is(char_before(text, start, &begin), UNICODE_SPACE))
        start = begin;
    return start;
}

static size_t space_behind(struct slice text, size_t end)
{
    uint32_t cp;

    while (end < text.len) {
        size_t len = utf8_decode(slice_from(text, end), &cp, NULL);
        if (!unicode_is(cp, UNICODE_SPACE))
            break;
        end += len;
    }
    return end;
}

/* ---- scanning ---- */

void added_scan_init(struct added_scan *s, const struct added *a,
                     const struct trie *trie, struct slice text,
                     bool skip_special)
{
    *s = (struct added_scan){ .added = a, .trie = trie, .text = text,
                              .skip_special = skip_special };
}

/* Length of the longest token that begins at i; 0: none. */
static size_t longest_at(const struct added_scan *s, size_t i, int32_t *token)
{
    size_t best = 0;
    uint32_t node = 0;

    for (size_t k = i; k < s->text.len; k++) {
        node = trie_step(s->trie, node, (uint8_t)s->text.at[k]);
        if (node == 0)
            break;
        if (s->trie->value[node] != TRIE_NOTHING) {
            *token = s->trie->value[node];
            best = k + 1 - i;
        }
    }
    return best;
}

/* The next match that counts: leftmost, then longest.  One that is rejected is
 * passed over whole; what it covers is not searched again. */
static bool find_match(struct added_scan *s, struct added_part *m)
{
    int32_t token = 0;

    for (size_t i = s->from; i < s->text.len; i++) {
        if (s->trie->first[(uint8_t)s->text.at[i]] == 0)
            continue;
        size_t len = longest_at(s, i, &token);
        if (len == 0)
            continue;
        *m = (struct added_part){ &s->added->at[token], i, len };
        s->from = i + len;
        bool rejected = (s->skip_special && m->token->special)
                     || (m->token->single_word
                         && touches_word(s->text, i, i + len));
        if (!rejected)
            return true;
        i += len - 1;
    }
    return false;
}

static void take_spaces(struct added_scan *s, struct added_part *m)
{
    size_t start = m->at, end = m->at + m->len;

    if (m->token->lstrip)
        start = start < s->done ? s->done
                                : space_before(s->text, start, s->done);
    /* Tokens of white space may find the same run again and again. */
    if (m->token->rstrip && end < s->space_end)
        end = s->space_end;
    else if (m->token->rstrip)
        end = s->space_end = space_behind(s->text, end);
    m->at = start;
    m->len = end > start ? end - start : 0;
}

static bool give_held(struct added_scan *s, struct added_part *part)
{
    *part = s->held;
    s->done = part->at + part->len;
    s->held.token = NULL;
    return true;
}

bool added_scan_next(struct added_scan *s, struct added_part *part)
{
    if (s->held.token != NULL)
        return give_held(s, part);
    struct added_part m;
    bool found = s->trie->n_nodes > 0 && find_match(s, &m);
    if (found) {
        take_spaces(s, &m);
        s->held = m;
        if (s->done >= m.at)
            return give_held(s, part);
    } else {
        m.at = s->text.len;
        if (s->done >= m.at)
            return false;
        s->from = m.at;
    }
    *part = (struct added_part){ NULL, s->done, m.at - s->done };
    s->done = m.at;
    return true;
}
