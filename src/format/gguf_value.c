/* Typed access to GGUF values.  Everything was checked when it was read, so
 * nothing here can leave the mapping as long as i < v->n. */
#include "format/gguf.h"

const struct gguf_value *gguf_find(const struct gguf_meta *m, struct slice key)
{
    const struct name_entry *e = names_find(m->index, m->n, key);

    return e == NULL ? NULL : &m->values[e->at];
}

/* Not for strings, which have no fixed size. */
static const char *element(const struct gguf_value *v, uint64_t i)
{
    return v->bytes.at + i * gguf_type_size(v->type);
}

/* Unsigned negation: -INT64_MIN has no int64_t. */
static struct json_int from_signed(int64_t v)
{
    return (struct json_int){ v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v };
}

bool gguf_int(const struct gguf_value *v, uint64_t i, struct json_int *out)
{
    uint64_t raw = 0;
    unsigned shift;

    if (v->type == GGUF_F32 || v->type == GGUF_F64 || v->type == GGUF_BOOL
        || v->type == GGUF_STRING)
        return false;
    memcpy(&raw, element(v, i), gguf_type_size(v->type));
    *out = (struct json_int){ false, raw };
    if (v->type == GGUF_I8 || v->type == GGUF_I16 || v->type == GGUF_I32
        || v->type == GGUF_I64) {
        /* Widen by moving the sign bit to the top and back. */
        shift = 64 - 8 * gguf_type_size(v->type);
        *out = from_signed((int64_t)(raw << shift) >> shift);
    }
    return true;
}

bool gguf_number(const struct gguf_value *v, uint64_t i, double *out)
{
    struct json_int whole;
    float narrow;

    if (v->type == GGUF_F32) {
        memcpy(&narrow, element(v, i), sizeof narrow);
        *out = (double)narrow;
        return true;
    }
    if (v->type == GGUF_F64) {
        memcpy(out, element(v, i), sizeof *out);
        return true;
    }
    if (!gguf_int(v, i, &whole))
        return false;
    *out = whole.negative ? -(double)whole.magnitude : (double)whole.magnitude;
    return true;
}

bool gguf_bool(const struct gguf_value *v, uint64_t i, bool *out)
{
    if (v->type != GGUF_BOOL)
        return false;
    *out = v->bytes.at[i] != 0;     /* as ggml does: any value but 0 is true */
    return true;
}

bool gguf_string(const struct gguf_value *v, uint64_t i, struct slice *out)
{
    struct str_list list = { v->bytes, (size_t)v->n };

    if (v->type != GGUF_STRING)
        return false;
    if (!v->is_array) {
        *out = v->bytes;
        return true;
    }
    for (uint64_t k = 0; k <= i; k++)
        str_list_next(&list, out);
    return true;
}
