/* The header of a safetensors file:
 *
 *   {"__metadata__": {string: string, ...},
 *    NAME: {"dtype": STRING, "shape": [uint...], "data_offsets": [uint, uint]},
 *    ...}
 *
 * It is read as a stream: it may have 100 MB, and a tree of it would take ten
 * times as much.  Unknown fields of a tensor are passed over, as the reference
 * does.  Beyond the reference, which keeps the last of two equal keys: no key
 * stands twice, neither a tensor's name, nor a field, nor one of the metadata.
 * Integers are exact to 64 bits, and 1.0 is none. */
#include "format/safetensors_header.h"

#include "base/json.h"
#include "base/limits.h"
#include "format/names.h"
#include "format/show.h"

#include <inttypes.h>
#include <stdlib.h>

/* The metadata's keys; their values are of no interest to anybody here. */
struct name_list {
    struct name_entry *e;
    size_t             n, cap;
};

struct header {
    struct json_reader  json;
    struct json_token   token;      /* the last one */
    const struct file  *file;
    struct arena       *arena;
    struct strbuf       scratch;
    struct tensor_info *tensors;
    size_t              n, cap;
    struct name_list    metadata;
    bool                has_metadata;
    struct err_info    *why;
};

enum field { FIELD_DTYPE = 1, FIELD_SHAPE = 2, FIELD_OFFSETS = 4 };

/* "PATH: byte N: ...": the place is the end of the token just read. */
static enum err header_fail(struct header *h, enum err code, const char *what,
                            struct slice name, const char *problem)
{
    return fail(h->why, code, "%s: byte %zu: %s%s: %s", h->file->path,
                8 + (size_t)(h->json.at - h->json.start), what,
                show(name).text, problem);
}

static enum err tensor_fail(struct header *h, const struct tensor_info *t,
                            const char *problem)
{
    return header_fail(h, ERR_FORMAT, "tensor ", t->name, problem);
}

/* The reader's own sentence has line and column; the file's name goes before */
static enum err next(struct header *h)
{
    enum err e = json_next(&h->json, &h->token, h->why);

    return e == ERR_OK ? e
                       : fail_within(h->why, "%s: header (8 bytes into the "
                                     "file)", h->file->path);
}

/* A key as it is meant; copied only when it has escapes. */
static enum err meaning(struct header *h, struct slice written, bool escaped,
                        struct slice *out)
{
    *out = written;
    if (!escaped)
        return ERR_OK;
    strbuf_clear(&h->scratch);
    json_unescape(&h->scratch, written);
    if (!h->scratch.failed)
        *out = arena_copy(h->arena, strbuf_slice(&h->scratch));
    return h->scratch.failed || out->at == NULL ? fail_nomem(h->why) : ERR_OK;
}

/* ---- one tensor ---- */

static enum err read_dtype(struct header *h, struct tensor_info *t)
{
    struct slice name;
    enum err e;

    if (h->token.kind != JSON_STRING)
        return tensor_fail(h, t, "dtype is no string");
    e = meaning(h, h->token.text, h->token.text_escaped, &name);
    if (e != ERR_OK)
        return e;
    t->dtype = dtype_by_safetensors(name);
    if (t->dtype == NULL)
        return fail(h->why, ERR_FORMAT, "%s: byte %zu: tensor %s: dtype \"%s\" "
                    "is not one of the format's", h->file->path,
                    8 + (size_t)(h->json.at - h->json.start),
                    show(t->name).text, show(name).text);
    return ERR_OK;
}

/* The elements of an array of at most `max` unsigned integers. */
static enum err read_uints(struct header *h, struct tensor_info *t,
                           uint64_t *out, uint32_t max, uint32_t *n)
{
    enum err e;

    *n = 0;
    for (;;) {
        if ((e = next(h)) != ERR_OK)
            return e;
        if (h->token.kind == JSON_END)
            return ERR_OK;
        if (h->token.kind != JSON_INT || h->token.integer.negative)
            return tensor_fail(h, t, "shape and data_offsets hold integers "
                               "from 0 to 2^64 - 1 only");
        if (*n == max)
            return tensor_fail(h, t, max == 2 ? "data_offsets has more than "
                               "two entries" : "shape has more than 8 "
                               "dimensions, which is not supported");
        out[(*n)++] = h->token.integer.magnitude;
    }
}

static enum err read_shape(struct header *h, struct tensor_info *t)
{
    if (h->token.kind != JSON_ARRAY)
        return tensor_fail(h, t, "shape is no array");
    return read_uints(h, t, t->dims, TENSOR_DIMS_MAX, &t->n_dims);
}

static enum err read_offsets(struct header *h, struct tensor_info *t)
{
    uint64_t at[2];
    uint32_t n;
    enum err e;

    if (h->token.kind != JSON_ARRAY)
        return tensor_fail(h, t, "data_offsets is no array");
    if ((e = read_uints(h, t, at, 2, &n)) != ERR_OK)
        return e;
    if (n != 2)
        return tensor_fail(h, t, "data_offsets has fewer than two entries");
    if (at[1] < at[0])
        return tensor_fail(h, t, "data_offsets end before they begin");
    t->file_offset = at[0];
    t->size = at[1] - at[0];
    return ERR_OK;
}

/* The value of a field of a tensor; unknown ones are passed over, as the
 * reference does. */
static enum err read_field(struct header *h, struct tensor_info *t,
                           unsigned *seen)
{
    static const struct {
        const char *name;
        enum field  bit;
        enum err  (*read)(struct header *h, struct tensor_info *t);
    } fields[] = {
        { "dtype", FIELD_DTYPE, read_dtype },
        { "shape", FIELD_SHAPE, read_shape },
        { "data_offsets", FIELD_OFFSETS, read_offsets },
    };
    struct slice key;
    enum err e = meaning(h, h->token.key, h->token.key_escaped, &key);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!slice_is(key, fields[i].name))
            continue;
        if ((*seen & fields[i].bit) != 0)
            return tensor_fail(h, t, "a field stands there twice");
        *seen |= fields[i].bit;
        return fields[i].read(h, t);
    }
    e = json_skip(&h->json, &h->token, NULL, h->why);
    return e == ERR_OK ? e : fail_within(h->why, "%s: header", h->file->path);
}

/* The member just begun is a tensor: its key is the name. */
static enum err read_tensor(struct header *h, struct tensor_info *t)
{
    unsigned seen = 0;
    enum err e;

    t->file = h->file;
    e = meaning(h, h->token.key, h->token.key_escaped, &t->name);
    if (e != ERR_OK)
        return e;
    if (h->token.kind != JSON_OBJECT)
        return tensor_fail(h, t, "is no object");
    for (;;) {
        if ((e = next(h)) != ERR_OK)
            return e;
        if (h->token.kind == JSON_END)
            break;
        if ((e = read_field(h, t, &seen)) != ERR_OK)
            return e;
    }
    if ((seen & FIELD_DTYPE) == 0)
        return tensor_fail(h, t, "dtype is missing");
    if ((seen & FIELD_SHAPE) == 0)
        return tensor_fail(h, t, "shape is missing");
    if ((seen & FIELD_OFFSETS) == 0)
        return tensor_fail(h, t, "data_offsets are missing");
    return ERR_OK;
}

/* Tensors grow as they come: the header does not say how many there are.
 * Below the limit doubling stays small against the header itself. */
static enum err add_tensor(struct header *h)
{
    struct tensor_info *more;

    if (h->n == LIMIT_ST_TENSORS)
        return fail(h->why, ERR_LIMIT, "%s: more than %d tensors in one file",
                    h->file->path, LIMIT_ST_TENSORS);
    if (h->n == h->cap) {
        h->cap = h->cap == 0 ? 64 : h->cap * 2;
        more = realloc(h->tensors, h->cap * sizeof *more);
        if (more == NULL)
            return fail_nomem(h->why);
        h->tensors = more;
    }
    h->tensors[h->n] = (struct tensor_info){ 0 };
    return read_tensor(h, &h->tensors[h->n++]);
}

/* ---- __metadata__ ---- */

static enum err add_metadata(struct header *h)
{
    struct name_list *l = &h->metadata;
    struct name_entry *more;

    if (h->token.kind != JSON_STRING)
        return header_fail(h, ERR_FORMAT, "__metadata__: ", h->token.key,
                           "is no string");
    if (l->n == LIMIT_ST_TENSORS)
        return fail(h->why, ERR_LIMIT, "%s: __metadata__ has more than %d keys",
                    h->file->path, LIMIT_ST_TENSORS);
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        more = realloc(l->e, l->cap * sizeof *more);
        if (more == NULL)
            return fail_nomem(h->why);
        l->e = more;
    }
    l->e[l->n].at = (uint32_t)l->n;
    return meaning(h, h->token.key, h->token.key_escaped, &l->e[l->n++].name);
}

static enum err read_metadata(struct header *h)
{
    const struct name_entry *twice;
    enum err e;

    if (h->has_metadata)
        return fail(h->why, ERR_FORMAT, "%s: byte %zu: __metadata__ stands "
                    "there twice", h->file->path,
                    8 + (size_t)(h->json.at - h->json.start));
    h->has_metadata = true;
    if (h->token.kind == JSON_NULL)
        return ERR_OK;
    if (h->token.kind != JSON_OBJECT)
        return fail(h->why, ERR_FORMAT, "%s: byte %zu: __metadata__ is no "
                    "object", h->file->path,
                    8 + (size_t)(h->json.at - h->json.start));
    for (;;) {
        if ((e = next(h)) != ERR_OK)
            return e;
        if (h->token.kind == JSON_END)
            break;
        if ((e = add_metadata(h)) != ERR_OK)
            return e;
    }
    names_sort(h->metadata.e, h->metadata.n);
    twice = names_duplicate(h->metadata.e, h->metadata.n);
    return twice == NULL ? ERR_OK
                         : fail(h->why, ERR_FORMAT, "%s: __metadata__: the key "
                                "%s stands there twice", h->file->path,
                                show(twice->name).text);
}

/* ---- the whole ---- */

static enum err read_members(struct header *h)
{
    struct slice key;
    enum err e;

    if ((e = next(h)) != ERR_OK)
        return e;
    if (h->token.kind != JSON_OBJECT)
        return fail(h->why, ERR_FORMAT, "%s: byte 8: the header is no JSON "
                    "object", h->file->path);
    for (;;) {
        if ((e = next(h)) != ERR_OK)
            return e;
        if (h->token.kind == JSON_END)
            return next(h);         /* nothing may follow */
        e = meaning(h, h->token.key, h->token.key_escaped, &key);
        if (e == ERR_OK)
            e = slice_is(key, "__metadata__") ? read_metadata(h)
                                              : add_tensor(h);
        if (e != ERR_OK)
            return e;
    }
}

/* After all are read, because sorting finds twins at once: comparing each name
 * with those before it would take 2 billion steps at the limit. */
static enum err check_names(struct header *h)
{
    struct name_entry *index = malloc((h->n + 1) * sizeof *index);
    const struct name_entry *twice;
    enum err e = ERR_OK;

    if (index == NULL)
        return fail_nomem(h->why);
    for (size_t i = 0; i < h->n; i++)
        index[i] = (struct name_entry){ h->tensors[i].name, (uint32_t)i };
    names_sort(index, h->n);
    twice = names_duplicate(index, h->n);
    if (twice != NULL)
        e = fail(h->why, ERR_FORMAT, "%s: header: the tensor %s stands there "
                 "twice", h->file->path, show(twice->name).text);
    free(index);
    return e;
}

enum err safetensors_read_header(struct safetensors *s, const struct file *f,
                                 struct slice header, struct arena *arena,
                                 struct err_info *why)
{
    struct header h = { .file = f, .arena = arena, .why = why };
    enum err e;

    json_reader_init(&h.json, header, LIMIT_ST_DEPTH);
    e = read_members(&h);
    if (e == ERR_OK)
        e = check_names(&h);
    if (e == ERR_OK) {
        s->n_tensors = h.n;
        s->tensors = arena_take(arena, h.n, sizeof *s->tensors);
        if (s->tensors == NULL && h.n > 0)
            e = fail_nomem(why);
        else if (h.n > 0)
            memcpy(s->tensors, h.tensors, h.n * sizeof *s->tensors);
    }
    strbuf_drop(&h.scratch);
    free(h.tensors);
    free(h.metadata.e);
    return e;
}
