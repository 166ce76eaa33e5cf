/* From the "normalizer" of a tokenizer.json to steps: one reader for each
 * type, found by name in a table.  Sequences are flattened, so that running
 * one is a loop over steps with two buffers that take turns.
 *
 * A type or an option that is not known is refused by name when the file is
 * opened: to leave it out would give other ids, and nobody would see it. */
#include "text/normalizer.h"

#include "base/checked.h"
#include "text/base64.h"
#include "text/norm_step.h"
#include "text/spec.h"

#include <stdlib.h>

enum {
    DEPTH_MAX  = 16,            /* Sequences inside Sequences */
    GROWTH_MAX = 64             /* times as long, and a little, by Replace */
};

struct normalizer {
    struct arena      memory;   /* texts and charsmaps */
    struct norm_step *steps;
    size_t            n, cap;
};

/* Append a step; the normalizer owns its regex from now on, even when this
 * fails. */
static enum err add(struct normalizer *n, struct norm_step step,
                    struct err_info *why)
{
    if (n->n == n->cap) {
        size_t cap = n->cap == 0 ? 4 : n->cap * 2, size;
        struct norm_step *steps = NULL;
        if (checked_size(&size, cap, sizeof *steps))
            steps = realloc(n->steps, size);
        if (steps == NULL) {
            regex_close(step.regex);
            return fail_nomem(why);
        }
        n->steps = steps;
        n->cap = cap;
    }
    n->steps[n->n++] = step;
    return ERR_OK;
}

static enum err add_map(struct normalizer *n, norm_map *map,
                        struct err_info *why)
{
    return add(n, (struct norm_step){ .kind = NORM_CHARS, .map = map }, why);
}

static enum err copy(struct normalizer *n, struct slice text,
                     struct slice *out, struct err_info *why)
{
    *out = arena_copy(&n->memory, text);
    return out->at != NULL ? ERR_OK : fail_nomem(why);
}

/* ---- one reader a component that has fields ---- */

static enum err read_prepend(struct normalizer *n, const struct spec *s,
                             struct err_info *why)
{
    struct norm_step step = { .kind = NORM_PREPEND };
    enum err e;
    if ((e = spec_string(s, "prepend", &step.text, why)) != ERR_OK
        || (e = copy(n, step.text, &step.text, why)) != ERR_OK)
        return e;
    return add(n, step, why);
}

static enum err read_replace(struct normalizer *n, const struct spec *s,
                             struct err_info *why)
{
    struct norm_step step = { .kind = NORM_REPLACE };
    enum err e;
    if ((e = spec_string(s, "content", &step.text, why)) != ERR_OK
        || (e = copy(n, step.text, &step.text, why)) != ERR_OK
        || (e = spec_pattern(s, "pattern", &step.regex, why)) != ERR_OK)
        return e;
    return add(n, step, why);
}

static enum err read_strip(struct normalizer *n, const struct spec *s,
                           struct err_info *why)
{
    struct norm_step step = { .kind = NORM_STRIP };
    enum err e;
    if ((e = spec_bool(s, "strip_left", &step.left, why)) != ERR_OK
        || (e = spec_bool(s, "strip_right", &step.right, why)) != ERR_OK)
        return e;
    return add(n, step, why);
}

/* strip_accents null or missing: as lowercase. */
static enum err read_bert(struct normalizer *n, const struct spec *s,
                          struct err_info *why)
{
    const struct norm_step nfd = { .kind = NORM_FORM, .form = FORM_NFD };
    bool clean, chinese, accents, lower;
    enum err e;
    if ((e = spec_bool(s, "clean_text", &clean, why)) != ERR_OK
        || (e = spec_bool(s, "handle_chinese_chars", &chinese, why)) != ERR_OK
        || (e = spec_bool(s, "lowercase", &lower, why)) != ERR_OK)
        return e;
    accents = lower;
    if (!json_is(json_get(s->json, "strip_accents"), JSON_NULL))
        e = spec_bool_or(s, "strip_accents", lower, &accents, why);
    if (e == ERR_OK && clean)
        e = add_map(n, norm_bert_clean, why);
    if (e == ERR_OK && chinese)
        e = add_map(n, norm_bert_chinese, why);
    if (e == ERR_OK && accents)
        e = add(n, nfd, why);
    if (e == ERR_OK && accents)
        e = add_map(n, norm_bert_accents, why);
    if (e == ERR_OK && lower)
        e = add_map(n, unicode_lower, why);
    return e;
}

static enum err read_precompiled(struct normalizer *n, const struct spec *s,
                                 struct err_info *why)
{
    struct norm_step step = { .kind = NORM_CLUSTERS };
    struct strbuf blob = { 0 };
    struct slice text, kept;
    enum err e = spec_string(s, "precompiled_charsmap", &text, why);
    if (e != ERR_OK)
        return e;
    if (base64_decode(text, &blob))
        e = copy(n, strbuf_slice(&blob), &kept, why);
    else if (blob.failed)
        e = fail_nomem(why);
    else
        e = fail(why, ERR_FORMAT, "normalizer Precompiled: "
                 "\"precompiled_charsmap\" is no Base64");
    strbuf_drop(&blob);
    if (e == ERR_OK)
        e = charsmap_open(&step.charsmap, kept, why);
    return e != ERR_OK ? e : add(n, step, why);
}

typedef enum err read_fn(struct normalizer *n, const struct spec *s,
                         struct err_info *why);

/* A component is a step as it stands, or has a reader. */
static const struct reader {
    const char      *type;
    read_fn         *read;
    struct norm_step step;
} readers[] = {
#define X(name) { #name, NULL, { .kind = NORM_FORM, .form = FORM_##name } },
    NORMAL_FORM_LIST(X)
#undef X
    { "Lowercase", NULL, { .kind = NORM_CHARS, .map = unicode_lower } },
    { "StripAccents", NULL, { .kind = NORM_CHARS, .map = norm_strip_accents } },
    { "Nmt", NULL, { .kind = NORM_CHARS, .map = norm_nmt } },
    { "ByteLevel", NULL, { .kind = NORM_BYTES } },
    { .type = "Prepend", .read = read_prepend },
    { .type = "Replace", .read = read_replace },
    { .type = "Strip", .read = read_strip },
    { .type = "BertNormalizer", .read = read_bert },
    { .type = "Precompiled", .read = read_precompiled },
};

/* The steps of one component; a Sequence calls this for its parts, at most
 * DEPTH_MAX deep. */
static enum err read_component(struct normalizer *n, const struct json *json,
                               unsigned depth, struct err_info *why)
{
    struct spec s;
    const struct json *parts;
    enum err e = spec_open(&s, json, "normalizer", why);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        const struct reader *r = &readers[i];
        if (slice_is(s.type, r->type))
            return r->read != NULL ? r->read(n, &s, why)
                                   : add(n, r->step, why);
    }
    if (!slice_is(s.type, "Sequence"))
        return spec_bad(&s, ERR_UNKNOWN, "type", "a known one", why);
    if (depth == DEPTH_MAX)
        return fail(why, ERR_LIMIT, "normalizer: more than %d Sequences inside "
                    "each other", DEPTH_MAX);
    if ((e = spec_array(&s, "normalizers", &parts, why)) != ERR_OK)
        return e;
    for (parts = parts->first; parts != NULL; parts = parts->next)
        if ((e = read_component(n, parts, depth + 1, why)) != ERR_OK)
            return e;
    return ERR_OK;
}

enum err normalizer_open(struct normalizer **out, const struct json *spec,
                         struct err_info *why)
{
    struct normalizer *n = calloc(1, sizeof *n);
    *out = NULL;
    if (n == NULL)
        return fail_nomem(why);
    if (spec != NULL && spec->kind != JSON_NULL) {
        enum err e = read_component(n, spec, 0, why);
        if (e != ERR_OK) {
            normalizer_close(n);
            return e;
        }
    }
    *out = n;
    return ERR_OK;
}

enum err normalizer_open_charsmap(struct normalizer **out, struct slice blob,
                                  struct err_info *why)
{
    struct norm_step step = { .kind = NORM_PREFIXES };
    struct normalizer *n;
    enum err e = charsmap_open(&step.charsmap, blob, why);
    *out = NULL;
    if (e != ERR_OK)
        return e;
    if ((n = calloc(1, sizeof *n)) == NULL)
        return fail_nomem(why);
    if ((e = add(n, step, why)) != ERR_OK) {
        normalizer_close(n);
        return e;
    }
    *out = n;
    return ERR_OK;
}

void normalizer_close(struct normalizer *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n; i++)
        regex_close(n->steps[i].regex);
    free(n->steps);
    arena_drop(&n->memory);
    free(n);
}

bool normalizer_is_identity(const struct normalizer *n)
{
    return n->n == 0;
}

enum err normalizer_apply(const struct normalizer *n, struct slice text,
                          struct strbuf *out, bool *at_start,
                          struct err_info *why)
{
    struct strbuf work[2] = { { 0 } };
    struct norm_way way = { .most = SIZE_MAX, .at_start = true };
    enum err e = ERR_OK;
    if (text.len <= SIZE_MAX / 2 / GROWTH_MAX)
        way.most = (text.len + 1024) * GROWTH_MAX;
    if (n->n == 0)
        strbuf_put(out, text);
    for (size_t i = 0; e == ERR_OK && i < n->n; i++) {
        struct strbuf *to = i + 1 == n->n ? out : &work[i % 2];
        if (to != out)
            strbuf_clear(to);
        e = norm_run(&n->steps[i], text, &way, to, why);
        text = strbuf_slice(to);
    }
    if (e == ERR_OK && out->failed)
        e = fail_nomem(why);
    if (at_start != NULL)
        *at_start = *at_start && way.at_start;
    strbuf_drop(&work[0]);
    strbuf_drop(&work[1]);
    return e;
}
