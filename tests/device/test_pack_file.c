/* Files of packed weights: what was written is read, and whatever else stands
 * there is refused. */
#include "support/check.h"

#include "device/pack_file.h"
#include "support/alloc_fail.h"
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 4096, BIG = (3 << 20) + 5 };

static const struct pack_key key = { { 1, 2, 3, 250 } };
static struct scratch scratch;
static struct pool   *pool;
static uint8_t        big[BIG];

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)(i * 31 ^ i >> 9);
    return pool_open(&pool, 2, NULL) == ERR_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    pool_close(pool);
    scratch_close(&scratch);
    return 0;
}

static int open_file(const char *name, int flags)
{
    int fd = open(scratch_path(&scratch, name), flags | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Three entries of 7, BIG and 64 bytes. */
static bool write_three(const char *name)
{
    struct pack_writer w;
    int  fd = open_file(name, O_RDWR | O_CREAT | O_TRUNC);
    bool whole;

    pack_writer_begin(&w, fd);
    pack_writer_put(&w, 11, "sevens!", 7);
    pack_writer_put(&w, 22, big, sizeof big);
    pack_writer_put(&w, 33, big + 100, 64);
    whole = pack_writer_end(&w, &key);
    close(fd);
    return whole;
}

static enum err try_open(struct pack_file *p, const char *name,
                         const struct pack_key *k)
{
    struct err_info why;
    int      fd = open_file(name, O_RDONLY | O_NONBLOCK);
    enum err e = pack_file_open(p, fd, name, k, pool, &why);

    close(fd);
    if (e != ERR_OK) {
        assert_null(p->file.at);
        assert_null(p->entry);
        assert_non_null(strstr(why.text, name));
    }
    return e;
}

static void what_was_written_is_read(void **state)
{
    struct pack_file p;

    (void)state;
    assert_true(write_three("a"));
    assert_int_equal(try_open(&p, "a", &key), ERR_OK);
    for (int turn = 0; turn < 2; turn++) {
        assert_memory_equal(pack_file_find(&p, 11, 7), "sevens!", 7);
        assert_memory_equal(pack_file_find(&p, 22, BIG), big, BIG);
        assert_memory_equal(pack_file_find(&p, 33, 64), big + 100, 64);
    }
    assert_int_equal((uintptr_t)pack_file_find(&p, 22, BIG) % 64, 0);
    assert_null(pack_file_find(&p, 22, BIG - 1));
    assert_null(pack_file_find(&p, 12, 7));
    pack_file_close(&p);
}

static void an_empty_one_has_nothing(void **state)
{
    struct pack_writer w;
    struct pack_file   p;
    int                fd = open_file("none", O_RDWR | O_CREAT);

    (void)state;
    pack_writer_begin(&w, fd);
    assert_true(pack_writer_end(&w, &key));
    close(fd);
    assert_int_equal(try_open(&p, "none", &key), ERR_OK);
    assert_null(pack_file_find(&p, 0, 0));
    pack_file_close(&p);
}

static void another_key_is_refused(void **state)
{
    struct pack_key  other = key;
    struct pack_file p;

    (void)state;
    assert_true(write_three("a"));
    other.byte[15]++;
    assert_int_equal(try_open(&p, "a", &other), ERR_FORMAT);
}

/* ---- damage ---- */

static uint8_t *read_whole(const char *name, size_t *size)
{
    int         fd = open_file(name, O_RDONLY);
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    *size = (size_t)st.st_size;
    uint8_t *at = malloc(*size);
    assert_int_equal(read(fd, at, *size), *size);
    close(fd);
    return at;
}

static void assert_refused(const uint8_t *at, size_t size)
{
    struct pack_file p;

    scratch_put(&scratch, "bad", (struct slice){ (const char *)at, size });
    assert_int_equal(try_open(&p, "bad", &key), ERR_FORMAT);
}

static void every_kind_of_byte_is_checked(void **state)
{
    size_t   size;
    uint8_t *at;

    (void)state;
    assert_true(write_three("a"));
    at = read_whole("a", &size);
    for (size_t i = 0; i < size;
         i += i < 72 || i > size - 110 ? 1 : size / 17) {
        if (i >= 72 && i < HEAD)
            continue;                     /* padding, which nobody reads */
        at[i] ^= 0x10;
        assert_refused(at, size);
        at[i] ^= 0x10;
    }
    free(at);
}

static void every_cut_is_noticed(void **state)
{
    size_t   size;
    uint8_t *at;

    (void)state;
    assert_true(write_three("a"));
    at = read_whole("a", &size);
    for (size_t n = 0; n < size; n += n < 80 || n > size - 16 ? 1 : size / 23)
        assert_refused(at, n);
    at = realloc(at, size + 1);
    at[size] = 0;
    assert_refused(at, size + 1);
    free(at);
}

/* Numbers that somebody has put in and summed up well. */
static void forge(uint8_t *at, size_t size, size_t place, uint64_t value)
{
    uint64_t table_at, sum;

    memcpy(at + place, &value, sizeof value);
    memcpy(&table_at, at + 32, sizeof table_at);
    if (table_at < size) {
        sum = slice_hash((struct slice){ (char *)at + table_at,
                                         size - table_at });
        memcpy(at + 56, &sum, sizeof sum);
    }
    sum = slice_hash((struct slice){ (char *)at, 64 });
    memcpy(at + 64, &sum, sizeof sum);
}

static void forged_numbers_are_refused(void **state)
{
    static const uint64_t values[] = {
        0, 1, 63, 64, 4095, 1 << 20, UINT32_MAX, UINT64_MAX, UINT64_MAX - 63,
        UINT64_MAX / 24 + 1, UINT64_MAX / 8 + 1, (uint64_t)1 << 63,
    };
    size_t   size;
    uint8_t *at, *copy;
    uint64_t table_at, was;

    (void)state;
    assert_true(write_three("a"));
    at = read_whole("a", &size);
    copy = malloc(size);
    memcpy(&table_at, at + 32, sizeof table_at);
    /* Size, place of the table, counts; place and size of the second entry. */
    const size_t places[] = { 24, 32, 40, 48, (size_t)table_at + 24 + 8,
                              (size_t)table_at + 24 + 16 };
    for (size_t p = 0; p < 6; p++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            bool is_size = p == 5;
            memcpy(copy, at, size);
            memcpy(&was, at + places[p], sizeof was);
            if (was == values[v] || (is_size && values[v] < was))
                continue;
            forge(copy, size, places[p], values[v]);
            assert_refused(copy, size);
        }
    /* The forger's hand is good: what it writes without a lie is accepted. */
    struct pack_file p;
    memcpy(copy, at, size);
    forge(copy, size, 24, size);
    scratch_put(&scratch, "good", (struct slice){ (char *)copy, size });
    assert_int_equal(try_open(&p, "good", &key), ERR_OK);
    pack_file_close(&p);
    free(copy);
    free(at);
}

static void what_is_no_file_is_refused(void **state)
{
    struct pack_file p;

    (void)state;
    assert_int_equal(mkfifo(scratch_path(&scratch, "fifo"), 0600), 0);
    assert_int_equal(try_open(&p, "fifo", &key), ERR_IO);
    assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0700), 0);
    assert_int_equal(try_open(&p, "dir", &key), ERR_IO);
}

/* ---- what fails on the way ---- */

static enum err open_once(void *arg)
{
    struct pack_file p;
    int      fd = *(int *)arg;
    enum err e = pack_file_open(&p, fd, "a", &key, pool, NULL);

    pack_file_close(&p);
    return e;
}

static enum err write_once(void *arg)
{
    struct pack_writer w;
    int fd = *(int *)arg;

    pack_writer_begin(&w, fd);
    pack_writer_put(&w, 1, big, sizeof big);
    return pack_writer_end(&w, &key) ? ERR_OK
         : w.error == ENOMEM ? ERR_NOMEM : ERR_IO;
}

static void every_allocation_may_fail(void **state)
{
    int fd;

    (void)state;
    assert_true(write_three("a"));
    fd = open_file("a", O_RDONLY);
    assert_true(alloc_fail_each(open_once, &fd) >= 2);
    close(fd);
    fd = open_file("b", O_RDWR | O_CREAT);
    assert_true(alloc_fail_each(write_once, &fd) >= 3);
    close(fd);
}

/* A limit of the process stands for a disk that is full: the same call fails
 * in the same place. */
static void a_full_disk_makes_no_file(void **state)
{
    struct rlimit    was, little;
    struct pack_file p;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    for (rlim_t n = HEAD; n < BIG + HEAD + 300; n += BIG / 4) {
        little = (struct rlimit){ n, was.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        bool whole = write_three("full");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_false(whole);
        assert_int_equal(try_open(&p, "full", &key), ERR_FORMAT);
    }
    assert_true(write_three("full"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(every_kind_of_byte_is_checked),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(forged_numbers_are_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_full_disk_makes_no_file),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
