/* What all steps of opening share: mapping a file, growing the lists, parsing
 * a small JSON document.  Whatever is made here belongs to the opening. */
#include "format/opening.h"

#include "base/limits.h"
#include "format/sniff.h"

#include <stdlib.h>

/* A tree takes more than its text, at the worst some 60 bytes for each: an
 * array of one-digit numbers.  Nothing real comes near the bound. */
enum { TREE_MEMORY = 32 << 20 };

const char *opening_copy(struct opening *o, struct slice text)
{
    return arena_copy(&o->arena, text).at;
}

const char *opening_path(struct opening *o, const char *dir, const char *name)
{
    char *joined = path_join(dir, name);
    const char *kept;

    if (joined == NULL)
        return NULL;
    kept = opening_copy(o, slice_of(joined));
    free(joined);
    return kept;
}

/* The entry comes from the arena, so that a pointer to the file stays good. */
enum err opening_map(struct opening *o, const struct file **out,
                     const char *path, uint64_t max_size)
{
    struct map *m = arena_zero(&o->arena, 1, sizeof *m);
    enum err e;

    if (m == NULL)
        return fail_nomem(o->why);
    e = file_open_small(&m->file, path, max_size, o->why);
    if (e != ERR_OK)
        return e;
    m->next = o->maps;
    o->maps = m;
    *out = &m->file;
    return ERR_OK;
}

/* A dangling link counts as no file at all; everything else that is there and
 * cannot be read is an error, never "not there". */
enum err opening_text(struct opening *o, const struct side_file *side,
                      struct slice *text, const char **path)
{
    const char *full = opening_path(o, side->dir, side->name);
    const struct file *f;
    enum err e;

    *text = (struct slice){ NULL, 0 };
    if (full == NULL)
        return fail_nomem(o->why);
    if (path != NULL)
        *path = full;
    if (file_kind(full) == FILE_NONE)
        return ERR_OK;
    e = opening_map(o, &f, full, side->max_size);
    if (e != ERR_OK)
        return e;
    *text = file_slice(f);
    return sniff_refuse(f, SNIFF_TEXT, o->why);
}

/* Room for one more element in an array that doubles; NULL: no memory. */
static void *grown(void *array, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? 16 : *cap * 2;
    void *p = array;

    if (n < *cap)
        return array;
    p = realloc(array, more * size);
    if (p != NULL)
        *cap = more;
    return p;
}

enum err opening_add_file(struct opening *o, const struct file *f)
{
    const struct file **files = grown(o->files, o->n_files, &o->cap_files,
                                      sizeof *files);

    if (files == NULL)
        return fail_nomem(o->why);
    o->files = files;
    o->files[o->n_files++] = f;
    return ERR_OK;
}

enum err opening_add_tensor(struct opening *o, const struct tensor_info *t)
{
    struct tensor_info *tensors;

    if (o->n_tensors == LIMIT_ALL_TENSORS)
        return fail(o->why, ERR_LIMIT, "%s: more than %d tensors in all files "
                    "of the model", t->file->path, LIMIT_ALL_TENSORS);
    tensors = grown(o->tensors, o->n_tensors, &o->cap_tensors, sizeof *tensors);
    if (tensors == NULL)
        return fail_nomem(o->why);
    o->tensors = tensors;
    o->tensors[o->n_tensors++] = *t;
    return ERR_OK;
}

/* The arena has one limit, lowered for this document only.  A tree that hits
 * it ran out of what the file deserves, not out of memory. */
enum err opening_tree(struct opening *o, struct slice text, const char *path,
                      struct json **out)
{
    size_t limit = o->arena.limit;
    enum err e;

    o->arena.limit = o->arena.total + 2 * text.len + TREE_MEMORY;
    e = json_parse(out, &o->arena, text, JSON_DEPTH, o->why);
    if (e == ERR_NOMEM && o->arena.total + text.len + 4096 > o->arena.limit)
        e = fail(o->why, ERR_LIMIT, "holds more values than any such file "
                 "has");
    o->arena.limit = limit;
    return e == ERR_OK ? e : fail_within(o->why, "%s", path);
}

enum err opening_json(struct opening *o, struct slice text, const char *path,
                      const struct json **out)
{
    struct json *tree;
    enum err e = opening_tree(o, text, path, &tree);

    if (e != ERR_OK)
        return e;
    if (tree->kind != JSON_OBJECT)
        return fail(o->why, ERR_FORMAT, "%s: is %s, expected an object", path,
                    json_kind_name(tree->kind));
    *out = tree;
    return ERR_OK;
}
