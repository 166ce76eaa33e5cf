/* How many threads are worth using: three answers of the system, the smallest
 * counts.  Everything is read below `root`, so that tests can build a machine
 * out of files.  What cannot be read does not limit. */
#include "kernels/pool.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 4096, TEXT_SIZE = 4096 };

struct cpu_set {
    uint64_t bit[CPUS_MAX / 64];
};

static bool set_has(const struct cpu_set *s, unsigned cpu)
{
    return s->bit[cpu / 64] >> (cpu % 64) & 1;
}

static void set_add(struct cpu_set *s, unsigned cpu)
{
    s->bit[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}

static unsigned set_count(const struct cpu_set *s)
{
    unsigned n = 0;
    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
        n += set_has(s, cpu);
    return n;
}

/* The start of a file as text, cut at TEXT_SIZE - 1; false: not there. */
static bool read_text(char text[TEXT_SIZE], const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    size_t n = fread(text, 1, TEXT_SIZE - 1, f);
    fclose(f);
    text[n] = '\0';
    return n > 0;
}

/* "0-3,8,10-11" */
static void parse_list(struct cpu_set *s, const char *text)
{
    while (*text >= '0' && *text <= '9') {
        char         *end;
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = from; cpu <= to && cpu < CPUS_MAX; cpu++)
            set_add(s, (unsigned)cpu);
        text = *end == ',' ? end + 1 : end;
    }
}

/* The processors this process may run on.  Not sched_getaffinity: the same
 * fact is in a file, which a test can write. */
static void read_affinity(struct cpu_set *s, const char *root)
{
    static const char key[] = "\nCpus_allowed_list:";
    char        path[PATH_MAX], text[TEXT_SIZE];
    const char *at;

    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "%s/proc/self/status", root);
    if (!read_text(text, path) || (at = strstr(text, key)) == NULL)
        return;
    at += sizeof key - 1;
    parse_list(s, at + strspn(at, " \t"));
}

/* Physical cores among them: processors that share a core name the same
 * siblings, so the first sibling stands for the core. */
static unsigned count_cores(const struct cpu_set *cpus, const char *root)
{
    struct cpu_set cores = { { 0 } };
    char           path[PATH_MAX], text[TEXT_SIZE];

    for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
        unsigned long first = cpu;
        if (!set_has(cpus, cpu))
            continue;
        snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%u"
                 "/topology/thread_siblings_list", root, cpu);
        if (read_text(text, path))
            first = strtoul(text, NULL, 10);
        if (first < CPUS_MAX)
            set_add(&cores, (unsigned)first);
    }
    return set_count(&cores);
}

/* quota / period in whole processors, at least 1. */
static unsigned whole_cpus(long quota, long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    return quota < period ? 1 : (unsigned)(quota / period);
}

static unsigned v2_limit(const char *dir)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    long quota = 0, period = 0;

    snprintf(path, sizeof path, "%.4000s/cpu.max", dir);
    /* The kernel writes this file: its numbers fit. */
    // NOLINTNEXTLINE(cert-err34-c)
    if (!read_text(text, path) || sscanf(text, "%ld %ld", &quota, &period) != 2)
        return UINT_MAX;             /* "max 100000": no limit */
    return whole_cpus(quota, period);
}

static long read_long(const char *dir, const char *name)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    snprintf(path, sizeof path, "%.4000s/%s", dir, name);
    return read_text(text, path) ? strtol(text, NULL, 10) : -1;
}

static unsigned v1_limit(const char *dir)
{
    return whole_cpus(read_long(dir, "cpu.cfs_quota_us"),
                      read_long(dir, "cpu.cfs_period_us"));
}

/* The smallest limit of a group and all groups above it, up to the mount.  In a
 * container the group's path may not exist below the mount; then the mount
 * itself is what limits, and the walk ends there. */
static unsigned walk_up(const char *root, const char *mount, const char *group,
                        unsigned (*limit_of)(const char *dir))
{
    char     dir[PATH_MAX];
    size_t   top = strlen(root) + strlen(mount);
    unsigned least = UINT_MAX;

    if (strstr(group, "..") != NULL)
        group = "";                  /* outside what this namespace shows */
    int len = snprintf(dir, sizeof dir, "%s%s%s", root, mount, group);
    if (len < 0 || (size_t)len >= sizeof dir)
        return UINT_MAX;
    for (;;) {
        unsigned here = limit_of(dir);
        least = here < least ? here : least;
        char *slash = strrchr(dir, '/');
        if (slash == NULL || (size_t)(slash - dir) < top)
            return least;
        *slash = '\0';
    }
}

/* True when a v1 line's list of controllers ("cpu,cpuacct") has "cpu". */
static bool has_cpu(const char *list)
{
    for (; *list != '\0' && *list != ':'; list += strcspn(list, ",:")) {
        list += *list == ',';
        if (strncmp(list, "cpu", 3) == 0 && strchr(",:", list[3]) != NULL)
            return true;
    }
    return false;
}

static unsigned line_limit(const char *root, const char *line)
{
    static const char *const v1_mounts[] = {
        "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/cpuacct,cpu",
    };
    const char *list = strchr(line, ':');
    const char *group = list == NULL ? NULL : strchr(list + 1, ':');
    unsigned    least = UINT_MAX;

    if (group == NULL)
        return UINT_MAX;
    if (strncmp(line, "0::", 3) == 0) {
        unsigned plain = walk_up(root, "/sys/fs/cgroup", group + 1, v2_limit);
        unsigned hybrid = walk_up(root, "/sys/fs/cgroup/unified", group + 1,
                                  v2_limit);
        return plain < hybrid ? plain : hybrid;
    }
    size_t n = has_cpu(list + 1) ? sizeof v1_mounts / sizeof *v1_mounts : 0;
    for (size_t i = 0; i < n; i++) {
        unsigned here = walk_up(root, v1_mounts[i], group + 1, v1_limit);
        least = here < least ? here : least;
    }
    return least;
}

static unsigned quota(const char *root)
{
    char     path[PATH_MAX], text[TEXT_SIZE];
    unsigned least = UINT_MAX;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_text(text, path))
        return UINT_MAX;
    for (char *line = text, *end; line != NULL; line = end) {
        if ((end = strchr(line, '\n')) != NULL)
            *end++ = '\0';
        unsigned here = line_limit(root, line);
        least = here < least ? here : least;
    }
    return least;
}

unsigned pool_default_threads(const char *root)
{
    struct cpu_set cpus;
    unsigned       n, limit = quota(root);

    read_affinity(&cpus, root);
    n = count_cores(&cpus, root);
    n = n < limit ? n : limit;
    if (n > POOL_MAX_THREADS)
        n = POOL_MAX_THREADS;
    return n < 1 ? 1 : n;
}
