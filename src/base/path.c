#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

char *path_join(const char *dir, const char *name)
{
    size_t dir_len = strlen(dir), name_len = strlen(name);
    bool slash = dir_len > 0 && dir[dir_len - 1] != '/';
    char *joined = malloc(dir_len + slash + name_len + 1);

    if (joined == NULL)
        return NULL;
    memcpy(joined, dir, dir_len);
    if (slash)
        joined[dir_len] = '/';
    memcpy(joined + dir_len + slash, name, name_len);
    joined[dir_len + slash + name_len] = '\0';
    return joined;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    /* "a/b/" has nothing behind its last slash; the whole is then the name. */
    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_add(struct dir_list *l, size_t *cap, const char *name)
{
    if (l->n == *cap) {
        size_t grown_cap = *cap == 0 ? 16 : 2 * *cap;
        char **grown = realloc(l->names, grown_cap * sizeof *grown);
        if (grown == NULL)
            return false;
        l->names = grown;
        *cap = grown_cap;
    }
    l->names[l->n] = strdup(name);
    if (l->names[l->n] == NULL)
        return false;
    l->n++;
    return true;
}

static enum err list_fill(struct dir_list *out, DIR *dir, const char *path,
                          struct err_info *why)
{
    size_t cap = 0;

    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return fail(why, ERR_IO, "%s: the directory cannot be read", path);
        if (entry == NULL)
            return ERR_OK;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!list_add(out, &cap, entry->d_name))
            return fail_nomem(why);
    }
}

enum err dir_list(struct dir_list *out, const char *path, struct err_info *why)
{
    *out = (struct dir_list){ 0 };
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOMEM
            ? fail_nomem(why)
            : fail(why, ERR_IO, "%s: %s", path,
                   errno == ENOENT    ? "does not exist"
                   : errno == ENOTDIR ? "is not a directory"
                   : errno == EACCES  ? "permission denied"
                                      : "the directory cannot be read");

    enum err e = list_fill(out, dir, path, why);
    closedir(dir);
    if (e != ERR_OK)
        dir_list_drop(out);
    else if (out->n > 0)
        qsort(out->names, out->n, sizeof *out->names, by_bytes);
    return e;
}

void dir_list_drop(struct dir_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->names[i]);
    free(l->names);
    *l = (struct dir_list){ 0 };
}
