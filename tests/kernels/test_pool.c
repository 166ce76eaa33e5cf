#include "kernels/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <stdio.h>

enum { CHUNKS_MAX = 3000 };

struct count {
    _Atomic int      times[CHUNKS_MAX];
    _Atomic unsigned worker_max;
    _Atomic bool     denormal_seen;
};

static void count_chunk(void *arg, size_t chunk, unsigned worker)
{
    struct count  *c = arg;
    volatile float tiny = 1e-30f;

    atomic_fetch_add(&c->times[chunk], 1);
    if (worker > atomic_load(&c->worker_max))
        atomic_store(&c->worker_max, worker);
    if (tiny * tiny * 1e10f != 0.0f)      /* 1e-60 is 0 anyway */
        atomic_store(&c->denormal_seen, true);
    tiny = 1e-38f;
    if (tiny * 0.01f != 0.0f)             /* a denormal unless flushed */
        atomic_store(&c->denormal_seen, true);
}

static void each_chunk_once(struct pool *p, size_t n)
{
    static struct count c;

    memset(&c, 0, sizeof c);
    pool_run(p, count_chunk, &c, n);
    for (size_t i = 0; i < CHUNKS_MAX; i++)
        assert_int_equal(atomic_load(&c.times[i]), i < n ? 1 : 0);
    assert_true(atomic_load(&c.worker_max) < pool_threads(p));
    assert_false(atomic_load(&c.denormal_seen));
}

static void test_runs_each_chunk_once(void **state)
{
    (void)state;
    for (unsigned n_threads = 1; n_threads <= 5; n_threads++) {
        struct pool *p;
        assert_int_equal(pool_open(&p, n_threads, NULL), 0);
        assert_int_equal(pool_threads(p), n_threads);
        for (size_t n = 0; n < 40; n++)
            each_chunk_once(p, n);
        for (int i = 0; i < 200; i++)
            each_chunk_once(p, 2 + (size_t)i % 7);
        each_chunk_once(p, CHUNKS_MAX);
        pool_close(p);
    }
}

/* Every chunk waits for all others: each has a thread and a number of its own. */
struct meeting {
    _Atomic unsigned n_here, workers;
    unsigned         n;
};

static void meet(void *arg, size_t chunk, unsigned worker)
{
    struct meeting *m = arg;

    (void)chunk;
    atomic_fetch_or(&m->workers, 1u << worker);
    atomic_fetch_add(&m->n_here, 1);
    while (atomic_load(&m->n_here) < m->n)
        usleep(50);
}

static void test_numbers_its_threads(void **state)
{
    struct meeting m = { .n = 4 };
    struct pool   *p;

    (void)state;
    assert_int_equal(pool_open(&p, m.n, NULL), 0);
    pool_run(p, meet, &m, m.n);
    assert_int_equal(atomic_load(&m.workers), 15);
    pool_close(p);
}

/* Sleeping members must wake for a region, and the caller for its end. */
static void slow_chunk(void *arg, size_t chunk, unsigned worker)
{
    (void)worker;
    usleep(300);
    atomic_fetch_add((_Atomic size_t *)arg, chunk + 1);
}

static void test_wakes_sleepers(void **state)
{
    struct pool *p;

    (void)state;
    assert_int_equal(pool_open(&p, 3, NULL), 0);
    for (int i = 0; i < 20; i++) {
        _Atomic size_t sum = 0;
        usleep(500);
        pool_run(p, slow_chunk, &sum, 5);
        assert_int_equal(atomic_load(&sum), 15);
    }
    pool_close(p);
}

struct sharer {
    struct pool *pool;
    size_t       sum;
};

static void add_chunk(void *arg, size_t chunk, unsigned worker)
{
    (void)worker;
    atomic_fetch_add((_Atomic size_t *)arg, chunk);
}

static void *run_many(void *arg)
{
    struct sharer *s = arg;
    for (int i = 0; i < 200; i++) {
        _Atomic size_t sum = 0;
        pool_run(s->pool, add_chunk, &sum, 20);
        s->sum += atomic_load(&sum);
    }
    return NULL;
}

static void test_callers_take_turns(void **state)
{
    struct sharer s[3] = { { 0 } };
    pthread_t     t[3];
    struct pool  *p;

    (void)state;
    assert_int_equal(pool_open(&p, 2, NULL), 0);
    for (int i = 0; i < 3; i++) {
        s[i].pool = p;
        assert_int_equal(pthread_create(&t[i], NULL, run_many, &s[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(s[i].sum, 200 * 190);
    }
    pool_close(p);
}

static void test_refuses_numbers(void **state)
{
    struct pool *p;

    (void)state;
    assert_int_equal(pool_open(&p, 0, NULL), ERR_REQUEST);
    assert_int_equal(pool_open(&p, POOL_MAX_THREADS + 1, NULL), ERR_REQUEST);
    assert_null(p);
}

/* A machine made of files. */
struct machine {
    char root[64];
};

static void put(const struct machine *m, const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", m->root, path);
    for (char *at = full + strlen(m->root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(full, 0777);
        *at = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static struct machine machine(const char *cpus)
{
    struct machine m = { "/tmp/osmia-cpus-XXXXXX" };
    char           text[128];
    assert_non_null(mkdtemp(m.root));
    snprintf(text, sizeof text, "Name:\tx\nCpus_allowed_list:\t%s\nx:\n", cpus);
    put(&m, "/proc/self/status", text);
    return m;
}

static void expect_threads(const struct machine *m, unsigned n)
{
    char command[128];
    assert_int_equal(pool_default_threads(m->root), n);
    snprintf(command, sizeof command, "rm -r %s", m->root);
    assert_int_equal(system(command), 0);
}

static void test_affinity_and_cores(void **state)
{
    (void)state;
    struct machine m = machine("0-5,8");
    expect_threads(&m, 7);

    m = machine("0-3");     /* two cores of two siblings each */
    for (int i = 0; i < 4; i++) {
        char path[96];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/"
                 "thread_siblings_list", i);
        put(&m, path, i % 2 == 0 ? "0,2\n" : "1,3\n");
    }
    expect_threads(&m, 2);

    m = (struct machine){ "/tmp/osmia-cpus-XXXXXX" };   /* nothing known */
    assert_non_null(mkdtemp(m.root));
    expect_threads(&m, 1);
}

static void test_quota_v2(void **state)
{
    (void)state;
    struct machine m = machine("0-7");
    put(&m, "/proc/self/cgroup", "0::/a/b\n");
    put(&m, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "350000 100000\n");
    expect_threads(&m, 3);              /* the group above limits; rounded down */

    m = machine("0-7");
    put(&m, "/proc/self/cgroup", "0::/\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "50000 100000\n");
    expect_threads(&m, 1);              /* half a processor is one */

    m = machine("0-7");     /* three deep: the tightest counts, wherever it is */
    put(&m, "/proc/self/cgroup", "0::/a/b/c\n");
    put(&m, "/sys/fs/cgroup/a/b/c/cpu.max", "600000 100000\n");
    put(&m, "/sys/fs/cgroup/a/b/cpu.max", "299999 100000\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    expect_threads(&m, 2);

    m = machine("0-7");     /* no limit anywhere; the set of processors is one */
    put(&m, "/proc/self/cgroup", "0::/a\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "max 100000\n");
    expect_threads(&m, 8);

    m = machine("2,5-6");   /* cpuset: the kernel shows it as what is allowed */
    put(&m, "/proc/self/cgroup", "0::/a\n");
    put(&m, "/sys/fs/cgroup/a/cpuset.cpus.effective", "2,5-6\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "800000 100000\n");
    expect_threads(&m, 3);

    m = machine("0-7");     /* other periods; more than there are processors */
    put(&m, "/proc/self/cgroup", "0::/a\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "5000000 1000000\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "6400000 100000\n");
    expect_threads(&m, 5);

    m = machine("0-7");     /* files of nonsense limit nothing */
    put(&m, "/proc/self/cgroup", "0::/a\n0::\nx\n::\n\n");
    put(&m, "/sys/fs/cgroup/a/cpu.max", "-5 0\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "many few\n");
    expect_threads(&m, 8);

    m = machine("0-7");
    put(&m, "/proc/self/cgroup", "0::/../outside\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "200000 100000\n");
    expect_threads(&m, 2);
}

static void test_quota_v1(void **state)
{
    (void)state;
    struct machine m = machine("0-7");
    put(&m, "/proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/docker/1f\n");
    put(&m, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "450000\n");
    put(&m, "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    put(&m, "/sys/fs/cgroup/memory/m/cpu.cfs_quota_us", "100000\n");
    expect_threads(&m, 4);              /* the path is not below the mount */

    m = machine("0-7");     /* nested: the one above is the tighter one */
    put(&m, "/proc/self/cgroup", "3:cpu,cpuacct:/a/b\n0::/a\n");
    put(&m, "/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "600000\n");
    put(&m, "/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    put(&m, "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "99000\n");
    put(&m, "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n");
    expect_threads(&m, 1);

    m = machine("0-7");     /* both versions at once (hybrid) */
    put(&m, "/proc/self/cgroup", "3:cpuacct,cpu:/a\n0::/b\n");
    put(&m, "/sys/fs/cgroup/cpuacct,cpu/a/cpu.cfs_quota_us", "600000\n");
    put(&m, "/sys/fs/cgroup/cpuacct,cpu/a/cpu.cfs_period_us", "100000\n");
    put(&m, "/sys/fs/cgroup/unified/b/cpu.max", "700000 100000\n");
    expect_threads(&m, 6);

    m = machine("0-7");
    put(&m, "/proc/self/cgroup", "4:cpuset,cpu:/x\n");
    put(&m, "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
    put(&m, "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    expect_threads(&m, 8);

    m = machine("0-7");
    put(&m, "/proc/self/cgroup", "4:cpuset:/x\n");
    put(&m, "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
    put(&m, "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    expect_threads(&m, 8);              /* another controller's group */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_each_chunk_once),
        cmocka_unit_test(test_numbers_its_threads),
        cmocka_unit_test(test_wakes_sleepers),
        cmocka_unit_test(test_callers_take_turns),
        cmocka_unit_test(test_refuses_numbers),
        cmocka_unit_test(test_affinity_and_cores),
        cmocka_unit_test(test_quota_v2),
        cmocka_unit_test(test_quota_v1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
