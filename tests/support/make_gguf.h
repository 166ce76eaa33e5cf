/* Writes GGUF and safetensors bytes for tests, and remembers where each field
 * went, so that a test can break exactly one. */
#ifndef OSMIA_TESTS_MAKE_GGUF_H
#define OSMIA_TESTS_MAKE_GGUF_H

#include "base/strbuf.h"
#include <stdint.h>

enum { MAKE_MARKS = 256 };

struct make {
    struct strbuf b;
    struct { const char *name; size_t at; } marks[MAKE_MARKS];
    size_t        n_marks;
};

void make_drop(struct make *m);
/* The next bytes are the field `name` (a literal). */
void make_mark(struct make *m, const char *name);
size_t make_find(const struct make *m, const char *name);

void make_u8(struct make *m, uint8_t v);
void make_u32(struct make *m, uint32_t v);
void make_u64(struct make *m, uint64_t v);
void make_f32(struct make *m, float v);
void make_string(struct make *m, const char *text);     /* u64 length first */
void make_zeros(struct make *m, size_t n);
void make_align(struct make *m, size_t step);

/* Overwrite `size` bytes (4 or 8) of the field with v. */
void make_patch(struct make *m, const char *field, uint64_t v, size_t size);

/* ---- GGUF ---- */

void make_gguf_head(struct make *m, uint64_t n_tensors, uint64_t n_keys);
void make_key(struct make *m, const char *key, uint32_t type);
void make_key_u32(struct make *m, const char *key, uint32_t v);
void make_key_f32(struct make *m, const char *key, float v);
void make_key_bool(struct make *m, const char *key, int v);
void make_key_string(struct make *m, const char *key, const char *v);
/* n strings, the i-th one "STEMi". */
void make_key_strings(struct make *m, const char *key, const char *stem,
                      size_t n);
/* A tensor's info; dims innermost first, as in the file. */
struct make_tensor {
    const char *name;
    uint32_t    n_dims, type;
    uint64_t    dims[5], offset;
};
void make_tensor(struct make *m, const struct make_tensor *t);

/* ---- safetensors ---- */

/* Length, header and `data_len` zero bytes. */
void make_safetensors(struct make *m, const char *header, size_t data_len);

#endif
