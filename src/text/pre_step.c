/* Running steps.  A step either cuts (pieces are ranges of the same bytes,
 * which are not touched) or rewrites (new bytes, one new piece for each old
 * one); see keeps_bytes.  The two kinds meet in pre_run alone. */
#include "text/pre_step.h"

#include "base/checked.h"
#include "text/bytemap.h"

#include <stdlib.h>

enum err pre_add(struct pretokenizer *p, struct pre_step step,
                 struct err_info *why)
{
    if (p->n == p->cap) {
        size_t cap = p->cap == 0 ? 8 : p->cap * 2, size;
        struct pre_step *steps = NULL;
        if (checked_size(&size, cap, sizeof *steps))
            steps = realloc(p->steps, size);
        if (steps == NULL) {
            regex_close(step.split.regex);
            return fail_nomem(why);
        }
        p->steps = steps;
        p->cap = cap;
    }
    p->steps[p->n++] = step;
    return ERR_OK;
}

enum err pre_add_pattern(struct pretokenizer *p, const char *pattern,
                         struct err_info *why)
{
    struct pre_step step = { .kind = PRE_SPLIT,
                             .split.behavior = SPLIT_ISOLATED };
    enum err e = regex_open(&step.split.regex, slice_of(pattern), why);
    return e != ERR_OK ? e : pre_add(p, step, why);
}

void pre_finish(struct pretokenizer *p)
{
    p->byte_level = p->n > 0 && p->steps[p->n - 1].kind == PRE_BYTES;
    p->n -= p->byte_level;
}

static struct slice piece_text(const struct pieces *p, size_t i)
{
    return (struct slice){ p->bytes.at + p->at[i].at, p->at[i].len };
}

static bool begins_with_mark(const struct pre_step *s, struct slice text)
{
    return slice_starts(text, (struct slice){ s->mark, s->mark_len });
}

static void put_metaspace(const struct pre_step *s, struct slice text,
                          bool at_start, struct strbuf *out)
{
    struct slice mark = { s->mark, s->mark_len };
    bool prepends = s->prepend == PREPEND_ALWAYS
                 || (s->prepend == PREPEND_FIRST && at_start);
    if (prepends && !begins_with_mark(s, text) && text.at[0] != ' ')
        strbuf_put(out, mark);
    while (text.len > 0) {
        size_t n = slice_find(text, SLICE(" "), 0);
        strbuf_put(out, (struct slice){ text.at, n });
        if (n == text.len)
            break;
        strbuf_put(out, mark);
        text = slice_from(text, n + 1);
    }
}

static void put_rewritten(const struct pre_step *s, struct slice text,
                          bool at_start, struct strbuf *out)
{
    switch (s->kind) {
    case PRE_METASPACE:
        put_metaspace(s, text, at_start, out);
        break;
    case PRE_PREFIX_SPACE:
        if (text.at[0] != ' ')
            strbuf_putc(out, ' ');
        strbuf_put(out, text);
        break;
    default:
        bytemap_put(out, text);
        break;
    }
}

static enum err rewrite(const struct pre_step *s, const struct pieces *in,
                        struct pieces *out, bool at_start,
                        struct err_info *why)
{
    for (size_t i = 0; i < in->n; i++) {
        size_t at = out->bytes.len;
        put_rewritten(s, piece_text(in, i), at_start && i == 0, &out->bytes);
        if (out->bytes.failed || !pieces_push(out, at, out->bytes.len - at))
            return fail_nomem(why);
    }
    return ERR_OK;
}

static bool cut_fixed(const struct pre_step *s, struct slice text, size_t base,
                      struct pieces *out)
{
    size_t at = 0, n = 0, start = 0, len;
    while (at < text.len) {
        char_at(text, at, &len);
        at += len;
        if (++n == s->length || at == text.len) {
            if (!pieces_push(out, base + start, at - start))
                return false;
            start = at;
            n = 0;
        }
    }
    return true;
}

/* The reference's notion: Hiragana and Katakana, and the sign that makes their
 * vowels long, go with Han; a space and what has no script go with anything. */
static const char *pre_script(uint32_t cp)
{
    size_t script = unicode_script(cp);
    if (cp == ' ' || script == 0)
        return NULL;
    const char *name = unicode_script_name(script);
    bool kana = strcmp(name, "Hiragana") == 0 || strcmp(name, "Katakana") == 0;
    return kana || cp == 0x30FC ? "Han" : name;
}

/* What stands before the first character that has a script is dropped. */
static bool cut_scripts(struct slice text, size_t base, struct pieces *out)
{
    const char *last = NULL;
    size_t start = text.len, len;
    for (size_t at = 0; at < text.len; at += len) {
        const char *script = pre_script(char_at(text, at, &len));
        if (script == NULL)
            continue;
        if (last == NULL || strcmp(script, last) != 0) {
            if (last != NULL && !pieces_push(out, base + start, at - start))
                return false;
            start = at;
        }
        last = script;
    }
    return pieces_push(out, base + start, text.len - start);
}

static enum err cut(const struct pre_step *s, const struct pieces *in,
                    struct pieces *out, struct err_info *why)
{
    if (s->kind == PRE_SPLIT)
        return split_apply(&s->split, in, out, why);
    for (size_t i = 0; i < in->n; i++) {
        struct slice text = piece_text(in, i);
        if (s->kind == PRE_FIXED ? !cut_fixed(s, text, in->at[i].at, out)
                                 : !cut_scripts(text, in->at[i].at, out))
            return fail_nomem(why);
    }
    return ERR_OK;
}

static bool keeps_bytes(enum pre_kind kind)
{
    return kind == PRE_SPLIT || kind == PRE_SCRIPTS || kind == PRE_FIXED;
}

enum err pre_run(const struct pre_step *s, struct pieces *p,
                 struct pieces *spare, bool at_start, struct err_info *why)
{
    pieces_clear(spare);
    bool keeps = keeps_bytes(s->kind);
    enum err e = keeps ? cut(s, p, spare, why)
                       : rewrite(s, p, spare, at_start, why);
    struct pieces old = *p;
    *p = *spare;
    *spare = old;
    if (keeps) {
        struct strbuf bytes = p->bytes;
        p->bytes = spare->bytes;
        spare->bytes = bytes;
    }
    return e;
}
