/* Safetensors files into a checkpoint: one, or the many that an index names.
 *
 *   {"metadata": {...}, "weight_map": {TENSOR: FILE, ...}}
 *
 * The index says for each tensor which file holds it.  A tensor that a shard
 * has but the index does not give it is left out, with a notice: that is how
 * a name that stands in two shards is decided. */
#include "format/opening.h"

#include "base/limits.h"
#include "format/safetensors.h"
#include "format/show.h"
#include "format/sniff.h"

#include <stdlib.h>

static enum err read_file(struct opening *o, struct safetensors *s,
                          const char *path)
{
    const struct file *f;
    enum err e;

    if ((e = opening_map(o, &f, path, UINT64_MAX)) != ERR_OK
        || (e = sniff_refuse(f, SNIFF_MODEL, o->why)) != ERR_OK
        || (e = safetensors_read(s, f, &o->arena, o->why)) != ERR_OK)
        return e;
    return opening_add_file(o, f);
}

enum err opening_safetensors(struct opening *o, const char *path)
{
    struct safetensors s;
    enum err e = read_file(o, &s, path);

    for (size_t i = 0; e == ERR_OK && i < s.n_tensors; i++)
        e = opening_add_tensor(o, &s.tensors[i]);
    return e;
}

/* ---- the index ---- */

/* weight_map, twice: entry i is a tensor's name in `tensors` and its file's
 * name in `files`; both end up sorted, `shard[i]` ties them together. */
struct weight_map {
    struct opening    *o;
    const char        *path;        /* of the index */
    const char        *dir;
    struct json_reader json;
    struct json_token  token;
    struct strbuf      scratch;
    struct name_entry *tensors, *files;
    uint32_t          *shard;
    size_t             n, cap;
    bool               seen;        /* weight_map itself */
};

static enum err index_fail(struct weight_map *m, const char *problem,
                           struct slice name)
{
    return fail(m->o->why, ERR_FORMAT, "%s: byte %zu: %s%s", m->path,
                (size_t)(m->json.at - m->json.start), problem,
                show(name).text);
}

/* As in the header's reader: the path goes before the reader's sentence. */
static enum err next(struct weight_map *m)
{
    enum err e = json_next(&m->json, &m->token, m->o->why);

    return e == ERR_OK ? e : fail_within(m->o->why, "%s", m->path);
}

static enum err meaning(struct weight_map *m, struct slice written,
                        bool escaped, struct slice *out)
{
    *out = written;
    if (!escaped)
        return ERR_OK;
    strbuf_clear(&m->scratch);
    json_unescape(&m->scratch, written);
    if (!m->scratch.failed)
        *out = arena_copy(&m->o->arena, strbuf_slice(&m->scratch));
    return m->scratch.failed || out->at == NULL ? fail_nomem(m->o->why)
                                                : ERR_OK;
}

/* The file must lie beside the index: whoever wrote it must not reach others.*/
static bool is_plain_name(struct slice s)
{
    if (s.len == 0 || s.len > 255 || slice_is(s, ".") || slice_is(s, ".."))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '/' || s.at[i] == '\\' || s.at[i] == '\0')
            return false;
    return true;
}

/* Both lists grow together; each is kept when the other cannot. */
static bool make_room(struct weight_map *m)
{
    size_t cap = m->cap == 0 ? 256 : m->cap * 2;
    struct name_entry *tensors, *files;

    if (m->n < m->cap)
        return true;
    tensors = realloc(m->tensors, cap * sizeof *tensors);
    if (tensors != NULL)
        m->tensors = tensors;
    files = realloc(m->files, cap * sizeof *files);
    if (files != NULL)
        m->files = files;
    if (tensors == NULL || files == NULL)
        return false;
    m->cap = cap;
    return true;
}

/* One "TENSOR": "FILE". */
static enum err read_entry(struct weight_map *m)
{
    uint32_t i = (uint32_t)m->n;
    struct slice name;
    enum err e;

    if (m->token.kind != JSON_STRING)
        return index_fail(m, "weight_map gives no file name for ",
                          m->token.key);
    if (m->n == LIMIT_ALL_TENSORS)
        return fail(m->o->why, ERR_LIMIT, "%s: weight_map has more than %d "
                    "tensors", m->path, LIMIT_ALL_TENSORS);
    if (!make_room(m))
        return fail_nomem(m->o->why);
    e = meaning(m, m->token.key, m->token.key_escaped, &m->tensors[i].name);
    if (e == ERR_OK)
        e = meaning(m, m->token.text, m->token.text_escaped, &name);
    if (e != ERR_OK)
        return e;
    if (!is_plain_name(name))
        return index_fail(m, "weight_map names a file that is not a plain name "
                          "in its own directory: ", name);
    m->files[i].name = name;
    m->files[i].at = m->tensors[i].at = i;
    m->n++;
    return ERR_OK;
}

static enum err read_weight_map(struct weight_map *m)
{
    enum err e;

    if (m->seen)
        return index_fail(m, "the key stands there twice: ", m->token.key);
    m->seen = true;
    if (m->token.kind != JSON_OBJECT)
        return index_fail(m, "is no object: ", m->token.key);
    for (;;) {
        if ((e = next(m)) != ERR_OK || m->token.kind == JSON_END)
            return e;
        if ((e = read_entry(m)) != ERR_OK)
            return e;
    }
}

/* Everything but weight_map is passed over: total_size is a float in old files
 * and wrong in others, and nothing here needs it. */
static enum err read_index(struct weight_map *m, struct slice text)
{
    enum err e;

    json_reader_init(&m->json, text, JSON_DEPTH);
    if ((e = next(m)) != ERR_OK)
        return e;
    if (m->token.kind != JSON_OBJECT)
        return index_fail(m, "the index is no JSON object", SLICE(""));
    for (;;) {
        struct slice key;

        if ((e = next(m)) != ERR_OK)
            return e;
        if (m->token.kind == JSON_END)
            break;
        e = meaning(m, m->token.key, m->token.key_escaped, &key);
        if (e != ERR_OK)
            return e;
        if (slice_is(key, "weight_map"))
            e = read_weight_map(m);
        else if ((e = json_skip(&m->json, &m->token, NULL, m->o->why))
                 != ERR_OK)
            e = fail_within(m->o->why, "%s", m->path);
        if (e != ERR_OK)
            return e;
    }
    if (m->n == 0)
        return index_fail(m, "the index has no weight_map, or an empty one",
                          SLICE(""));
    return next(m);             /* nothing may follow */
}

/* Sort both sides; number the files in the order of their names. */
static enum err tie_together(struct weight_map *m)
{
    const struct name_entry *twice;
    uint32_t shard = 0;

    m->shard = malloc(m->n * sizeof *m->shard);
    if (m->shard == NULL)
        return fail_nomem(m->o->why);
    names_sort(m->tensors, m->n);
    twice = names_duplicate(m->tensors, m->n);
    if (twice != NULL)
        return fail(m->o->why, ERR_FORMAT, "%s: weight_map has the tensor %s "
                    "twice", m->path, show(twice->name).text);
    names_sort(m->files, m->n);
    for (size_t i = 0; i < m->n; i++) {
        if (i > 0 && !slice_eq(m->files[i].name, m->files[i - 1].name))
            shard++;
        m->shard[m->files[i].at] = shard;
    }
    return ERR_OK;
}

/* ---- the shards ---- */

/* `n` tensors of the index belong to shard `shard`, the one read as `s`. */
static enum err take_tensors(struct weight_map *m, const struct safetensors *s,
                             uint32_t shard, size_t n, const char *path)
{
    size_t taken = 0, left_out = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < s->n_tensors; i++) {
        const struct name_entry *t = names_find(m->tensors, m->n,
                                                s->tensors[i].name);
        if (t == NULL || m->shard[t->at] != shard) {
            left_out++;
            continue;
        }
        taken++;
        e = opening_add_tensor(m->o, &s->tensors[i]);
    }
    if (e == ERR_OK && left_out > 0)
        notice(m->o->notices, "%s: %zu tensors are left out, the index does "
               "not give them to this file", path, left_out);
    if (e == ERR_OK && taken < n)
        return fail(m->o->why, ERR_FORMAT, "%s: %zu of the %zu tensors are "
                    "missing that %s promises to be in it", path, n - taken, n,
                    path_base(m->path));
    return e;
}

/* m->files[first .. first + n) have one name: that shard, and its n tensors. */
static enum err read_shard(struct weight_map *m, size_t first, size_t n)
{
    struct slice name = m->files[first].name;
    const char *file = opening_copy(m->o, name), *path;
    struct safetensors s;
    enum err e;

    path = file == NULL ? NULL : opening_path(m->o, m->dir, file);
    if (path == NULL)
        return fail_nomem(m->o->why);
    if (file_kind(path) == FILE_NONE)
        return fail(m->o->why, ERR_IO, "%s: does not exist, although %s names "
                    "it; the download is incomplete", path,
                    path_base(m->path));
    e = read_file(m->o, &s, path);
    return e != ERR_OK ? e : take_tensors(m, &s, m->shard[m->files[first].at],
                                          n, path);
}

/* One shard for each run of equal names. */
static enum err read_shards(struct weight_map *m)
{
    size_t first = 0;
    enum err e = ERR_OK;

    for (size_t i = 1; e == ERR_OK && i <= m->n; i++) {
        if (i < m->n && slice_eq(m->files[i].name, m->files[first].name))
            continue;
        e = read_shard(m, first, i - first);
        first = i;
    }
    return e;
}

enum err opening_shards(struct opening *o, const char *dir, const char *index)
{
    struct side_file side = { dir, index, LIMIT_INDEX_FILE };
    struct weight_map m = { .o = o, .dir = dir };
    struct slice text;
    enum err e = opening_text(o, &side, &text, &m.path);

    if (e == ERR_OK)
        e = read_index(&m, text);
    if (e == ERR_OK)
        e = tie_together(&m);
    if (e == ERR_OK)
        e = read_shards(&m);
    strbuf_drop(&m.scratch);
    free(m.tensors);
    free(m.files);
    free(m.shard);
    return e;
}
