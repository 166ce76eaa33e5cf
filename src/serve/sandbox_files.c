/* Landlock, by system call: the library of the oldest system we build on knows
 * none of it, and its header only the beginnings. */
#include "serve/sandbox.h"
#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446 };
enum { RULE_PATH = 1, RULE_PORT = 2, ASK_VERSION = 1 };
enum { NET_BIND = 1, NET_CONNECT = 2 };

/* Rights to files, in the kernel's order. */
enum {
    FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR, FS_REMOVE_DIR,
    FS_REMOVE_FILE, FS_MAKE_CHAR, FS_MAKE_DIR, FS_MAKE_REG, FS_MAKE_SOCK,
    FS_MAKE_FIFO, FS_MAKE_BLOCK, FS_MAKE_SYM, FS_REFER, FS_TRUNCATE,
    FS_IOCTL_DEV
};

#define BIT(right) ((uint64_t)1 << (right))

struct ruleset { uint64_t files, net; };
struct path_rule { uint64_t rights; int32_t folder; };
struct port_rule { uint64_t rights, port; };

/* What a kernel of this version can be asked to deny. */
static struct ruleset all_of(long version)
{
    struct ruleset all = { BIT(FS_REFER) - 1, 0 };

    if (version >= 2)
        all.files |= BIT(FS_REFER);
    if (version >= 3)
        all.files |= BIT(FS_TRUNCATE);
    if (version >= 4)
        all.net = NET_BIND | NET_CONNECT;
    if (version >= 5)
        all.files |= BIT(FS_IOCTL_DEV);
    return all;
}

/* Allow rights below a path; one that is not there needs none. */
static void allow(int rules, const char *path, uint64_t rights)
{
    int fd = path != NULL ? open(path, O_PATH | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    /* Rights to folders only are refused for a file. */
    struct path_rule rule = { rights, fd };
    if (file_kind(path) != FILE_DIRECTORY)
        rule.rights &= BIT(FS_READ_FILE) | BIT(FS_WRITE_FILE)
                     | BIT(FS_TRUNCATE);
    syscall(CALL_ADD, rules, RULE_PATH, &rule, 0);
    close(fd);
}

static const uint64_t reading = BIT(FS_READ_FILE) | BIT(FS_READ_DIR);

/* Models in a download cache are folders of links to files elsewhere: the rule
 * must name what the links lead to. */
static void allow_links(int rules, const char *folder)
{
    struct dir_list list;
    struct err_info why;

    if (dir_list(&list, folder, &why) != ERR_OK)
        return;
    for (size_t i = 0; i < list.n; i++) {
        char *path = path_join(folder, list.names[i]), target[1];
        if (path != NULL && readlink(path, target, sizeof target) > 0)
            allow(rules, path, reading);
        free(path);
    }
    dir_list_drop(&list);
}

static void allow_model(int rules, const char *model)
{
    char folder[PATH_MAX];
    size_t len = (size_t)(path_base(model) - model);

    allow(rules, model, reading);
    if (file_kind(model) == FILE_DIRECTORY) {
        allow_links(rules, model);
        return;
    }
    /* The parts of a split model, and config.json, stand beside it. */
    if (len >= sizeof folder)
        return;
    memcpy(folder, len > 0 ? model : ".", len > 0 ? len : 1);
    folder[len > 0 ? len : 1] = '\0';
    allow(rules, folder, reading);
    allow_links(rules, folder);
}

static void allow_system(int rules, bool has_urls)
{
    static const char *const always[] = {
        "/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu",
        "/proc/meminfo", "/etc/localtime", "/usr/share/zoneinfo",
    };
    static const char *const for_urls[] = {
        "/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts",
        "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
        "/etc/services", "/etc/ssl", "/usr/lib/ssl", "/etc/ca-certificates",
        "/usr/share/ca-certificates", "/etc/pki", "/etc/ld.so.cache", "/lib",
        "/usr/lib",
    };

    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        allow(rules, always[i], reading);
    for (size_t i = 0; has_urls && i < sizeof for_urls / sizeof *for_urls; i++)
        allow(rules, for_urls[i], reading);
}

static void allow_ports(int rules, const struct sandbox *s)
{
    struct port_rule rule = { NET_CONNECT, 53 };

    if (s->n_ports > 0)
        syscall(CALL_ADD, rules, RULE_PORT, &rule, 0);
    for (unsigned i = 0; i < s->n_ports; i++) {
        rule.port = s->ports[i];
        syscall(CALL_ADD, rules, RULE_PORT, &rule, 0);
    }
}

static enum err missing(const struct sandbox *s, struct err_info *why)
{
    return s->required ? fail(why, ERR_UNKNOWN, "this kernel has no Landlock, "
                              "and --require-sandbox insists") : ERR_OK;
}

enum err sandbox_files(struct sandbox *s, struct err_info *why)
{
    long version = syscall(CALL_CREATE, NULL, 0, ASK_VERSION);

    if (version < 1)
        return missing(s, why);
    struct ruleset denied = all_of(version);
    int rules = (int)syscall(CALL_CREATE, &denied, version >= 4
                             ? sizeof denied : sizeof denied.files, 0);
    if (rules < 0)
        return missing(s, why);
    allow_model(rules, s->model);
    allow_system(rules, s->n_ports > 0);
    if (denied.net != 0)
        allow_ports(rules, s);
    allow(rules, s->cache, denied.files & ~BIT(FS_EXECUTE));
    s->files = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && syscall(CALL_RESTRICT, rules, 0) == 0;
    close(rules);
    return s->files ? ERR_OK : missing(s, why);
}
