/* Private to the GGUF reader: where it stands, and how it says what is wrong */
#ifndef OSMIA_FORMAT_GGUF_READER_H
#define OSMIA_FORMAT_GGUF_READER_H

#include "base/cursor.h"
#include "format/gguf.h"

struct gguf_reader {
    struct cursor      c;
    const struct file *file;
    struct arena      *arena;
    struct err_info   *why;
};

static inline uint64_t gguf_at(const struct gguf_reader *r)
{
    return r->file->size - r->c.left;
}

/* "PATH: byte AT: ..." */
enum err gguf_fail(const struct gguf_reader *r, uint64_t at, enum err code,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The file ended inside `what`. */
enum err gguf_cut(const struct gguf_reader *r, const char *what);

/* gguf_meta.c: n key-value pairs. */
enum err gguf_read_meta(struct gguf_reader *r, struct gguf_meta *m, size_t n);
/* gguf_tensors.c: n tensor infos, then the places of their data. */
enum err gguf_read_tensors(struct gguf_reader *r, struct gguf *g, size_t n);

#endif
