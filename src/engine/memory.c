/* The kernel's own words in /proc and /sys, read as text.  sysconf and sysinfo
 * say what is free, not what could be freed, and know nothing of control
 * groups: in a container they promise memory that the process will be killed
 * for taking. */
#include "engine/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 16384 };

static bool read_text(char text[TEXT_SIZE], const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    text[fread(text, 1, TEXT_SIZE - 1, f)] = '\0';
    fclose(f);
    return true;
}

/* The number behind "NAME" at the start of a line. */
static bool find_number(uint64_t *out, const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line != NULL;
         line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
        if (strncmp(line, name, len) != 0)
            continue;
        *out = strtoull(line + len, NULL, 10);
        return true;
    }
    return false;
}

/* Not MemFree: page cache that can be dropped is free, too, above all the pages
 * of the model's own file. */
static uint64_t mem_available(const char *root)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    uint64_t kib;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!read_text(text, path) || !find_number(&kib, text, "MemAvailable:"))
        return UINT64_MAX;
    return kib * 1024;
}

/* ---- control groups ---- */

/* Names of the same things in the two versions. */
struct version {
    const char *mount, *limit, *usage, *reclaimable;
};
static const struct version versions[] = {
    { "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file " },
    { "/sys/fs/cgroup/unified", "memory.max", "memory.current",
      "inactive_file " },
    { "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
      "memory.usage_in_bytes", "total_inactive_file " },
};

static bool read_number(uint64_t *out, const char *dir, const char *name)
{
    char path[PATH_MAX], text[TEXT_SIZE], *end;
    snprintf(path, sizeof path, "%.4000s/%s", dir, name);
    if (!read_text(text, path))
        return false;
    *out = strtoull(text, &end, 10);      /* "max": no limit */
    return end != text;
}

/* What one group leaves.  Its usage counts file pages that were read once and
 * can go (inactive_file); a freshly downloaded model would otherwise seem to
 * fill the group. */
static uint64_t left_in(const char *dir, const struct version *v)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    uint64_t limit, usage, cached = 0;
    if (!read_number(&limit, dir, v->limit)
        || !read_number(&usage, dir, v->usage))
        return UINT64_MAX;
    snprintf(path, sizeof path, "%.4000s/memory.stat", dir);
    if (read_text(text, path))
        find_number(&cached, text, v->reclaimable);
    usage = usage > cached ? usage - cached : 0;
    return limit > usage ? limit - usage : 0;
}

/* The group and all above it.  In a container the group's path may not exist
 * below the mount; then the mount itself is what limits. */
static uint64_t left_above(const char *root, const struct version *v,
                           const char *group)
{
    char dir[PATH_MAX];
    size_t top = strlen(root) + strlen(v->mount);
    uint64_t least = UINT64_MAX;
    int len = snprintf(dir, sizeof dir, "%s%s%s", root, v->mount,
                       strstr(group, "..") ? "" : group);
    if (len < 0 || (size_t)len >= sizeof dir)
        return UINT64_MAX;
    for (char *slash = dir; slash != NULL; ) {
        uint64_t here = left_in(dir, v);
        least = here < least ? here : least;
        slash = strrchr(dir, '/');
        if (slash == NULL || (size_t)(slash - dir) < top)
            break;
        *slash = '\0';
    }
    return least;
}

static uint64_t left_in_groups(const char *root)
{
    char path[PATH_MAX], text[TEXT_SIZE];
    uint64_t least = UINT64_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_text(text, path))
        return UINT64_MAX;
    for (char *line = text, *end; line != NULL; line = end) {
        if ((end = strchr(line, '\n')) != NULL)
            *end++ = '\0';
        char *list = strchr(line, ':');
        char *group = list ? strchr(list + 1, ':') : NULL;
        if (group == NULL)
            continue;
        bool v2 = strncmp(line, "0::", 3) == 0;
        if (!v2 && strstr(list, "memory") == NULL)
            continue;
        for (size_t i = v2 ? 0 : 2; i < (v2 ? 2 : 3); i++) {
            uint64_t here = left_above(root, &versions[i], group + 1);
            least = here < least ? here : least;
        }
    }
    return least;
}

uint64_t memory_available(const char *root)
{
    uint64_t machine = mem_available(root), groups = left_in_groups(root);
    return machine < groups ? machine : groups;
}
