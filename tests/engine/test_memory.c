#include "support/check.h"

#include "engine/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A root of our own, with /proc and /sys as the cases want them. */
static char root[64];

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/osmia-memory-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command) != 0;
}

static const char meminfo[] = "MemTotal:       8000000 kB\n"
                              "MemFree:         100000 kB\n"
                              "MemAvailable:   2000000 kB\n";

static void nothing_known(void **state)
{
    (void)state;
    assert_true(memory_available(root) == UINT64_MAX);
}

static void machine_only(void **state)
{
    (void)state;
    put("/proc/meminfo", meminfo);
    assert_int_equal(memory_available(root), 2000000ull * 1024);
    put("/proc/self/cgroup", "0::/a/b\n");
    assert_int_equal(memory_available(root), 2000000ull * 1024);
}

static void groups_of_version_2(void **state)
{
    (void)state;
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/sys/fs/cgroup/a/b/memory.max", "max\n");
    put("/sys/fs/cgroup/a/b/memory.current", "5000\n");
    put("/sys/fs/cgroup/a/memory.max", "1000000\n");
    put("/sys/fs/cgroup/a/memory.current", "700000\n");
    assert_int_equal(memory_available(root), 300000);
    put("/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 600000\nx 2\n");
    assert_int_equal(memory_available(root), 900000);
    put("/sys/fs/cgroup/a/b/memory.max", "4000\n");     /* over its limit */
    assert_int_equal(memory_available(root), 0);
}

static void groups_of_version_1(void **state)
{
    (void)state;
    put("/proc/meminfo", meminfo);
    put("/proc/self/cgroup", "5:cpu:/x\n4:memory:/x\n");
    put("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "900000\n");
    put("/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "400000\n");
    put("/sys/fs/cgroup/memory/x/memory.stat", "total_inactive_file 1000\n");
    assert_int_equal(memory_available(root), 501000);
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
    put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "400000\n");
    assert_int_equal(memory_available(root), 100000);
    put("/proc/self/cgroup", "4:memory:/../../x\n");      /* outside */
    assert_int_equal(memory_available(root), 100000);
}

static void this_machine(void **state)
{
    (void)state;
    uint64_t here = memory_available("");
    assert_true(here > 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_known, begin, end),
        cmocka_unit_test_setup_teardown(machine_only, begin, end),
        cmocka_unit_test_setup_teardown(groups_of_version_2, begin, end),
        cmocka_unit_test_setup_teardown(groups_of_version_1, begin, end),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
