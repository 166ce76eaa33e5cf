#include "support/check.h"

#include "base/file.h"
#include "support/alloc_fail.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own for each test: a/, full, empty, fifo, loop, link. */
struct room {
    char dir[64], path[128];
};

static const char *in(struct room *r, const char *name)
{
    snprintf(r->path, sizeof r->path, "%s/%s", r->dir, name);
    return r->path;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int room_make(void **state)
{
    struct room *r = calloc(1, sizeof *r);

    snprintf(r->dir, sizeof r->dir, "/tmp/osmia-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    write_file(in(r, "full"), "hello", 5);
    write_file(in(r, "empty"), "", 0);
    assert_int_equal(mkdir(in(r, "a"), 0700), 0);
    assert_int_equal(mkfifo(in(r, "fifo"), 0600), 0);
    assert_int_equal(symlink("loop", in(r, "loop")), 0);
    assert_int_equal(symlink("full", in(r, "link")), 0);
    *state = r;
    return 0;
}

static int room_free(void **state)
{
    static const char *const names[] = { "full", "empty", "fifo", "loop",
                                         "link", "secret", "big" };
    struct room *r = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in(r, names[i]));
    rmdir(in(r, "a"));
    rmdir(r->dir);
    free(r);
    return 0;
}

static void opens(void **state)
{
    struct room *r = *state;
    struct file f, g;
    struct err_info why;

    assert_int_equal(file_open(&f, in(r, "full"), &why), ERR_OK);
    assert_true(slice_is(file_slice(&f), "hello"));
    assert_string_equal(f.path, r->path);
    assert_int_equal(file_open(&g, in(r, "link"), &why), ERR_OK);
    assert_true(g.inode == f.inode && g.device == f.device);
    assert_true(g.mtime_ns == f.mtime_ns && f.mtime_ns > 0);
    file_close(&g);
    file_close(&f);
    assert_null(f.path);
    file_close(&f);                         /* zeroed: nothing happens */
    assert_int_equal(file_open(&f, in(r, "empty"), &why), ERR_OK);
    assert_true(f.size == 0 && f.at == NULL);
    file_release(&f, 0, 1);
    file_close(&f);
}

/* None of them waits for anybody, and each says what it is. */
static void refuses(void **state)
{
    static const struct { const char *name, *words; } rows[] = {
        { "a", "is a directory" },
        { "fifo", "is not a regular file" },
        { "loop", "leads back to itself" },
        { "missing", "does not exist" },
        { "full/x", "not a directory" },
        { "", "is a directory" },
    };
    struct room *r = *state;

    alarm(5);                               /* a FIFO that blocks is killed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file f = { .size = 1 };
        struct err_info why = { 0 };
        assert_int_equal(file_open(&f, in(r, rows[i].name), &why), ERR_IO);
        if (strstr(why.text, rows[i].words) == NULL
            || strncmp(why.text, r->path, strlen(r->path)) != 0)
            fail_msg("\"%s\" lacks \"%s\"", why.text, rows[i].words);
        assert_true(f.at == NULL && f.path == NULL && f.size == 0);
        assert_int_equal(file_open(&f, r->path, NULL), ERR_IO);
    }
    alarm(0);
    struct file f;
    struct err_info why;
    assert_int_equal(file_open(&f, "/dev/null", &why), ERR_IO);
    assert_string_equal(why.text, "/dev/null: is not a regular file");
}

static void no_permission(void **state)
{
    struct room *r = *state;
    struct file f;
    struct err_info why;

    write_file(in(r, "secret"), "x", 1);
    assert_int_equal(chmod(r->path, 0), 0);
    if (geteuid() == 0)
        skip();                             /* root may read everything */
    assert_int_equal(file_open(&f, r->path, &why), ERR_IO);
    assert_non_null(strstr(why.text, "permission denied"));
}

static void small_only(void **state)
{
    struct room *r = *state;
    struct file f;
    struct err_info why;

    assert_int_equal(file_open_small(&f, in(r, "full"), 5, &why), ERR_OK);
    file_close(&f);
    assert_int_equal(file_open_small(&f, in(r, "full"), 4, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "5 bytes, more than the 4 allowed"));
    assert_null(f.path);
}

/* The descriptor is closed on every way out. */
static void descriptors_do_not_leak(void **state)
{
    struct room *r = *state;
    struct file f;
    int before = open("/dev/null", O_RDONLY);

    close(before);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(file_open(&f, in(r, "full"), NULL), ERR_OK);
        file_close(&f);
        assert_int_equal(file_open(&f, in(r, "a"), NULL), ERR_IO);
        assert_int_equal(file_open_small(&f, in(r, "full"), 1, NULL),
                         ERR_LIMIT);
    }
    int after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(before, after);
}

static void release_keeps_the_bytes(void **state)
{
    enum { SIZE = 5 * 4096 + 100 };
    struct room *r = *state;
    struct file f;
    char *bytes = malloc(SIZE);

    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    write_file(in(r, "big"), bytes, SIZE);
    assert_int_equal(file_open(&f, r->path, NULL), ERR_OK);
    file_release(&f, 0, SIZE);
    assert_memory_equal(f.at, bytes, SIZE);
    file_release(&f, 100, 10);              /* less than a page: nothing */
    file_release(&f, 5000, UINT64_MAX);     /* past the end: cut */
    file_release(&f, UINT64_MAX, 1);
    assert_memory_equal(f.at, bytes, SIZE);
    file_close(&f);
    free(bytes);
}

static void kinds(void **state)
{
    struct room *r = *state;

    assert_int_equal(file_kind(in(r, "full")), FILE_REGULAR);
    assert_int_equal(file_kind(in(r, "link")), FILE_REGULAR);
    assert_int_equal(file_kind(in(r, "a")), FILE_DIRECTORY);
    assert_int_equal(file_kind(in(r, "fifo")), FILE_OTHER);
    assert_int_equal(file_kind(in(r, "loop")), FILE_NONE);
    assert_int_equal(file_kind(in(r, "missing")), FILE_NONE);
}

static void paths(void **state)
{
    static const char *const rows[][3] = {
        { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" },
        { "", "b", "b" }, { "a", "", "a/" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *joined = path_join(rows[i][0], rows[i][1]);
        assert_string_equal(joined, rows[i][2]);
        free(joined);
    }
    assert_string_equal(path_base("a/b/c.txt"), "c.txt");
    assert_string_equal(path_base("c.txt"), "c.txt");
    assert_string_equal(path_base("a/"), "a/");
    assert_string_equal(path_base("/"), "/");
    assert_string_equal(path_base(""), "");
}

static void lists(void **state)
{
    static const char *const want[] = { "a", "empty", "fifo", "full", "link",
                                        "loop" };
    struct room *r = *state;
    struct dir_list l;
    struct err_info why;

    assert_int_equal(dir_list(&l, r->dir, &why), ERR_OK);
    assert_int_equal(l.n, 6);
    for (size_t i = 0; i < l.n; i++)
        assert_string_equal(l.names[i], want[i]);
    dir_list_drop(&l);
    assert_int_equal(dir_list(&l, in(r, "a"), &why), ERR_OK);
    assert_int_equal(l.n, 0);
    dir_list_drop(&l);
    assert_int_equal(dir_list(&l, in(r, "full"), &why), ERR_IO);
    assert_non_null(strstr(why.text, "is not a directory"));
    assert_int_equal(dir_list(&l, in(r, "missing"), &why), ERR_IO);
    assert_non_null(strstr(why.text, "does not exist"));
    assert_int_equal(dir_list(&l, in(r, "loop"), &why), ERR_IO);
}

static enum err open_and_list(void *arg)
{
    struct room *r = arg;
    struct dir_list l;
    struct file f;
    enum err e = file_open(&f, in(r, "full"), NULL);

    if (e != ERR_OK)
        return e;
    e = dir_list(&l, r->dir, NULL);
    if (e == ERR_OK)
        dir_list_drop(&l);
    file_close(&f);
    char *joined = e == ERR_OK ? path_join("a", "b") : NULL;
    if (joined == NULL)
        return ERR_NOMEM;
    free(joined);
    return ERR_OK;
}

static void memory_fails(void **state)
{
    /* The path, six names and their list, the joined path. */
    assert_int_equal(alloc_fail_each(open_and_list, *state), 9);
}

int main(void)
{
#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, room_make,     \
                                                        room_free)
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(opens),
        IN_A_ROOM(refuses),
        IN_A_ROOM(no_permission),
        IN_A_ROOM(small_only),
        IN_A_ROOM(descriptors_do_not_leak),
        IN_A_ROOM(release_keeps_the_bytes),
        IN_A_ROOM(kinds),
        cmocka_unit_test(paths),
        IN_A_ROOM(lists),
        IN_A_ROOM(memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
