/* The layout around and behind the header.
 *
 *   length u64 | header, JSON of that length | data
 *
 * The reference's checks, in its order:
 *   1. the file has 8 bytes            6. no hole, no overlap, in order
 *   2. length <= 100,000,000           7. shape x bits fits into 64 bits
 *   3. 8 + length <= file              8. and is whole bytes
 *   4. the header is UTF-8             9. and is what data_offsets span
 *   5. and JSON of the right form     10. the last one ends with the file
 *
 * 5 is safetensors_header.c.  6 and 10 together make every byte of the data
 * belong to exactly one tensor: no tensor can point at another's bytes or
 * beyond the file, and nothing can hide between them. */
#include "format/safetensors.h"

#include "base/checked.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "format/names.h"
#include "format/safetensors_header.h"
#include "format/show.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rules 1 to 4. */
static enum err find_header(struct slice *header, const struct file *f,
                            struct err_info *why)
{
    struct cursor c = { f->at, (size_t)f->size };
    uint64_t len;

    if (!cursor_u64(&c, &len))
        return fail(why, ERR_FORMAT, "%s: byte 0: the file has %" PRIu64
                    " bytes, a safetensors file at least 8", f->path, f->size);
    if (len > LIMIT_ST_HEADER)
        return fail(why, ERR_LIMIT, "%s: byte 0: the header is %" PRIu64
                    " bytes long, the limit is %d", f->path, len,
                    LIMIT_ST_HEADER);
    if (!cursor_slice(&c, header, len))
        return fail(why, ERR_FORMAT, "%s: byte 0: the header is %" PRIu64
                    " bytes long, but only %zu follow; the file is cut off or "
                    "damaged, fetch it again", f->path, len, c.left);
    len = utf8_valid_prefix(*header);
    if (len < header->len)
        return fail(why, ERR_FORMAT, "%s: byte %" PRIu64 ": the header is not "
                    "UTF-8", f->path, 8 + len);
    return ERR_OK;
}

/* Empty tensors share their place with the next one, hence size; and a sort
 * must not depend on the order in the header, hence the name. */
static int by_place(const void *a, const void *b)
{
    const struct tensor_info *x = a, *y = b;

    if (x->file_offset != y->file_offset)
        return x->file_offset < y->file_offset ? -1 : 1;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return slice_cmp(x->name, y->name);
}

/* Rules 7 to 9.  The product is folded from the left as the reference does it:
 * [2^63, 2, 0] overflows although the result would be 0. */
static enum err check_size(struct tensor_info *t, struct err_info *why)
{
    uint64_t size = 0, bits = 8ull * t->dtype->block_size / t->dtype->block_len;

    t->n_elements = 1;
    for (uint32_t i = 0; i < t->n_dims; i++)
        if (!checked_mul(&t->n_elements, t->n_elements, t->dims[i]))
            return fail(why, ERR_FORMAT, "%s: tensor %s: the product of the "
                        "shape does not fit into 64 bits", t->file->path,
                        show(t->name).text);
    if (!checked_mul(&size, t->n_elements, bits))
        return fail(why, ERR_FORMAT, "%s: tensor %s: %" PRIu64 " elements of "
                    "%s are more bits than 64 bits can count", t->file->path,
                    show(t->name).text, t->n_elements, t->dtype->st_name);
    if (!dtype_size(t->dtype, t->n_elements, &size))
        return fail(why, ERR_FORMAT, "%s: tensor %s: %" PRIu64 " elements of "
                    "%s do not fill whole bytes", t->file->path,
                    show(t->name).text, t->n_elements, t->dtype->st_name);
    if (size != t->size)
        return fail(why, ERR_FORMAT, "%s: tensor %s: data_offsets span %" PRIu64
                    " bytes, shape and dtype need %" PRIu64, t->file->path,
                    show(t->name).text, t->size, size);
    return ERR_OK;
}

/* Rules 6 and 10, with 7 to 9 for each tensor in between.  Nothing points into
 * the data before all of them hold. */
static enum err place(struct safetensors *s, const struct file *f,
                      uint64_t data_at, struct err_info *why)
{
    uint64_t next = 0, data_size = f->size - data_at;
    enum err e;

    for (size_t i = 0; i < s->n_tensors; i++) {
        struct tensor_info *t = &s->tensors[i];

        if (t->file_offset != next)
            return fail(why, ERR_FORMAT, "%s: tensor %s: data_offsets begin at "
                        "%" PRIu64 ", expected %" PRIu64 " (tensors may leave "
                        "no hole and not overlap)", f->path,
                        show(t->name).text, t->file_offset, next);
        if ((e = check_size(t, why)) != ERR_OK)
            return e;
        next += t->size;        /* begin + size = end, which is 64 bits */
    }
    if (next != data_size)
        return fail(why, ERR_FORMAT, "%s: byte %" PRIu64 ": %" PRIu64 " bytes "
                    "of data follow the header, its tensors take %" PRIu64
                    "; the file is cut off or damaged, fetch it again",
                    f->path, data_at, data_size, next);
    for (size_t i = 0; i < s->n_tensors; i++) {
        s->tensors[i].file_offset += data_at;
        s->tensors[i].data = f->at + s->tensors[i].file_offset;
    }
    return ERR_OK;
}

enum err safetensors_read(struct safetensors *s, const struct file *f,
                          struct arena *arena, struct err_info *why)
{
    struct slice header;
    enum err e = find_header(&header, f, why);

    *s = (struct safetensors){ 0 };
    if (e == ERR_OK)
        e = safetensors_read_header(s, f, header, arena, why);
    if (e != ERR_OK)
        return e;
    if (s->n_tensors > 1)
        qsort(s->tensors, s->n_tensors, sizeof *s->tensors, by_place);
    return place(s, f, 8 + header.len, why);
}
