/* A GGUF model in one file or in several ("-00001-of-00005.gguf").
 *
 * The first file holds the metadata; all hold tensors (the first perhaps none),
 * each file with an alignment and offsets of its own.  Three keys tie them:
 * split.no (from 0), split.count, and split.tensors.count, the total.  All
 * three are compared with what is really there, so that a file of another
 * model, renamed, is found out. */
#include "format/opening.h"

#include "format/show.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_SPLITS = 65535, SUFFIX_SIZE = 32 };

struct split {
    uint32_t no, count;
    int64_t  n_tensors;     /* over all files; -1: not said */
};

/* Metadata as keys; without an architecture, which only the first file has. */
static struct keys keys_of(const struct gguf *g)
{
    return (struct keys){ .naming = NAMING_GGUF, .path = g->file->path,
                          .meta = &g->meta };
}

/* Writers use u16 and i32 here, older ones u32: any integer will do. */
static enum err read_split(struct split *s, const struct gguf *g,
                           struct err_info *why)
{
    struct keys k = keys_of(g);
    enum err e;

    *s = (struct split){ 0, 0, -1 };
    if ((e = keys_uint(&s->no, &k, (struct key_name){ NULL, "split.no" },
                       (struct uint_range){ 0, MAX_SPLITS }, why)) != ERR_OK
        || (e = keys_uint(&s->count, &k,
                          (struct key_name){ NULL, "split.count" },
                          (struct uint_range){ 0, MAX_SPLITS }, why)) != ERR_OK)
        return e;
    return keys_int(&s->n_tensors, &k,
                    (struct key_name){ NULL, "split.tensors.count" }, why);
}

static enum err add_tensors(struct opening *o, const struct gguf *g)
{
    enum err e = opening_add_file(o, g->file);

    for (size_t i = 0; e == ERR_OK && i < g->n_tensors; i++)
        e = opening_add_tensor(o, &g->tensors[i]);
    return e;
}

static void suffix(char out[SUFFIX_SIZE], uint32_t no, uint32_t count)
{
    snprintf(out, SUFFIX_SIZE, "-%05" PRIu32 "-of-%05" PRIu32 ".gguf", no + 1,
             count);
}

/* The path of file `no`, made from that of file 0. */
static enum err path_of(struct opening *o, const char *first,
                        const struct split *s, uint32_t no, const char **out)
{
    struct slice stem = slice_of(first);
    struct strbuf path = { 0 };
    char old[SUFFIX_SIZE], new[SUFFIX_SIZE];
    const char *text;

    suffix(old, 0, s->count);
    suffix(new, no, s->count);
    if (!slice_ends(stem, slice_of(old)))
        return fail(o->why, ERR_FORMAT, "%s: is the first of %" PRIu32 " files "
                    "of a split model, so its name has to end in %s", first,
                    s->count, old);
    stem.len -= strlen(old);
    strbuf_put(&path, stem);
    strbuf_puts(&path, new);
    text = strbuf_cstr(&path);
    *out = text == NULL ? NULL : opening_copy(o, slice_of(text));
    strbuf_drop(&path);
    return *out == NULL ? fail_nomem(o->why) : ERR_OK;
}

/* Open file `no` > 0 and add its tensors. */
static enum err add_split(struct opening *o, const char *first,
                          const struct split *s, uint32_t no)
{
    const struct file *f;
    const char *path;
    struct split own;
    struct gguf g;
    enum err e;

    if ((e = path_of(o, first, s, no, &path)) != ERR_OK)
        return e;
    if (file_kind(path) == FILE_NONE)
        return fail(o->why, ERR_IO, "%s: does not exist, although %s is the "
                    "first of %" PRIu32 " files; the download is incomplete",
                    path, path_base(first), s->count);
    if ((e = opening_map(o, &f, path, UINT64_MAX)) != ERR_OK
        || (e = gguf_read(&g, f, &o->arena, o->why)) != ERR_OK
        || (e = read_split(&own, &g, o->why)) != ERR_OK)
        return e;
    if (own.no != no)
        return fail(o->why, ERR_FORMAT, "%s: split.no is %" PRIu32 ", its name "
                    "says %" PRIu32, path, own.no, no);
    if (own.count != s->count)
        return fail(o->why, ERR_FORMAT, "%s: split.count is %" PRIu32 ", the "
                    "first file says %" PRIu32, path, own.count, s->count);
    return add_tensors(o, &g);
}

/* Files without the total come from an early tool. */
static enum err check_total(struct opening *o, const char *first,
                            const struct split *s)
{
    if (s->n_tensors >= 0 && (uint64_t)s->n_tensors != o->n_tensors)
        return fail(o->why, ERR_FORMAT, "%s: split.tensors.count is %" PRId64
                    ", the %" PRIu32 " files hold %zu tensors", first,
                    s->n_tensors, s->count, o->n_tensors);
    return ERR_OK;
}

enum err opening_gguf(struct opening *o, const struct file *f)
{
    struct split s;
    enum err e;

    if ((e = gguf_read(&o->gguf, f, &o->arena, o->why)) != ERR_OK
        || (e = read_split(&s, &o->gguf, o->why)) != ERR_OK)
        return e;
    if (s.no != 0)
        return fail(o->why, ERR_FORMAT, "%s: is file %" PRIu32 " of %" PRIu32
                    " of a split model; give the first one", f->path, s.no + 1,
                    s.count);
    o->c.keys = keys_of(&o->gguf);
    e = add_tensors(o, &o->gguf);
    /* The tokenizer lies in the first file; the rest may not be there yet. */
    if (e != ERR_OK || s.count <= 1 || o->no_weights)
        return e;
    for (uint32_t no = 1; e == ERR_OK && no < s.count; no++)
        e = add_split(o, f->path, &s, no);
    return e == ERR_OK ? check_total(o, f->path, &s) : e;
}
