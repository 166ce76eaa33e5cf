/* One loop for five behaviours: a text is matches and gaps in turn, and what a
 * behaviour decides is whether a segment joins the one before it or is dropped.
 * `invert` lets matches and gaps change their roles, nothing else.
 *
 * The reference goes through a list of all segments, from the right for
 * MergedWithNext.  Looking back by one segment gives the same, without the
 * list. */
#include "text/split.h"

#include "base/checked.h"
#include <stdlib.h>

void pieces_drop(struct pieces *p)
{
    strbuf_drop(&p->bytes);
    free(p->at);
    *p = (struct pieces){ 0 };
}

void pieces_clear(struct pieces *p)
{
    strbuf_clear(&p->bytes);
    p->n = 0;
}

static bool pieces_grow(struct pieces *p)
{
    size_t cap = p->cap < 32 ? 64 : p->cap * 2, size;
    if (!checked_size(&size, cap, sizeof *p->at))
        return false;
    struct piece *at = realloc(p->at, size);
    if (at == NULL)
        return false;
    p->at = at;
    p->cap = cap;
    return true;
}

bool pieces_push(struct pieces *p, size_t at, size_t len)
{
    if (len == 0)
        return true;
    if (p->n == p->cap && !pieces_grow(p))
        return false;
    p->at[p->n++] = (struct piece){ at, len };
    return true;
}

/* Segments, matches and gaps in turn, on their way to becoming pieces. */
struct cutter {
    enum split_behavior behavior;
    struct pieces      *out;
    bool                is_open, last_match;
    struct span         open;        /* the piece that may still grow */
};

/* Does a segment join the one before it? */
static bool joins(enum split_behavior behavior, bool last_match, bool match)
{
    switch (behavior) {
    case SPLIT_CONTIGUOUS: return match == last_match;
    case SPLIT_PREVIOUS:   return match && !last_match;
    case SPLIT_NEXT:       return !match && last_match;
    default:               return false;
    }
}

static bool cutter_flush(struct cutter *c)
{
    bool was_open = c->is_open;
    c->is_open = false;
    return !was_open
        || pieces_push(c->out, c->open.at, c->open.end - c->open.at);
}

static bool cutter_add(struct cutter *c, struct span segment, bool match)
{
    if (c->is_open && joins(c->behavior, c->last_match, match)) {
        c->open.end = segment.end;
    } else if (!cutter_flush(c)) {
        return false;
    } else if (c->behavior != SPLIT_REMOVED || !match) {
        c->open = segment;
        c->is_open = true;
    }
    c->last_match = match;
    return true;
}

/* All segments of the piece whose text `search` has. */
static enum err cut_piece(const struct split *s, struct regex_search *search,
                          size_t base, struct pieces *out,
                          struct err_info *why)
{
    struct cutter c = { .behavior = s->behavior, .out = out };
    size_t done = base, end = base + search->text.len;
    for (;;) {
        struct span m;
        bool found;
        enum err e = regex_search_next(search, &m, &found, why);
        if (e != ERR_OK)
            return e;
        if (!found)
            break;
        struct span gap = { done, base + m.at };
        struct span match = { base + m.at, base + m.end };
        /* An empty match is a segment as well: it has no bytes, but it parts
         * its neighbours. */
        if ((gap.at < gap.end && !cutter_add(&c, gap, s->invert))
            || !cutter_add(&c, match, !s->invert))
            return fail_nomem(why);
        done = match.end;
    }
    if ((done < end && !cutter_add(&c, (struct span){ done, end }, s->invert))
        || !cutter_flush(&c))
        return fail_nomem(why);
    return ERR_OK;
}

enum err split_apply(const struct split *s, const struct pieces *in,
                     struct pieces *out, struct err_info *why)
{
    struct regex_search search;
    enum err e = regex_search_init(&search, s->regex, why);
    for (size_t i = 0; e == ERR_OK && i < in->n; i++) {
        struct slice text = { in->bytes.at + in->at[i].at, in->at[i].len };
        regex_search_text(&search, text);
        e = cut_piece(s, &search, in->at[i].at, out, why);
    }
    regex_search_drop(&search);
    return e;
}
