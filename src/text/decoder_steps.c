/* The decoders of the reference, one after another.  Each works on tokens as
 * they come and remembers in its state what it must: an unfinished character,
 * a run of bytes, the token before.
 *
 * With in_parts a step sees one token in parts; "the first token" is then the
 * whole text, as it is for the reference. */
#include "text/decoder_steps.h"
#include "base/utf8.h"
#include "text/byte_ids.h"
#include "text/bytemap.h"

/* ---- reading options ---- */

static enum err read_text(struct slice *out, const struct json *spec,
                          const char *key, const char *otherwise,
                          struct arena *arena, struct err_info *why)
{
    const struct json *v = json_get(spec, key);

    *out = slice_of(otherwise);
    if (v == NULL)
        return ERR_OK;
    if (v->kind != JSON_STRING)
        return fail(why, ERR_FORMAT, "decoder: \"%s\" must be a string", key);
    *out = arena_copy(arena, v->string);
    return out->at == NULL ? fail_nomem(why) : ERR_OK;
}

static bool read_bool(const struct json *spec, const char *key, bool otherwise)
{
    const struct json *v = json_get(spec, key);
    return json_is(v, JSON_BOOL) ? v->boolean : otherwise;
}

static size_t read_count(const struct json *spec, const char *key)
{
    const struct json *v = json_get(spec, key);
    return json_is(v, JSON_INT) && !v->integer.negative
         ? (size_t)v->integer.magnitude : 0;
}

static size_t first_char_len(struct slice s)
{
    uint32_t cp;
    return s.len == 0 ? 0 : utf8_decode(s, &cp, NULL);
}

/* `to` before every character and at the end: where the reference's language
 * finds an empty text. */
static void put_between(struct strbuf *out, struct slice text, const char *to)
{
    while (text.len > 0) {
        size_t len = first_char_len(text);
        strbuf_puts(out, to);
        strbuf_put(out, (struct slice){ text.at, len });
        text = slice_from(text, len);
    }
    strbuf_puts(out, to);
}

/* Append `text` with each `from` replaced by `to`. */
static void put_replaced(struct strbuf *out, struct slice text,
                         struct slice from, const char *to)
{
    size_t done = 0, hit;

    if (from.len == 0) {
        put_between(out, text, to);
        return;
    }
    while ((hit = slice_find(text, from, done)) < text.len) {
        strbuf_put(out, (struct slice){ text.at + done, hit - done });
        strbuf_puts(out, to);
        done = hit + from.len;
    }
    strbuf_put(out, slice_from(text, done));
}

/* Hand on what the step has put into `made`. */
static void give_made(struct decoder_run *r, size_t i)
{
    if (r->state[i].made.failed || r->state[i].held.failed)
        r->e = fail_nomem(r->why);
    else
        step_give(r, i, strbuf_slice(&r->state[i].made));
}

/* Keep a text for later. */
static void hold(struct decoder_run *r, size_t i, struct slice text)
{
    strbuf_put(&r->state[i].held, text);
    if (r->state[i].held.failed)
        r->e = fail_nomem(r->why);
}

static bool always(const struct step *s)
{
    (void)s;
    return true;
}

/* ---- no decoder: tokens joined by spaces ---- */

static void push_joined(struct decoder_run *r, size_t i, struct slice text)
{
    if (r->state[i].n_seen++ > 0)
        step_give(r, i, SLICE(" "));
    step_give(r, i, text);
}

/* ---- Fuse, and collecting ---- */

static void push_on(struct decoder_run *r, size_t i, struct slice text)
{
    step_give(r, i, text);
}

static void end_held(struct decoder_run *r, size_t i)
{
    step_give(r, i, strbuf_slice(&r->state[i].held));
}

/* ---- ByteLevel: mapped characters to bytes, joined ---- */

static void push_byte_level(struct decoder_run *r, size_t i, struct slice text)
{
    struct strbuf *held = &r->state[i].held, *made = step_made(r, i);

    bytemap_put_bytes(held, text);
    struct slice all = strbuf_slice(held);
    size_t waits = utf8_incomplete_tail(all), n = all.len - waits;
    utf8_put_lossy(made, (struct slice){ all.at, n });
    if (held->failed || made->failed) {
        r->e = fail_nomem(r->why);
    } else if (n > 0) {
        memmove(held->at, held->at + n, waits);
        held->len = waits;
        give_made(r, i);
    }
}

static void end_byte_level(struct decoder_run *r, size_t i)
{
    struct strbuf *made = step_made(r, i);

    utf8_put_lossy(made, strbuf_slice(&r->state[i].held));
    if (made->len > 0 || made->failed)
        give_made(r, i);
}

/* ---- ByteFallback: <0x0A> to bytes; runs must be UTF-8 ---- */

/* Hand on the first n bytes of what is held. */
static void give_held(struct decoder_run *r, size_t i, size_t n)
{
    struct strbuf *held = &r->state[i].held;

    step_give(r, i, (struct slice){ held->at, n });
    memmove(held->at, held->at + n, held->len - n);
    held->len -= n;
}

/* One U+FFFD for one byte that begins no character. */
static void give_wrong(struct decoder_run *r, size_t i)
{
    struct strbuf *held = &r->state[i].held;

    step_give(r, i, SLICE("\xEF\xBF\xBD"));
    memmove(held->at, held->at + 1, --held->len);
}

/* Give what later bytes cannot complete or change any more. */
static void give_early(struct decoder_run *r, size_t i)
{
    const struct strbuf *held = &r->state[i].held;

    while (held->len > 0 && r->e == ERR_OK) {
        size_t whole = utf8_valid_prefix(strbuf_slice(held));
        if (whole > 0)
            give_held(r, i, whole);
        else if (utf8_incomplete_tail(strbuf_slice(held)) < held->len)
            give_wrong(r, i);
        else
            break;
    }
}

/* The run is over.  It is text when all of it is UTF-8; else each byte becomes
 * a U+FFFD of its own (not each maximal subpart, as with ByteLevel). */
static void end_byte_run(struct decoder_run *r, size_t i)
{
    const struct strbuf *held = &r->state[i].held;

    if (held->len > 0 && utf8_valid_prefix(strbuf_slice(held)) == held->len)
        give_held(r, i, held->len);
    while (held->len > 0 && r->e == ERR_OK)
        give_wrong(r, i);
}

static bool replaces_char(const struct step *s);

/* May a run be given before it ends, as several tokens?  Only where the steps
 * behind do not see what is one token: they look at single characters until all
 * is fused. */
static bool may_split(const struct decoder *d, size_t i)
{
    for (i++; i < d->n_steps; i++) {
        const struct step_kind *kind = d->steps[i].kind;
        if (kind->fuses)
            return kind->takes_parts != NULL;
        if (kind->takes_parts != replaces_char
            || !replaces_char(&d->steps[i]))
            return false;
    }
    return true;
}

static void push_byte_fallback(struct decoder_run *r, size_t i,
                               struct slice text)
{
    int byte = bytes_value(text);

    if (byte < 0) {
        end_byte_run(r, i);
        step_give(r, i, text);
        return;
    }
    char c = (char)byte;
    hold(r, i, (struct slice){ &c, 1 });
    if ((r->flags & DECODE_EARLY) && may_split(r->d, i))
        give_early(r, i);
}

/* ---- Replace ---- */

static enum err read_replace(struct step *s, const struct json *spec,
                             struct arena *arena, struct err_info *why)
{
    const struct json *pattern = json_path(spec, "pattern.String");

    (void)arena;
    s->one_char = json_is(pattern, JSON_STRING)
               && first_char_len(pattern->string) == pattern->string.len;
    return normalizer_open(&s->replace, spec, why);
}

/* A pattern of one character cannot lie across two parts. */
static bool replaces_char(const struct step *s)
{
    return s->one_char;
}

static void push_replace(struct decoder_run *r, size_t i, struct slice text)
{
    struct strbuf *made = step_made(r, i);
    enum err e = normalizer_apply(r->d->steps[i].replace, text, made, NULL,
                                  r->why);

    if (e != ERR_OK)
        r->e = e;
    else
        give_made(r, i);
}

/* ---- Strip ---- */

static enum err read_strip(struct step *s, const struct json *spec,
                           struct arena *arena, struct err_info *why)
{
    s->start = read_count(spec, "start");
    s->stop = read_count(spec, "stop");
    enum err e = read_text(&s->text, spec, "content", "", arena, why);
    if (e == ERR_OK && first_char_len(s->text) != s->text.len)
        e = fail(why, ERR_FORMAT, "decoder: Strip: \"content\" must be one "
                 "character");
    return e;
}

/* Where a text in parts ends is not known before its end. */
static bool strips_start_only(const struct step *s)
{
    return s->stop == 0;
}

static void push_strip(struct decoder_run *r, size_t i, struct slice text)
{
    const struct step *s = &r->d->steps[i];
    struct step_state *st = &r->state[i];
    /* In parts, n_seen counts what was stripped before something else came. */
    size_t n = !s->in_parts ? 0
             : r->flags & DECODE_CONTINUES ? s->start : st->n_seen;

    for (; n < s->start && s->text.len > 0 && slice_starts(text, s->text); n++)
        text = slice_from(text, s->text.len);
    st->n_seen = text.len > 0 ? s->start : n;
    for (n = 0; n < s->stop && s->text.len > 0 && slice_ends(text, s->text);
         n++)
        text.len -= s->text.len;
    step_give(r, i, text);
}

/* ---- Metaspace ---- */

static enum err read_metaspace(struct step *s, const struct json *spec,
                               struct arena *arena, struct err_info *why)
{
    const struct json *scheme = json_get(spec, "prepend_scheme");

    s->never = json_is(scheme, JSON_STRING)
             ? slice_is(scheme->string, "never")
             : !read_bool(spec, "add_prefix_space", true);
    return read_text(&s->text, spec, "replacement", "\xE2\x96\x81", arena, why);
}

static void push_metaspace(struct decoder_run *r, size_t i, struct slice text)
{
    const struct step *s = &r->d->steps[i];
    struct step_state *st = &r->state[i];
    bool first = st->n_seen == 0 && !s->never;

    if (!s->in_parts)
        st->n_seen++;
    put_replaced(step_made(r, i), text, s->text, first ? "" : " ");
    give_made(r, i);
}

/* ---- WordPiece ---- */

/* Replace in `text`; `room` is scratch. */
static void replace_in(struct strbuf *text, struct strbuf *room,
                       struct slice from, const char *to)
{
    struct slice now = strbuf_slice(text);

    if (text->failed || slice_find(now, from, 0) == now.len)
        return;
    strbuf_clear(room);
    put_replaced(room, now, from, to);
    struct strbuf swap = *text;
    *text = *room;
    *room = swap;
}

/* Remove the spaces that word splitting has put before punctuation.  The order
 * is the reference's; each works on what the one before it left. */
static void clean_up(struct strbuf *text, struct strbuf *room)
{
    static const struct { const char *from, *to; } rules[] = {
        { " .", "." }, { " ?", "?" }, { " !", "!" }, { " ,", "," },
        { " ' ", "'" }, { " n't", "n't" }, { " 'm", "'m" },
        { " do not", " don't" }, { " 's", "'s" }, { " 've", "'ve" },
        { " 're", "'re" },
    };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        replace_in(text, room, slice_of(rules[i].from), rules[i].to);
}

static enum err read_word_piece(struct step *s, const struct json *spec,
                                struct arena *arena, struct err_info *why)
{
    s->cleanup = read_bool(spec, "cleanup", true);
    return read_text(&s->text, spec, "prefix", "##", arena, why);
}

static void push_word_piece(struct decoder_run *r, size_t i, struct slice text)
{
    const struct step *s = &r->d->steps[i];
    struct step_state *st = &r->state[i];
    struct strbuf *made = step_made(r, i);

    if (st->n_seen++ > 0) {
        if (slice_starts(text, s->text))
            text = slice_from(text, s->text.len);
        else
            strbuf_putc(made, ' ');
    }
    strbuf_put(made, text);
    if (s->cleanup)
        clean_up(made, &st->held);
    give_made(r, i);
}

/* ---- BPEDecoder: the suffix of words becomes a space, but not at the end
 * ---- */

static enum err read_bpe(struct step *s, const struct json *spec,
                         struct arena *arena, struct err_info *why)
{
    return read_text(&s->text, spec, "suffix", "</w>", arena, why);
}

/* The held token; its suffix becomes a space, or nothing at the end. */
static void give_word(struct decoder_run *r, size_t i, const char *suffix)
{
    struct step_state *st = &r->state[i];

    put_replaced(step_made(r, i), strbuf_slice(&st->held),
                 r->d->steps[i].text, suffix);
    strbuf_clear(&st->held);
    give_made(r, i);
}

static void push_bpe(struct decoder_run *r, size_t i, struct slice text)
{
    if (r->state[i].holds)
        give_word(r, i, " ");
    r->state[i].holds = true;
    hold(r, i, text);
}

static void end_bpe(struct decoder_run *r, size_t i)
{
    if (r->state[i].holds)
        give_word(r, i, "");
}

/* ---- CTC ---- */

static enum err read_ctc(struct step *s, const struct json *spec,
                         struct arena *arena, struct err_info *why)
{
    s->cleanup = read_bool(spec, "cleanup", true);
    enum err e = read_text(&s->text, spec, "pad_token", "<pad>", arena, why);
    return e != ERR_OK ? e : read_text(&s->other, spec, "word_delimiter_token",
                                       "|", arena, why);
}

static void push_ctc(struct decoder_run *r, size_t i, struct slice text)
{
    const struct step *s = &r->d->steps[i];
    struct step_state *st = &r->state[i];
    struct strbuf room = { .at = NULL };

    /* `held` is the token before: repetitions count once. */
    if (st->n_seen > 0 && slice_eq(strbuf_slice(&st->held), text))
        return;
    st->n_seen = 1;
    strbuf_clear(&st->held);
    hold(r, i, text);
    put_replaced(step_made(r, i), text, s->text, "");
    if (s->cleanup) {
        clean_up(&st->made, &room);
        replace_in(&st->made, &room, s->other, " ");
    }
    strbuf_drop(&room);
    if (st->made.len > 0 || st->made.failed)
        give_made(r, i);
}

/* ---- the table ---- */

const struct step_kind step_join = {
    .name = "", .push = push_joined, .fuses = true, .takes_parts = always
};
const struct step_kind step_collect = {
    .name = "", .push = hold, .end = end_held, .takes_parts = always
};

static const struct step_kind kinds[] = {
    { .name = "ByteLevel", .push = push_byte_level, .end = end_byte_level,
      .fuses = true },
    { .name = "ByteFallback", .push = push_byte_fallback,
      .end = end_byte_run },
    { .name = "Fuse", .push = push_on, .fuses = true, .takes_parts = always },
    { .name = "Replace", .read = read_replace, .push = push_replace,
      .takes_parts = replaces_char },
    { .name = "Strip", .read = read_strip, .push = push_strip,
      .takes_parts = strips_start_only },
    { .name = "Metaspace", .read = read_metaspace, .push = push_metaspace,
      .takes_parts = always },
    { .name = "WordPiece", .read = read_word_piece, .push = push_word_piece },
    { .name = "BPEDecoder", .read = read_bpe, .push = push_bpe,
      .end = end_bpe },
    { .name = "CTC", .read = read_ctc, .push = push_ctc },
};

const struct step_kind *step_kind_find(struct slice type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_is(type, kinds[i].name))
            return &kinds[i];
    return NULL;
}
