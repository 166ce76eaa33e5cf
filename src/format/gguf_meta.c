/* The key-value pairs of a GGUF file.
 *
 * Values stay where they are: what is kept is a slice of the mapping, at any
 * alignment.  An array of strings is walked once, here, so that every later
 * walk may trust its lengths; a vocabulary of 262,144 tokens takes 0.7 ms.
 *
 * A string has two refusals: too long for us, which is a limit, and longer than
 * what is left of the file, which is damage. */
#include "format/gguf_reader.h"

#include "base/checked.h"
#include "base/limits.h"
#include "format/show.h"

#include <inttypes.h>

static const struct { const char *name; uint32_t size; } types[] = {
#define X(id, name_, size_) [GGUF_##id] = { name_, size_ },
    GGUF_TYPE_LIST(X)
#undef X
};

const char *gguf_type_name(enum gguf_type type)
{
    return types[type].name;
}

uint32_t gguf_type_size(enum gguf_type type)
{
    return types[type].size;
}

/* `i` counts the keys: one that cannot be read has no name to be called by. */
static enum err read_key(struct gguf_reader *r, struct slice *key, size_t i)
{
    uint64_t at = gguf_at(r), len;

    if (!cursor_u64(&r->c, &len))
        return gguf_cut(r, "the length of a key");
    if (len == 0)
        return gguf_fail(r, at, ERR_FORMAT, "key %zu is empty", i);
    if (len > LIMIT_GGUF_KEY)
        return gguf_fail(r, at, ERR_FORMAT, "key %zu is %" PRIu64
                         " bytes long, at most %d are allowed", i, len,
                         LIMIT_GGUF_KEY);
    if (!cursor_slice(&r->c, key, len))
        return gguf_fail(r, at, ERR_FORMAT, "key %zu is %" PRIu64 " bytes "
                         "long, but only %zu follow", i, len, r->c.left);
    return ERR_OK;
}

static enum err read_string(struct gguf_reader *r, struct gguf_value *v)
{
    uint64_t at = gguf_at(r), len;

    if (!cursor_u64(&r->c, &len))
        return gguf_cut(r, "the length of a string value");
    if (len > LIMIT_GGUF_STRING)
        return gguf_fail(r, at, ERR_LIMIT, "the value of %s is a string of %"
                         PRIu64 " bytes, the limit is %d", show(v->key).text,
                         len, LIMIT_GGUF_STRING);
    if (!cursor_slice(&r->c, &v->bytes, len))
        return gguf_fail(r, at, ERR_FORMAT, "the value of %s is a string of %"
                         PRIu64 " bytes, but only %zu follow",
                         show(v->key).text, len, r->c.left);
    return ERR_OK;
}

/* Afterwards v->bytes holds exactly v->n whole strings. */
static enum err walk_strings(struct gguf_reader *r, struct gguf_value *v)
{
    const uint8_t *start = r->c.at;

    for (uint64_t i = 0; i < v->n; i++) {
        uint64_t at = gguf_at(r), len;

        if (!cursor_u64(&r->c, &len))
            return gguf_fail(r, at, ERR_FORMAT, "the file ends inside the "
                             "length of string %" PRIu64 " of %s", i,
                             show(v->key).text);
        if (len > LIMIT_GGUF_STRING)
            return gguf_fail(r, at, ERR_LIMIT, "string %" PRIu64 " of %s has %"
                             PRIu64 " bytes, the limit is %d", i,
                             show(v->key).text, len, LIMIT_GGUF_STRING);
        if (!cursor_skip(&r->c, len))
            return gguf_fail(r, at, ERR_FORMAT, "string %" PRIu64 " of %s has %"
                             PRIu64 " bytes, but only %zu follow", i,
                             show(v->key).text, len, r->c.left);
    }
    v->bytes = (struct slice){ (const char *)start, (size_t)(r->c.at - start) };
    return ERR_OK;
}

/* Arrays of arrays are in the format's description, but neither ggml nor any
 * known writer has them, and they would need a stack here. */
static enum err read_array_type(struct gguf_reader *r, struct gguf_value *v)
{
    uint64_t at = gguf_at(r);
    uint32_t type;

    if (!cursor_u32(&r->c, &type))
        return gguf_cut(r, "the element type of an array");
    if (type == GGUF_ARRAY)
        return gguf_fail(r, at, ERR_UNKNOWN, "%s is an array of arrays, which "
                         "is not supported", show(v->key).text);
    if (type >= GGUF_N_TYPES)
        return gguf_fail(r, at, ERR_FORMAT, "%s is an array of type %" PRIu32
                         ", expected 0 to %d", show(v->key).text, type,
                         GGUF_N_TYPES - 1);
    v->type = (enum gguf_type)type;
    return ERR_OK;
}

static enum err read_array(struct gguf_reader *r, struct gguf_value *v)
{
    uint64_t at, size;
    enum err e = read_array_type(r, v);

    if (e != ERR_OK)
        return e;
    v->is_array = true;
    at = gguf_at(r);
    if (!cursor_u64(&r->c, &v->n))
        return gguf_cut(r, "the length of an array");
    /* A string takes its length's 8 bytes at least. */
    if (!checked_mul(&size, v->n, v->type == GGUF_STRING
                                  ? 8 : types[v->type].size)
        || size > r->c.left)
        return gguf_fail(r, at, ERR_FORMAT, "%s is an array of %" PRIu64
                         " values of type %s, but only %zu bytes follow",
                         show(v->key).text, v->n, types[v->type].name,
                         r->c.left);
    if (v->n > LIMIT_GGUF_ARRAY)
        return gguf_fail(r, at, ERR_LIMIT, "%s is an array of %" PRIu64
                         " values, the limit is %d", show(v->key).text, v->n,
                         LIMIT_GGUF_ARRAY);
    if (v->type == GGUF_STRING)
        return walk_strings(r, v);
    cursor_slice(&r->c, &v->bytes, size);
    return ERR_OK;
}

/* The value of v->key: its type, then what the type says. */
static enum err read_value(struct gguf_reader *r, struct gguf_value *v)
{
    uint64_t at = gguf_at(r);
    uint32_t type;

    if (!cursor_u32(&r->c, &type))
        return gguf_cut(r, "the type of a value");
    if (type >= GGUF_N_TYPES)
        return gguf_fail(r, at, ERR_FORMAT, "the value of %s is of type %"
                         PRIu32 ", expected 0 to %d", show(v->key).text, type,
                         GGUF_N_TYPES - 1);
    v->type = (enum gguf_type)type;
    if (type == GGUF_ARRAY)
        return read_array(r, v);
    v->n = 1;
    if (type == GGUF_STRING)
        return read_string(r, v);
    if (!cursor_slice(&r->c, &v->bytes, types[type].size))
        return gguf_fail(r, gguf_at(r), ERR_FORMAT, "the file ends inside the "
                         "value of %s", show(v->key).text);
    return ERR_OK;
}

/* Build the index that gguf_find uses; twins become neighbours in it. */
static enum err check_keys(struct gguf_reader *r, struct gguf_meta *m)
{
    struct name_entry *index = arena_take(r->arena, m->n, sizeof *index);
    const struct name_entry *twice;

    if (index == NULL && m->n > 0)
        return fail_nomem(r->why);
    for (size_t i = 0; i < m->n; i++)
        index[i] = (struct name_entry){ m->values[i].key, (uint32_t)i };
    names_sort(index, m->n);
    m->index = index;
    twice = names_duplicate(index, m->n);
    if (twice != NULL)
        return gguf_fail(r, (uint64_t)((const uint8_t *)twice->name.at
                                       - r->file->at),
                         ERR_FORMAT, "the key %s is there twice",
                         show(twice->name).text);
    return ERR_OK;
}

enum err gguf_read_meta(struct gguf_reader *r, struct gguf_meta *m, size_t n)
{
    struct gguf_value *values = arena_zero(r->arena, n, sizeof *values);
    enum err e;

    if (values == NULL && n > 0)
        return fail_nomem(r->why);
    for (size_t i = 0; i < n; i++)
        if ((e = read_key(r, &values[i].key, i)) != ERR_OK
            || (e = read_value(r, &values[i])) != ERR_OK)
            return e;
    m->values = values;
    m->n = n;
    return check_keys(r, m);
}
