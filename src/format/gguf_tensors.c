/* The tensor infos of a GGUF file and the places of their data.
 *
 * The places are ggml's rule, which is stricter than the format's description:
 * in the order of the infos, each tensor begins where the one before it ended,
 * padded to the alignment.  No overlap, no hole, no order of one's own; so the
 * sum of all sizes is the size of the data, and each is inside the file when
 * the last one is. */
#include "format/gguf_reader.h"

#include "base/checked.h"
#include "base/limits.h"
#include "format/show.h"

#include <inttypes.h>

/* ggml's: a name has 64 bytes there with its NUL. */
enum { MAX_NAME = 63, MAX_DIMS = 4 };

static enum err read_name(struct gguf_reader *r, struct slice *name, size_t i)
{
    uint64_t at = gguf_at(r), len;

    if (!cursor_u64(&r->c, &len))
        return gguf_cut(r, "the length of a tensor's name");
    if (len == 0)
        return gguf_fail(r, at, ERR_FORMAT, "tensor %zu has an empty name", i);
    if (len > MAX_NAME)
        return gguf_fail(r, at, ERR_FORMAT, "the name of tensor %zu is %"
                         PRIu64 " bytes long, at most %d are allowed", i, len,
                         MAX_NAME);
    if (!cursor_slice(&r->c, name, len))
        return gguf_cut(r, "a tensor's name");
    return ERR_OK;
}

/* The file lists the innermost dimension first; here the outermost is. */
static enum err read_dims(struct gguf_reader *r, struct tensor_info *t)
{
    uint64_t at = gguf_at(r);

    if (!cursor_u32(&r->c, &t->n_dims))
        return gguf_cut(r, "a tensor's number of dimensions");
    if (t->n_dims > MAX_DIMS)
        return gguf_fail(r, at, ERR_FORMAT, "tensor %s has %" PRIu32
                         " dimensions, at most %d are allowed",
                         show(t->name).text, t->n_dims, MAX_DIMS);
    t->n_elements = 1;
    for (uint32_t i = 0; i < t->n_dims; i++) {
        uint64_t n;

        at = gguf_at(r);
        if (!cursor_u64(&r->c, &n))
            return gguf_cut(r, "a tensor's dimensions");
        /* A dimension of 0 passes: only a tensor that is wanted must have
         * elements, and who wants it knows. */
        if (n > INT64_MAX)
            return gguf_fail(r, at, ERR_FORMAT, "dimension %" PRIu32 " of "
                             "tensor %s is negative (%" PRId64 ")", i,
                             show(t->name).text, (int64_t)n);
        if (!checked_mul(&t->n_elements, t->n_elements, n)
            || t->n_elements > INT64_MAX)
            return gguf_fail(r, at, ERR_FORMAT, "the dimensions of tensor %s "
                             "multiply to more than 2^63 elements",
                             show(t->name).text);
        t->dims[t->n_dims - 1 - i] = n;
    }
    return ERR_OK;
}

/* A block never crosses the end of a row, so rows are whole blocks; then the
 * whole tensor is, and its size is a plain product. */
static enum err read_type(struct gguf_reader *r, struct tensor_info *t)
{
    uint64_t at = gguf_at(r);
    uint64_t row = t->n_dims == 0 ? 1 : t->dims[t->n_dims - 1];
    uint32_t id;

    if (!cursor_u32(&r->c, &id))
        return gguf_cut(r, "a tensor's type");
    if (dtype_removed_name(id) != NULL)
        return gguf_fail(r, at, ERR_UNKNOWN, "tensor %s is of type %" PRIu32
                         " (%s), which was removed from GGUF; convert the "
                         "model again", show(t->name).text, id,
                         dtype_removed_name(id));
    t->dtype = dtype_by_gguf(id);
    if (t->dtype == NULL)
        return gguf_fail(r, at, ERR_UNKNOWN, "tensor %s is of the unsupported "
                         "type %" PRIu32 " (ids above 42 belong to other "
                         "programs' variants of GGUF)",
                         show(t->name).text, id);
    if (row % t->dtype->block_len != 0)
        return gguf_fail(r, at, ERR_FORMAT, "the rows of tensor %s have %"
                         PRIu64 " elements, which is no multiple of %" PRIu32
                         ", the block of %s", show(t->name).text, row,
                         t->dtype->block_len, t->dtype->name);
    if (!dtype_size(t->dtype, t->n_elements, &t->size))
        return gguf_fail(r, at, ERR_FORMAT, "the size of tensor %s (%" PRIu64
                         " elements of %s) does not fit into 64 bits",
                         show(t->name).text, t->n_elements, t->dtype->name);
    return ERR_OK;
}

/* *next: where the data of this tensor has to begin; becomes the place for the
 * one after it.  file_offset stays relative until the data's start is known. */
static enum err read_offset(struct gguf_reader *r, const struct gguf *g,
                            struct tensor_info *t, uint64_t *next)
{
    uint64_t at = gguf_at(r), padded;

    if (!cursor_u64(&r->c, &t->file_offset))
        return gguf_cut(r, "a tensor's offset");
    if (t->file_offset % g->alignment != 0)
        return gguf_fail(r, at, ERR_FORMAT, "the offset of tensor %s is %"
                         PRIu64 ", no multiple of the alignment %" PRIu32,
                         show(t->name).text, t->file_offset, g->alignment);
    if (t->file_offset != *next)
        return gguf_fail(r, at, ERR_FORMAT, "the offset of tensor %s is %"
                         PRIu64 ", expected %" PRIu64 " (right behind the "
                         "tensor before it)", show(t->name).text,
                         t->file_offset, *next);
    if (!checked_align(&padded, t->size, g->alignment)
        || !checked_add(next, *next, padded))
        return gguf_fail(r, at, ERR_FORMAT, "the sizes of the tensors up to "
                         "%s add up to more than 64 bits can hold",
                         show(t->name).text);
    return ERR_OK;
}

static enum err read_info(struct gguf_reader *r, const struct gguf *g,
                          size_t i, uint64_t *next)
{
    struct tensor_info *t = &g->tensors[i];
    enum err e;

    t->file = r->file;
    if ((e = read_name(r, &t->name, i)) != ERR_OK
        || (e = read_dims(r, t)) != ERR_OK
        || (e = read_type(r, t)) != ERR_OK)
        return e;
    return read_offset(r, g, t, next);
}

/* Within this file; files of a split model are compared in checkpoint.c. */
static enum err check_names(struct gguf_reader *r, const struct gguf *g)
{
    struct name_entry *index = arena_take(r->arena, g->n_tensors,
                                          sizeof *index);
    const struct name_entry *twice;

    if (index == NULL && g->n_tensors > 0)
        return fail_nomem(r->why);
    for (size_t i = 0; i < g->n_tensors; i++)
        index[i] = (struct name_entry){ g->tensors[i].name, (uint32_t)i };
    names_sort(index, g->n_tensors);
    twice = names_duplicate(index, g->n_tensors);
    if (twice != NULL)
        return gguf_fail(r, (uint64_t)((const uint8_t *)twice->name.at
                                       - r->file->at),
                         ERR_FORMAT, "the tensor %s is there twice",
                         show(twice->name).text);
    return ERR_OK;
}

/* Sums of offset and size cannot overflow: read_offset added them already.
 * The padding behind the last tensor may be missing. */
static enum err place_data(struct gguf_reader *r, struct gguf *g)
{
    uint64_t left;

    if (!checked_align(&g->data_at, gguf_at(r), g->alignment)
        || g->data_at > r->file->size)
        return gguf_fail(r, gguf_at(r), ERR_FORMAT, "the file ends inside the "
                         "padding before the tensors' data");
    left = r->file->size - g->data_at;
    for (size_t i = 0; i < g->n_tensors; i++) {
        struct tensor_info *t = &g->tensors[i];

        if (!checked_range(t->file_offset, t->size, left))
            return gguf_fail(r, g->data_at, ERR_FORMAT, "the data of tensor "
                             "%s (offset %" PRIu64 ", %" PRIu64 " bytes) runs "
                             "past the end of the file (%" PRIu64 " bytes of "
                             "data); it is cut off or damaged, fetch it again",
                             show(t->name).text, t->file_offset, t->size, left);
        t->file_offset += g->data_at;
        t->data = r->file->at + t->file_offset;
    }
    return ERR_OK;
}

enum err gguf_read_tensors(struct gguf_reader *r, struct gguf *g, size_t n)
{
    uint64_t next = 0;
    enum err e;

    g->tensors = arena_zero(r->arena, n, sizeof *g->tensors);
    if (g->tensors == NULL && n > 0)
        return fail_nomem(r->why);
    for (size_t i = 0; i < n; i++)
        if ((e = read_info(r, g, i, &next)) != ERR_OK)
            return e;
    g->n_tensors = n;
    if (n == 0)
        return ERR_OK;      /* and no padding has to follow */
    e = check_names(r, g);
    return e == ERR_OK ? place_data(r, g) : e;
}
