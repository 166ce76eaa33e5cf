/* GGUF, versions 2 and 3: one file's metadata and tensors, checked whole.
 *
 * Sources: ggml's description of the format and its reader's checks; where
 * they leave a choice: offsets must be the running sum of the padded sizes,
 * bytes behind the last tensor are allowed, dimensions may be 0. */
#ifndef OSMIA_FORMAT_GGUF_H
#define OSMIA_FORMAT_GGUF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "format/checkpoint.h"
#include "format/names.h"

/* X(id, name, bytes of one value; 0: it varies), in the order of the ids. */
#define GGUF_TYPE_LIST(X)                                                    \
    X(U8, "u8", 1) X(I8, "i8", 1) X(U16, "u16", 2) X(I16, "i16", 2)          \
    X(U32, "u32", 4) X(I32, "i32", 4) X(F32, "f32", 4) X(BOOL, "bool", 1)    \
    X(STRING, "string", 0) X(ARRAY, "array", 0)                              \
    X(U64, "u64", 8) X(I64, "i64", 8) X(F64, "f64", 8)

enum gguf_type {
#define X(id, name, size) GGUF_##id,
    GGUF_TYPE_LIST(X)
#undef X
    GGUF_N_TYPES
};

struct gguf_value {
    struct slice   key;
    enum gguf_type type;    /* of the elements when it is an array */
    bool           is_array;
    uint64_t       n;       /* elements; 1 when it is no array */
    struct slice   bytes;   /* of all elements; a string: without its length;
                               an array of strings: each with its length */
};

struct gguf_meta {
    const struct gguf_value *values;    /* in the order of the file */
    const struct name_entry *index;     /* of the keys */
    size_t                   n;
};

struct gguf {
    const struct file  *file;
    uint32_t            version;
    uint32_t            alignment;
    struct gguf_meta    meta;
    struct tensor_info *tensors;
    size_t              n_tensors;
    uint64_t            data_at;        /* where tensor data begins */
};

/* Read and check the head of a file; what is kept comes from `arena`, strings
 * and arrays are slices of the mapping.  Errors: "PATH: byte N: what". */
enum err gguf_read(struct gguf *g, const struct file *f, struct arena *arena,
                   struct err_info *why);

/* NULL: no such key. */
const struct gguf_value *gguf_find(const struct gguf_meta *m,
                                   struct slice key);
const char *gguf_type_name(enum gguf_type type);
uint32_t    gguf_type_size(enum gguf_type type);

/* Element i < v->n of a value that is no string.  gguf_int: false when the
 * type is no integer (a bool is none).  gguf_number: false when it is neither
 * integer nor float. */
bool gguf_int(const struct gguf_value *v, uint64_t i, struct json_int *out);
bool gguf_number(const struct gguf_value *v, uint64_t i, double *out);
bool gguf_bool(const struct gguf_value *v, uint64_t i, bool *out);

/* Element i < v->n of a string or an array of strings (O(i) there). */
bool gguf_string(const struct gguf_value *v, uint64_t i, struct slice *out);

#endif
