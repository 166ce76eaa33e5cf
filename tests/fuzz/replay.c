/* replay DIRECTORY: every file of a corpus through the target, with its last
 * byte before an unreadable page; small ones cut at every length, too. */
#include "fuzz.h"

#include "base/file.h"
#include "support/edge.h"
#include <stdio.h>
#include <stdlib.h>

enum { CUT_MAX = 256 };

static void feed(struct slice bytes)
{
    struct edge e;

    edge_open(&e, bytes.len);
    size_t from = bytes.len <= CUT_MAX ? 0 : bytes.len;
    for (size_t len = from; len <= bytes.len; len++) {
        struct slice s = edge_put(&e, (struct slice){ bytes.at, len });
        LLVMFuzzerTestOneInput((const uint8_t *)s.at, s.len);
    }
    edge_close(&e);
}

static enum err replay(const char *dir, struct err_info *why)
{
    struct dir_list list;
    enum err e = dir_list(&list, dir, why);

    if (e != ERR_OK)
        return e;
    if (list.n == 0)
        e = fail(why, ERR_FORMAT, "%s: no inputs", dir);
    for (size_t i = 0; i < list.n && e == ERR_OK; i++) {
        struct file f;
        char *path = path_join(dir, list.names[i]);
        e = path == NULL ? fail_nomem(why) : file_open(&f, path, why);
        free(path);
        if (e != ERR_OK)
            break;
        /* Should the target die, the last line names the input. */
        printf("%s\n", list.names[i]);
        fflush(stdout);
        feed(file_slice(&f));
        file_close(&f);
    }
    if (e == ERR_OK)
        printf("%zu inputs replayed\n", list.n);
    dir_list_drop(&list);
    return e;
}

int main(int argc, char **argv)
{
    struct err_info why;

    if (argc == 2 && replay(argv[1], &why) == ERR_OK)
        return 0;
    fprintf(stderr, "%s\n", argc == 2 ? why.text : "usage: replay DIRECTORY");
    return 1;
}
