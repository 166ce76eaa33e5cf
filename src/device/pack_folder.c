/* Files come and go under other processes' eyes:
 *
 *   1. A file under its own name is whole: it was written as NAME.part and
 *      renamed.
 *   2. Who writes NAME.part holds a lock on it.  A part that nobody has locked
 *      was left by a process that died; the next one writes over it.
 *   3. Nothing here is needed: every file may be removed at any time.
 *
 * Everything goes through the folder's descriptor, so that a folder put in its
 * place later changes nothing. */
#include "device/pack_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAGS = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK };

static const char subfolder[] = "packed", suffix[] = ".part";

/* ---- the folder ---- */

static enum err check_folder(const struct pack_folder *f, struct err_info *why)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0 || st.st_uid != geteuid())
        return fail(why, ERR_IO, "%s: belongs to another user", f->path);
    if ((st.st_mode & 077) != 0 && fchmod(f->fd, 0700) != 0)
        return fail(why, ERR_IO, "%s: others may read or write it", f->path);
    return ERR_OK;
}

enum err pack_folder_open(struct pack_folder *f, const char *path,
                          struct err_info *why)
{
    size_t   size = strlen(path) + sizeof subfolder + 1;
    enum err e;

    *f = (struct pack_folder){ .fd = -1, .path = malloc(size) };
    if (f->path == NULL)
        return fail_nomem(why);
    snprintf(f->path, size, "%s/%s", path, subfolder);
    mkdir(path, 0700);
    if (mkdir(f->path, 0700) != 0 && errno != EEXIST)
        e = fail(why, ERR_IO, "%s: cannot be made (system error %d)", f->path,
                 errno);
    else if ((f->fd = open(f->path, O_RDONLY | O_DIRECTORY | FLAGS)) < 0)
        e = fail(why, ERR_IO, "%s: cannot be opened (system error %d)",
                 f->path, errno);
    else
        e = check_folder(f, why);
    if (e != ERR_OK)
        pack_folder_close(f);
    return e;
}

void pack_folder_close(struct pack_folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    *f = (struct pack_folder){ .fd = -1 };
}

/* ---- files ---- */

static void part_name(char part[PACK_NAME_SIZE + sizeof suffix],
                      const char *name)
{
    snprintf(part, PACK_NAME_SIZE + sizeof suffix, "%s%s", name, suffix);
}

int pack_folder_read(const struct pack_folder *f, const char *name)
{
    int fd = openat(f->fd, name, O_RDONLY | FLAGS);

    if (fd < 0 && (errno == ELOOP || errno == EACCES || errno == ENXIO))
        unlinkat(f->fd, name, 0);        /* nothing that we would leave here */
    if (fd >= 0)
        futimens(fd, NULL);
    return fd;
}

/* Ours alone: locked, and still what the name stands for.  Between our opening
 * it and locking it, another process may have finished and renamed it. */
static bool is_ours(const struct pack_folder *f, const char *part, int fd)
{
    struct stat here, there;

    return flock(fd, LOCK_EX | LOCK_NB) == 0
        && fstat(fd, &here) == 0 && S_ISREG(here.st_mode)
        && fstatat(f->fd, part, &there, AT_SYMLINK_NOFOLLOW) == 0
        && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int pack_folder_write(const struct pack_folder *f, const char *name, int *error)
{
    char part[PACK_NAME_SIZE + sizeof suffix];
    int  fd;

    *error = 0;
    part_name(part, name);
    if ((fd = openat(f->fd, part, O_RDWR | O_CREAT | FLAGS, 0600)) < 0) {
        *error = errno;
        return -1;
    }
    if (is_ours(f, part, fd)) {
        if (ftruncate(fd, 0) == 0 && fchmod(fd, 0600) == 0)
            return fd;
        *error = errno;
    }
    close(fd);
    return -1;
}

/* Not synchronised with the disk: after a power cut the file may have holes,
 * which its sums tell, and waiting for a disk would cost seconds. */
bool pack_folder_keep(const struct pack_folder *f, const char *name, int fd)
{
    char part[PACK_NAME_SIZE + sizeof suffix];

    part_name(part, name);
    bool kept = renameat(f->fd, part, f->fd, name) == 0;
    if (!kept)
        unlinkat(f->fd, part, 0);
    close(fd);
    return kept;
}

void pack_folder_discard(const struct pack_folder *f, const char *name, int fd)
{
    char part[PACK_NAME_SIZE + sizeof suffix];

    part_name(part, name);
    unlinkat(f->fd, part, 0);
    close(fd);
}

void pack_folder_remove(const struct pack_folder *f, const char *name)
{
    unlinkat(f->fd, name, 0);
}

/* ---- room ---- */

struct survey {
    uint64_t        size;           /* of all files that count */
    char            oldest[256];    /* "" : there is none that may go */
    struct timespec used;
};

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec
        || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* True for the part of a file that somebody is writing. */
static bool is_locked(const struct pack_folder *f, const char *name)
{
    int  fd = openat(f->fd, name, O_RDONLY | FLAGS);
    bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    return locked;
}

static void look_at(struct survey *s, const struct pack_folder *f,
                    const char *name, const char *replaced)
{
    struct stat st;

    if (strcmp(name, replaced) == 0
        || fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0
        || !S_ISREG(st.st_mode))
        return;
    s->size += (uint64_t)st.st_size;
    if ((s->oldest[0] != '\0' && !is_before(st.st_mtim, s->used))
        || is_locked(f, name) || strlen(name) >= sizeof s->oldest)
        return;
    memcpy(s->oldest, name, strlen(name) + 1);
    s->used = st.st_mtim;
}

static bool survey(struct survey *s, const struct pack_folder *f,
                   const char *replaced)
{
    int            fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | FLAGS);
    DIR           *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *d;

    *s = (struct survey){ 0 };
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while ((d = readdir(dir)) != NULL)
        look_at(s, f, d->d_name, replaced);
    closedir(dir);
    return true;
}

bool pack_folder_make_room(const struct pack_folder *f, const char *name,
                           uint64_t need, uint64_t max)
{
    struct survey s;

    if (need > max)
        return false;
    while (survey(&s, f, name) && s.size > max - need && s.oldest[0] != '\0')
        if (unlinkat(f->fd, s.oldest, 0) != 0)
            break;
    return true;
}
