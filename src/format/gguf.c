/* The frame of a GGUF file (versions 2 and 3, little-endian):
 *
 *   "GGUF"  version u32  n_tensors u64  n_keys u64
 *   n_keys    x { key string, type u32, value }            gguf_meta.c
 *   n_tensors x { name string, n_dims u32, dims u64...,    gguf_tensors.c
 *                 type u32, offset u64 }
 *   zeros up to a multiple of the alignment
 *   the tensors' data, each padded to the alignment
 *
 * A string is a u64 length and that many bytes.  Nothing before the data is
 * aligned, so every field is taken by copying (base/cursor.h).
 *
 *   1. A count is compared with the bytes that are left before anything is
 *      allocated or looped over: a file cannot ask for more than it brings.
 *   2. All sums and products of values from the file are checked.
 *   3. Every refusal is a sentence of its own and says at which byte. */
#include "format/gguf_reader.h"

#include "base/limits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* The smallest records there can be: a key of one letter with a value of one
 * byte; a tensor's fixed fields. */
enum { MIN_PAIR = 14, MIN_TENSOR = 24 };

/* Formatted twice, because the place stands in front of the sentence. */
enum err gguf_fail(const struct gguf_reader *r, uint64_t at, enum err code,
                   const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail(r->why, code, "%s: byte %" PRIu64 ": %s", r->file->path, at,
                text);
}

enum err gguf_cut(const struct gguf_reader *r, const char *what)
{
    return gguf_fail(r, gguf_at(r), ERR_FORMAT,
                     "the file ends inside %s; it is cut off or damaged, "
                     "fetch it again", what);
}

/* The caller looked at the first bytes already when it chose this reader, but
 * only for files that were not named *.gguf. */
static enum err read_magic(struct gguf_reader *r)
{
    struct slice magic;

    if (!cursor_slice(&r->c, &magic, 4))
        return gguf_cut(r, "the magic number");
    if (!slice_is(magic, "GGUF"))
        return gguf_fail(r, 0, ERR_FORMAT, "the magic number is "
                         "%02x %02x %02x %02x, expected 47 47 55 46 (GGUF)",
                         (uint8_t)magic.at[0], (uint8_t)magic.at[1],
                         (uint8_t)magic.at[2], (uint8_t)magic.at[3]);
    return ERR_OK;
}

static enum err read_version(struct gguf_reader *r, uint32_t *version)
{
    uint64_t at = gguf_at(r);
    uint32_t v;

    if (!cursor_u32(&r->c, &v))
        return gguf_cut(r, "the version");
    *version = v;
    if (v == 0)
        return gguf_fail(r, at, ERR_FORMAT,
                         "version is 0, expected 2 or 3");
    /* Nothing in the file says its byte order; a version that is a multiple
     * of 65536 is one that was written the other way round. */
    if ((v & 0xFFFF) == 0)
        return gguf_fail(r, at, ERR_UNKNOWN, "a big-endian GGUF file (version "
                         "reads 0x%08" PRIx32 "); convert it to little-endian",
                         v);
    if (v == 1)
        return gguf_fail(r, at, ERR_UNKNOWN, "GGUF version 1 is too old, "
                         "expected 2 or 3; convert the model again");
    if (v > 3)
        return gguf_fail(r, at, ERR_UNKNOWN, "GGUF version %" PRIu32
                         " is newer than this program, expected 2 or 3", v);
    return ERR_OK;
}

/* What a count counts, how many we take, and how many bytes one takes at the
 * very least. */
struct count {
    const char *what;
    uint64_t    limit, min_record;
};

static enum err read_count(struct gguf_reader *r, const struct count *kind,
                           size_t *out)
{
    uint64_t at = gguf_at(r), n;

    if (!cursor_u64(&r->c, &n))
        return gguf_cut(r, kind->what);
    /* ggml reads these as signed; a writer's -1 deserves its own words. */
    if (n > INT64_MAX)
        return gguf_fail(r, at, ERR_FORMAT, "%s is negative (%" PRId64 ")",
                         kind->what, (int64_t)n);
    if (n > r->c.left / kind->min_record)
        return gguf_fail(r, at, ERR_FORMAT, "%s is %" PRIu64 ", but only %zu "
                         "bytes follow", kind->what, n, r->c.left);
    if (n > kind->limit)
        return gguf_fail(r, at, ERR_LIMIT, "%s is %" PRIu64 ", the limit is %"
                         PRIu64, kind->what, n, kind->limit);
    *out = (size_t)n;
    return ERR_OK;
}

/* The format says "a multiple of 8", ggml "a power of two": both must hold.
 * The upper bound keeps the padding from swallowing the file. */
static enum err read_alignment(struct gguf_reader *r, struct gguf *g)
{
    const struct gguf_value *v = gguf_find(&g->meta,
                                           SLICE("general.alignment"));
    uint64_t at;

    g->alignment = 32;
    if (v == NULL)
        return ERR_OK;
    at = (uint64_t)((const uint8_t *)v->bytes.at - r->file->at);
    if (v->is_array || v->type != GGUF_U32)
        return gguf_fail(r, at, ERR_FORMAT, "general.alignment is of type %s, "
                         "expected u32",
                         v->is_array ? "array" : gguf_type_name(v->type));
    memcpy(&g->alignment, v->bytes.at, sizeof g->alignment);
    if (g->alignment < 8 || g->alignment > LIMIT_GGUF_ALIGNMENT
        || (g->alignment & (g->alignment - 1)) != 0)
        return gguf_fail(r, at, ERR_FORMAT, "general.alignment is %" PRIu32
                         ", expected a power of two from 8 to %d",
                         g->alignment, LIMIT_GGUF_ALIGNMENT);
    return ERR_OK;
}

enum err gguf_read(struct gguf *g, const struct file *f, struct arena *arena,
                   struct err_info *why)
{
    static const struct count tensors = {
        "the number of tensors", LIMIT_GGUF_TENSORS, MIN_TENSOR };
    static const struct count keys = {
        "the number of keys", LIMIT_GGUF_KEYS, MIN_PAIR };
    struct gguf_reader r = { { f->at, (size_t)f->size }, f, arena, why };
    size_t n_tensors = 0, n_keys = 0;
    enum err e;

    *g = (struct gguf){ .file = f };
    if ((e = read_magic(&r)) != ERR_OK
        || (e = read_version(&r, &g->version)) != ERR_OK
        || (e = read_count(&r, &tensors, &n_tensors)) != ERR_OK
        || (e = read_count(&r, &keys, &n_keys)) != ERR_OK
        || (e = gguf_read_meta(&r, &g->meta, n_keys)) != ERR_OK
        || (e = read_alignment(&r, g)) != ERR_OK)
        return e;
    return gguf_read_tensors(&r, g, n_tensors);
}
