/* The folder of packed weights: whose it is, who writes, what goes first. */
#include "support/check.h"

#include "device/pack_folder.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct scratch     scratch;
static struct pack_folder folder;

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    return pack_folder_open(&folder, scratch_path(&scratch, "cache"), NULL)
           != ERR_OK;
}

static int end(void **state)
{
    (void)state;
    pack_folder_close(&folder);
    scratch_close(&scratch);
    return 0;
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    return lstat(scratch_path(&scratch, name), &st) == 0 ? st.st_mode & 07777
                                                         : 0;
}

static bool exists(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "cache/packed/%s", name);
    return mode_of(path) != 0;
}

/* A whole file of `size` bytes, last used `age` seconds ago. */
static void put(const char *name, size_t size, time_t age)
{
    struct timespec times[2];
    int             error, fd = pack_folder_write(&folder, name, &error);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age;
    times[1] = times[0];
    assert_int_equal(futimens(fd, times), 0);
    assert_true(pack_folder_keep(&folder, name, fd));
}

static void it_is_for_its_user_alone(void **state)
{
    struct pack_folder again;

    (void)state;
    assert_int_equal(mode_of("cache"), 0700);
    assert_int_equal(mode_of("cache/packed"), 0700);
    assert_int_equal(chmod(scratch_path(&scratch, "cache/packed"), 0777), 0);
    assert_int_equal(pack_folder_open(&again, scratch_path(&scratch, "cache"),
                                      NULL), ERR_OK);
    assert_int_equal(mode_of("cache/packed"), 0700);
    pack_folder_close(&again);
    put("mine", 10, 0);
    assert_int_equal(mode_of("cache/packed/mine"), 0600);
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct pack_folder f;
    struct err_info    why;

    (void)state;
    scratch_text(&scratch, "file", "");
    assert_int_equal(pack_folder_open(&f, scratch_path(&scratch, "file"), &why),
                     ERR_IO);
    assert_int_equal(f.fd, -1);
    assert_int_equal(pack_folder_open(&f, scratch_path(&scratch, "no/such"),
                                      &why), ERR_IO);
    /* A link in its place would lead to wherever its maker likes. */
    char target[512];
    snprintf(target, sizeof target, "%s", scratch_path(&scratch, "cache"));
    assert_int_equal(mkdir(scratch_path(&scratch, "other"), 0700), 0);
    assert_int_equal(symlink(target, scratch_path(&scratch, "other/packed")),
                     0);
    assert_int_equal(pack_folder_open(&f, scratch_path(&scratch, "other"),
                                      &why), ERR_IO);
}

static void links_are_not_followed(void **state)
{
    int error;

    (void)state;
    scratch_text(&scratch, "precious", "precious");
    assert_int_equal(symlink("../../precious",
                             scratch_path(&scratch, "cache/packed/link")), 0);
    assert_int_equal(symlink("../../precious",
                             scratch_path(&scratch, "cache/packed/x.part")), 0);
    assert_int_equal(pack_folder_read(&folder, "link"), -1);
    assert_int_equal(pack_folder_write(&folder, "x", &error), -1);
    assert_int_not_equal(error, 0);
    struct stat st;
    assert_int_equal(stat(scratch_path(&scratch, "precious"), &st), 0);
    assert_int_equal(st.st_size, 8);
    unlink(scratch_path(&scratch, "cache/packed/x.part"));
}

static void one_writes_at_a_time(void **state)
{
    int error = 7, first = pack_folder_write(&folder, "w", &error);

    (void)state;
    assert_true(first >= 0);
    assert_int_equal(write(first, "old", 3), 3);
    assert_int_equal(pack_folder_write(&folder, "w", &error), -1);
    assert_int_equal(error, 0);
    assert_false(exists("w"));
    assert_true(pack_folder_keep(&folder, "w", first));
    assert_true(exists("w"));
    assert_false(exists("w.part"));

    /* What a process has left that died is written over. */
    first = pack_folder_write(&folder, "w", &error);
    assert_int_equal(write(first, "longer than before", 18), 18);
    close(first);
    assert_true(exists("w.part"));
    int second = pack_folder_write(&folder, "w", &error);
    assert_true(second >= 0);
    assert_int_equal(lseek(second, 0, SEEK_END), 0);
    pack_folder_discard(&folder, "w", second);
    assert_false(exists("w.part"));
    assert_true(exists("w"));
}

static void clear(void)
{
    pack_folder_make_room(&folder, "", 0, 0);
}

static void the_oldest_go_first(void **state)
{
    (void)state;
    clear();
    put("a", 1000, 50);
    put("b", 1000, 90);
    put("c", 1000, 10);
    assert_true(pack_folder_make_room(&folder, "d", 1000, 4000));
    assert_true(exists("a") && exists("b") && exists("c"));
    assert_true(pack_folder_make_room(&folder, "d", 1000, 3999));
    assert_true(exists("a") && !exists("b") && exists("c"));
    assert_false(pack_folder_make_room(&folder, "d", 4000, 3999));
    assert_true(exists("a") && exists("c"));
    close(pack_folder_read(&folder, "a"));       /* used just now */
    assert_true(pack_folder_make_room(&folder, "d", 1000, 2000));
    assert_true(exists("a") && !exists("c"));
    assert_true(pack_folder_make_room(&folder, "a", 1000, 1000));
    assert_true(exists("a"));                    /* it is what is replaced */
}

static void what_is_being_written_stays(void **state)
{
    int error, fd = pack_folder_write(&folder, "busy", &error);

    (void)state;
    assert_int_equal(ftruncate(fd, 5000), 0);
    assert_true(pack_folder_make_room(&folder, "d", 1000, 2000));
    assert_true(exists("busy.part"));
    close(fd);                                   /* its writer has died */
    assert_true(pack_folder_make_room(&folder, "d", 1000, 2000));
    assert_false(exists("busy.part"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_for_its_user_alone),
        cmocka_unit_test(what_cannot_be_opened_is_told),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(one_writes_at_a_time),
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(what_is_being_written_stays),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
