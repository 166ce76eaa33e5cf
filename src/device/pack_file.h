/* A file of packed weights, as a start leaves it for the next one. */
#ifndef OSMIA_DEVICE_PACK_FILE_H
#define OSMIA_DEVICE_PACK_FILE_H

#include "base/err.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "kernels/pool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the weights were made of and for whom: files that differ in any of it
 * have different keys. */
struct pack_key {
    uint8_t byte[16];
};

/* A piece of it: the packed form of one matrix. */
struct pack_entry {
    uint64_t id;            /* what was packed, and how (the caller's) */
    uint64_t at, size;      /* bytes of the file; `at` a multiple of 64 */
};

/* ---- reading ---- */

struct pack_file {
    struct file        file;        /* mapped; its path is for people */
    struct pack_entry *entry;       /* ascending by place */
    size_t             n_entries;
    size_t             next;        /* the entry after the one last found */
};

/* Map the file `fd` (borrowed) and check every byte of it against its sums, on
 * all threads of the pool.  ERR_FORMAT: truncated, damaged, of another key or
 * no such file at all; ERR_IO, ERR_NOMEM.  On error p is left zeroed.
 * `path` names it in errors.  Bytes may be anything: who checked the sizes may
 * multiply with them without harm. */
enum err pack_file_open(struct pack_file *p, int fd, const char *path,
                        const struct pack_key *key, struct pool *pool,
                        struct err_info *why);
void     pack_file_close(struct pack_file *p);       /* zeroed: nothing */

/* The bytes of the entry with this id and size, or NULL.  Entries asked for in
 * the order of the file are found at once. */
const void *pack_file_find(struct pack_file *p, uint64_t id, size_t size);

/* ---- writing ---- */

struct pack_writer {
    int           fd;
    uint64_t      at;               /* bytes of the file so far */
    struct strbuf piece;            /* the piece being filled */
    struct strbuf entries, sums;    /* the table to come, as bytes */
    bool          failed;           /* nothing is written any more */
    int           error;            /* errno of what failed, or 0 */
};

/* Begin in the empty file `fd` (borrowed, until the end).  What fails later
 * (memory, the disk is full) is told by pack_writer_end only. */
void pack_writer_begin(struct pack_writer *w, int fd);
void pack_writer_put(struct pack_writer *w, uint64_t id, const void *data,
                     size_t size);
/* Write what is left and, last, the head that makes it a file.  False: it is
 * none; w->error says why.  Frees the writer's memory. */
bool pack_writer_end(struct pack_writer *w, const struct pack_key *key);
void pack_writer_drop(struct pack_writer *w);        /* give up */

#endif
