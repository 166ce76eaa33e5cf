/* What each step does to a text.  Steps that look at one character are maps
 * from a code point to at most three; the others see the whole text.
 *
 * Sets and edges are those of the reference, also where they are odd (NMT's
 * list of controls, BERT's notion of Chinese): models were trained behind
 * them. */
#include "text/norm_step.h"

#include "text/bytemap.h"

#include <utf8proc.h>

static size_t keep(uint32_t cp, uint32_t out[3])
{
    out[0] = cp;
    return 1;
}

size_t norm_strip_accents(uint32_t cp, uint32_t out[3])
{
    return unicode_is(cp, UNICODE_MARK) ? 0 : keep(cp, out);
}

size_t norm_bert_accents(uint32_t cp, uint32_t out[3])
{
    return unicode_is(cp, 1u << UNICODE_Mn) ? 0 : keep(cp, out);
}

static bool within(uint32_t cp, uint32_t first, uint32_t last)
{
    return cp >= first && cp <= last;
}

size_t norm_nmt(uint32_t cp, uint32_t out[3])
{
    if (within(cp, 1, 8) || cp == 0xB || within(cp, 0xE, 0x1F) || cp == 0x7F
        || cp == 0x8F || cp == 0x9F)
        return 0;
    bool space = within(cp, 9, 0xD) || cp == 0x1680
              || within(cp, 0x200B, 0x200F) || within(cp, 0x2028, 0x2029)
              || cp == 0x2581 || cp == 0xFEFF || cp == 0xFFFD;
    return keep(space ? ' ' : cp, out);
}

size_t norm_bert_clean(uint32_t cp, uint32_t out[3])
{
    const uint32_t control = 1u << UNICODE_Cc | 1u << UNICODE_Cf
                           | 1u << UNICODE_Co;
    bool kept = cp == '\t' || cp == '\n' || cp == '\r';
    if (!kept && (cp == 0xFFFD || unicode_is(cp, control)))
        return 0;
    return keep(unicode_is(cp, UNICODE_SPACE) ? ' ' : cp, out);
}

/* The blocks that BERT's authors listed, gap and all. */
size_t norm_bert_chinese(uint32_t cp, uint32_t out[3])
{
    static const struct unicode_range blocks[] = {
        { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF }, { 0xF900, 0xFAFF },
        { 0x20000, 0x2A6DF }, { 0x2A700, 0x2B81F }, { 0x2B920, 0x2CEAF },
        { 0x2F800, 0x2FA1F }
    };
    if (!unicode_in(cp, (struct unicode_ranges){
                            blocks, sizeof blocks / sizeof *blocks }))
        return keep(cp, out);
    out[0] = out[2] = ' ';
    out[1] = cp;
    return 3;
}

static void run_chars(const struct norm_step *s, struct slice text,
                      struct norm_way *way, struct strbuf *out)
{
    size_t len;
    for (size_t at = 0; at < text.len; at += len) {
        uint32_t to[3];
        size_t n = s->map(char_at(text, at, &len), to);
        if (at == 0 && n == 0)
            way->at_start = false;
        for (size_t i = 0; i < n; i++)
            strbuf_put_utf8(out, to[i]);
    }
}

/* In the reference a replacement stands where the last character of its match
 * stood: one for several characters at the start is no longer at the start, nor
 * is what follows an empty one. */
static bool keeps_start(struct slice text, struct span m, struct slice with)
{
    size_t len = 0;
    if (m.at > 0)
        return true;
    char_at(text, 0, &len);
    return m.end == 0 || (m.end == len && with.len > 0);
}

static enum err run_replace(const struct norm_step *s, struct slice text,
                            struct norm_way *way, struct strbuf *out,
                            struct err_info *why)
{
    size_t start = out->len;
    struct regex_search search;
    struct span m;
    size_t done = 0;
    bool found = true;
    if (text.len == 0)
        return ERR_OK;               /* nor is there an empty match in nothing */
    enum err e = regex_search_init(&search, s->regex, why);
    if (e != ERR_OK)
        return e;
    regex_search_text(&search, text);
    while (e == ERR_OK) {
        e = regex_search_next(&search, &m, &found, why);
        if (e != ERR_OK || !found || out->failed)
            break;
        way->at_start = way->at_start && keeps_start(text, m, s->text);
        strbuf_put(out, (struct slice){ text.at + done, m.at - done });
        strbuf_put(out, s->text);
        done = m.end;
        if (out->len - start > way->most)
            e = fail(why, ERR_LIMIT, "normalizer Replace: the text grows to "
                     "more than %zu bytes", way->most);
    }
    strbuf_put(out, slice_from(text, done));
    regex_search_drop(&search);
    return e;
}

static void run_strip(const struct norm_step *s, struct slice text,
                      struct norm_way *way, struct strbuf *out)
{
    size_t at = 0, len;
    while (s->left && (bits_at(text, at, &len) & UNICODE_SPACE))
        at += len;
    if (at > 0)
        way->at_start = false;
    text = slice_from(text, at);
    while (s->right && text.len > 0) {
        at = char_before(text, text.len);
        if ((bits_at(text, at, &len) & UNICODE_SPACE) == 0)
            break;
        text.len = at;
    }
    strbuf_put(out, text);
}

/* A character, or a cluster, or (the reference takes the shortest prefix that
 * the map knows) the beginning of one, standing for all of it. */
static bool put_mapped(const struct charsmap *m, struct slice part,
                       struct strbuf *out)
{
    struct slice to;
    if (charsmap_find(m, part, CHARSMAP_SHORTEST, &to) == 0)
        return false;
    strbuf_put(out, to);
    return true;
}

static void put_cluster(const struct charsmap *m, struct slice cluster,
                        struct strbuf *out)
{
    enum { SHORT = 6 };
    size_t len;
    if (cluster.len < SHORT && put_mapped(m, cluster, out))
        return;
    for (size_t at = 0; at < cluster.len; at += len) {
        char_at(cluster, at, &len);
        struct slice part = { cluster.at + at, len };
        if (!put_mapped(m, part, out))
            strbuf_put(out, part);
    }
}

static void run_clusters(const struct norm_step *s, struct slice text,
                         struct strbuf *out)
{
    utf8proc_int32_t state = 0;
    uint32_t last = 0;
    size_t start = 0, len;
    for (size_t at = 0; at < text.len; at += len) {
        uint32_t cp = char_at(text, at, &len);
        if (at > 0
            && utf8proc_grapheme_break_stateful((utf8proc_int32_t)last,
                                                (utf8proc_int32_t)cp, &state)) {
            put_cluster(&s->charsmap,
                        (struct slice){ text.at + start, at - start }, out);
            start = at;
        }
        last = cp;
    }
    put_cluster(&s->charsmap, slice_from(text, start), out);
}

static void run_prefixes(const struct norm_step *s, struct slice text,
                         struct strbuf *out)
{
    struct slice to;
    size_t len;
    for (size_t at = 0; at < text.len; at += len) {
        len = charsmap_find(&s->charsmap, slice_from(text, at),
                            CHARSMAP_LONGEST, &to);
        if (len == 0) {
            char_at(text, at, &len);
            to = (struct slice){ text.at + at, len };
        }
        strbuf_put(out, to);
    }
}

enum err norm_run(const struct norm_step *s, struct slice text,
                  struct norm_way *way, struct strbuf *out,
                  struct err_info *why)
{
    enum err e = ERR_OK;
    switch (s->kind) {
    case NORM_FORM:     normal_form_put(s->form, text, out); break;
    case NORM_CHARS:    run_chars(s, text, way, out); break;
    case NORM_REPLACE:  e = run_replace(s, text, way, out, why); break;
    case NORM_STRIP:    run_strip(s, text, way, out); break;
    case NORM_BYTES:    bytemap_put(out, text); break;
    case NORM_CLUSTERS: run_clusters(s, text, out); break;
    case NORM_PREFIXES: run_prefixes(s, text, out); break;
    case NORM_PREPEND:
        if (text.len > 0)
            strbuf_put(out, s->text);
        strbuf_put(out, text);
        break;
    }
    return e == ERR_OK && out->failed ? fail_nomem(why) : e;
}
