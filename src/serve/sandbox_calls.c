/* The system calls that serving needs; everything else is denied. */
#include "serve/sandbox.h"
#include "base/build.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const needed[] = {
    /* connections */
    "accept", "accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "sendmmsg",
    "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "poll", "ppoll", "select", "pselect6", "eventfd2", "pipe2", "socketpair",
    /* files that are open, or that Landlock lets us open */
    "read", "readv", "pread64", "write", "writev", "close", "lseek", "fcntl",
    "ioctl", "fstat", "newfstatat", "stat", "lstat", "statx",
    "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getdents64", "fadvise64", "dup", "dup2", "dup3", "fstatfs", "getcwd",
    /* memory */
    "mmap", "munmap", "mprotect", "mremap", "madvise", "mincore", "brk",
    "mlock", "munlock", "membarrier", "get_mempolicy",
    /* threads */
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq",
    "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_getscheduler", "getcpu", "exit", "exit_group", "gettid", "getpid",
    "getppid", "set_tid_address", "arch_prctl", "prctl",
    "getpriority", "setpriority", "restart_syscall",
    /* signals and time */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "sigaltstack", "clock_gettime", "clock_getres", "clock_nanosleep",
    "nanosleep", "gettimeofday", "time", "timerfd_create", "timerfd_settime",
    "getitimer",
    /* facts */
    "getrandom", "uname", "sysinfo", "getrlimit", "getrusage",
    "getuid", "geteuid", "getgid", "getegid",
};

/* A call this architecture does not have needs no rule. */
static int allow(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number == __NR_SCMP_ERROR || number < 0)
        return 0;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

/* Files are opened to be read.  Landlock lets the loading write to a cache of
 * packed weights; what serves later has no business there. */
static int allow_reading(scmp_filter_ctx filter)
{
    static const struct { const char *name; unsigned flags_at; } calls[] = {
        { "openat", 2 }, { "open", 1 },
    };
    int status = 0;

    for (size_t i = 0; i < 2 && status == 0; i++) {
        int number = seccomp_syscall_resolve_name(calls[i].name);
        if (number >= 0)
            status = seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, number, 1,
                SCMP_CMP(calls[i].flags_at, SCMP_CMP_MASKED_EQ,
                         O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
    }
    return status;
}

/* Calls that can be about another process, allowed for this one only. */
static int allow_on_oneself(scmp_filter_ctx filter)
{
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid(),
                                          0));

    return status == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW,
                                          SCMP_SYS(prlimit64), 1,
                                          SCMP_A0(SCMP_CMP_EQ, 0, 0)) : status;
}

/* Threads, but no processes.  glibc tries clone3 first, whose flags a filter
 * cannot see; told that there is none, it takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
                                          CLONE_THREAD));

    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
                                  SCMP_SYS(clone3), 0);
    return status;
}

/* Heartbeats need sockets of their own: to the network, and to the resolver
 * that some systems run behind a local one. */
static int allow_calling_out(scmp_filter_ctx filter)
{
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0);

    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect),
                                  0);
    return status == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW,
                                          SCMP_SYS(bind), 0) : status;
}

static int build(scmp_filter_ctx filter, const struct sandbox *s)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; i < sizeof needed / sizeof *needed && status == 0; i++)
        status = allow(filter, needed[i]);
    if (status == 0)
        status = allow_reading(filter);
    if (status == 0)
        status = allow_threads(filter);
    if (status == 0)
        status = allow_on_oneself(filter);
    if (status == 0 && s->n_ports > 0)
        status = allow_calling_out(filter);
    return status == 0 ? seccomp_load(filter) : status;
}

void sandbox_no_rings(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int setup = seccomp_syscall_resolve_name("io_uring_setup");

    if (filter == NULL)
        return;
    if (setup >= 0
        && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), setup, 0) == 0)
        seccomp_load(filter);
    seccomp_release(filter);
}

enum err sandbox_calls(struct sandbox *s, struct err_info *why)
{
    if (build_is_sanitized())
        return ERR_OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return fail_nomem(why);
    s->calls = build(filter, s) == 0;
    seccomp_release(filter);
    if (s->calls || !s->required)
        return ERR_OK;
    return fail(why, ERR_UNKNOWN, "this kernel has no seccomp filters, and "
                "--require-sandbox insists");
}
