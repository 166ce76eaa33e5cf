/* Files as memory.  Only regular files are opened (links are followed); a
 * directory, device, FIFO or link loop is refused by name without blocking. */
#ifndef OSMIA_BASE_FILE_H
#define OSMIA_BASE_FILE_H

#include "base/err.h"
#include "base/slice.h"
#include <stdint.h>

struct file {
    const uint8_t *at;      /* read-only mapping; NULL when size is 0 */
    uint64_t       size;
    char          *path;    /* as it was opened */
    int64_t        mtime_ns, ctime_ns;
    uint64_t       device, inode;
};

/* Map a file.  On error f is left zeroed.  ERR_IO names path and cause in words
 * ("does not exist", "permission denied", "is a directory", ...). */
enum err file_open(struct file *f, const char *path, struct err_info *why);
void     file_close(struct file *f);     /* zeroed f: nothing happens */

static inline struct slice file_slice(const struct file *f)
{
    return (struct slice){ (const char *)f->at, (size_t)f->size };
}

/* Open a file that must not be larger than max_size (ERR_LIMIT). */
enum err file_open_small(struct file *f, const char *path, uint64_t max_size,
                         struct err_info *why);

/* The pages of [at, at + len) are not needed again soon: resident memory may
 * shrink; reading them again works. */
void file_release(const struct file *f, uint64_t at, uint64_t len);

/* What stands at a path, following links. */
enum file_kind { FILE_NONE, FILE_REGULAR, FILE_DIRECTORY, FILE_OTHER };
enum file_kind file_kind(const char *path);

/* malloc'd "dir/name"; NULL: out of memory. */
char *path_join(const char *dir, const char *name);
/* The part after the last '/' (never empty unless path is). */
const char *path_base(const char *path);

/* Names in a directory, sorted by bytes, without "." and "..".  Each and the
 * list are freed by dir_list_drop. */
struct dir_list { char **names; size_t n; };
enum err dir_list(struct dir_list *out, const char *path, struct err_info *why);
void     dir_list_drop(struct dir_list *l);

#endif
