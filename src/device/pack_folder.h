/* The folder in which packed weights wait for the next start. */
#ifndef OSMIA_DEVICE_PACK_FOLDER_H
#define OSMIA_DEVICE_PACK_FOLDER_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct pack_folder {
    int      fd;            /* of "packed" in it; -1: not open */
    char    *path;          /* for people */
};

/* Open `path`/packed, making both where they are missing, for the user alone
 * (0700).  ERR_IO: it cannot be made, or is somebody else's, or others may
 * write to it. */
enum err pack_folder_open(struct pack_folder *f, const char *path,
                          struct err_info *why);
void     pack_folder_close(struct pack_folder *f);

enum { PACK_NAME_SIZE = 48 };       /* of names in it, with the NUL */

/* A file in it for reading, which counts as used just now; -1: there is none.
 * Links are not followed. */
int  pack_folder_read(const struct pack_folder *f, const char *name);

/* An empty file that becomes `name` by pack_folder_keep; -1: it cannot be made
 * (*error, an errno) or somebody is writing it this moment (*error 0). */
int  pack_folder_write(const struct pack_folder *f, const char *name,
                       int *error);
/* Both end what pack_folder_write began and close it.  keep: false when the
 * file could not be put in its place. */
bool pack_folder_keep(const struct pack_folder *f, const char *name, int fd);
void pack_folder_discard(const struct pack_folder *f, const char *name, int fd);

void pack_folder_remove(const struct pack_folder *f, const char *name);

/* Remove the files that were not used for the longest time, until those left
 * and `need` bytes more are at most `max`; `name` does not count, it is to be
 * replaced.  Files that somebody has mapped stay theirs until they are
 * unmapped.  False: `need` alone is too much, nothing was removed. */
bool pack_folder_make_room(const struct pack_folder *f, const char *name,
                           uint64_t need, uint64_t max);

#endif
