#include "support/check.h"

#include "support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_open(struct scratch *s)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || strlen(tmp) + sizeof "/osmia-test-XXXXXX"
                       > sizeof s->dir)
        tmp = "/tmp";
    snprintf(s->dir, sizeof s->dir, "%s/osmia-test-XXXXXX", tmp);
    assert_non_null(mkdtemp(s->dir));
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

void scratch_close(struct scratch *s)
{
    nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(struct scratch *s, const char *name)
{
    snprintf(s->path, sizeof s->path, "%s/%s", s->dir, name);
    return s->path;
}

const char *scratch_put(struct scratch *s, const char *name, struct slice bytes)
{
    FILE *f;

    scratch_path(s, name);
    for (char *c = s->path + strlen(s->dir) + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(s->path, 0700);
        *c = '/';
    }
    f = fopen(s->path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, f), bytes.len);
    assert_int_equal(fclose(f), 0);
    return s->path;
}

void scratch_text(struct scratch *s, const char *name, const char *text)
{
    scratch_put(s, name, slice_of(text));
}

void scratch_remove(struct scratch *s, const char *name)
{
    assert_int_equal(remove(scratch_path(s, name)), 0);
}
