#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Our own words: strerror's depend on the locale and are not thread-safe. */
static const char *cause(int error)
{
    switch (error) {
    case ENOENT:       return "does not exist";
    case EACCES:
    case EPERM:        return "permission denied";
    case ELOOP:        return "is a link that leads back to itself";
    case ENOTDIR:      return "a part of the path is not a directory";
    case EISDIR:       return "is a directory, not a file";
    case ENAMETOOLONG: return "the name is too long";
    case EMFILE:
    case ENFILE:       return "too many files are open";
    case ENXIO:
    case ENODEV:       return "is not a regular file";
    case EIO:          return "the disk reports an error";
    case ESTALE:       return "the file server has lost it";
    default:           return NULL;
    }
}

static enum err fail_io(const char *path, int error, struct err_info *why)
{
    const char *words = cause(error);

    if (error == ENOMEM)
        return fail(why, ERR_NOMEM, "%s: out of memory", path);
    if (words == NULL)
        return fail(why, ERR_IO, "%s: cannot be read (system error %d)", path,
                    error);
    return fail(why, ERR_IO, "%s: %s", path, words);
}

static enum file_kind kind_of(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return FILE_REGULAR;
    return S_ISDIR(st->st_mode) ? FILE_DIRECTORY : FILE_OTHER;
}

/* The facts of an open descriptor, and the refusal of what is no file. */
static enum err describe(struct file *f, int fd, const char *path,
                         struct err_info *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_io(path, errno, why);
    if (kind_of(&st) == FILE_DIRECTORY)
        return fail_io(path, EISDIR, why);
    if (kind_of(&st) != FILE_REGULAR)
        return fail_io(path, ENODEV, why);
    f->size = (uint64_t)st.st_size;
    f->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    f->ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    return ERR_OK;
}

static enum err map_whole(struct file *f, int fd, struct err_info *why)
{
    if (f->size == 0)
        return ERR_OK;       /* mmap refuses a length of 0 */
    if (f->size > SIZE_MAX)
        return fail(why, ERR_IO, "%s: larger than the address space", f->path);
    void *at = mmap(NULL, (size_t)f->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return fail_io(f->path, errno, why);
    f->at = at;
    return ERR_OK;
}

enum err file_open(struct file *f, const char *path, struct err_info *why)
{
    return file_open_small(f, path, UINT64_MAX, why);
}

enum err file_open_small(struct file *f, const char *path, uint64_t max_size,
                         struct err_info *why)
{
    *f = (struct file){ 0 };
    /* Not blocking: opening a FIFO would wait for a writer, perhaps forever. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail_io(path, errno, why);

    enum err e = describe(f, fd, path, why);
    if (e == ERR_OK && f->size > max_size)
        e = fail(why, ERR_LIMIT, "%s: %llu bytes, more than the %llu allowed",
                 path, (unsigned long long)f->size,
                 (unsigned long long)max_size);
    if (e == ERR_OK && (f->path = strdup(path)) == NULL)
        e = fail_nomem(why);
    if (e == ERR_OK)
        e = map_whole(f, fd, why);
    /* The mapping keeps the file; the descriptor is not needed any more. */
    close(fd);
    if (e != ERR_OK)
        file_close(f);
    return e;
}

void file_close(struct file *f)
{
    if (f->at != NULL)
        munmap((void *)(uintptr_t)f->at, (size_t)f->size);
    free(f->path);
    *f = (struct file){ 0 };
}

void file_release(const struct file *f, uint64_t at, uint64_t len)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (f->at == NULL || at >= f->size)
        return;
    if (len > f->size - at)
        len = f->size - at;
    /* Whole pages inside the range only: a neighbour may still be in use.  The
     * last page of the file has no neighbour behind it. */
    uint64_t from = (at + page - 1) / page * page;
    uint64_t to = at + len == f->size ? f->size : (at + len) / page * page;
    if (from < to)
        madvise((void *)(uintptr_t)(f->at + from), (size_t)(to - from),
                MADV_DONTNEED);
}

enum file_kind file_kind(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? kind_of(&st) : FILE_NONE;
}
