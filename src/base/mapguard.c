/* The guard over mapped files.
 *
 *   1. A row whose `from` is 0 is free; a row in use covers [from, to).
 *   2. `from` is written last when a row is filled and first when it is freed,
 *      so that the handler never sees half a row.
 *   3. The handler calls nothing but write, _exit, sigaction, raise and mmap.
 *
 * Owner: the command line, from its main thread.  The handler may run on any
 * thread, at any read of a mapped page. */
#include "base/mapguard.h"
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

struct watched {
    _Atomic uintptr_t from;
    uintptr_t         to;
    const char       *path;     /* the file's own */
};

static struct watched watched[MAPGUARD_FILES];
static _Atomic int n_unnamed;   /* files that found no free row */
static atomic_bool survive, broken;

static void say(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(STDERR_FILENO, text, left);
        if (n <= 0)
            return;
        text += n;
        left -= (size_t)n;
    }
}

static const struct watched *find(uintptr_t at)
{
    for (int i = 0; i < MAPGUARD_FILES; i++) {
        uintptr_t from = atomic_load(&watched[i].from);
        if (from != 0 && at >= from && at < watched[i].to)
            return &watched[i];
    }
    return NULL;
}

/* Back to what the system does with this signal.  It is blocked while its
 * handler runs, so it strikes when the handler returns. */
static void give_up(int number)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };

    sigaction(number, &standard, NULL);
    raise(number);
}

/* Put zeros where the file has no bytes any more, to the mapping's end: the read
 * that failed is tried again and goes on. */
static bool patch(const struct watched *w, uintptr_t at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = at - at % page;
    void *put = mmap((void *)from, w->to - from, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    return put != MAP_FAILED;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const struct watched *w = find((uintptr_t)info->si_addr);

    (void)context;
    if (w == NULL && atomic_load(&n_unnamed) == 0) {
        give_up(number);
        return;
    }
    if (w != NULL && atomic_load(&survive)
        && patch(w, (uintptr_t)info->si_addr)) {
        atomic_store(&broken, true);
        return;
    }
    say("osmia: ");
    say(w != NULL ? w->path : "a file");
    say(": the file became shorter while it was being read\n");
    _exit(1);
}

void mapguard_install(void)
{
    struct sigaction guard = { .sa_sigaction = on_bus_error,
                               .sa_flags = SA_SIGINFO };

    sigemptyset(&guard.sa_mask);
    sigaction(SIGBUS, &guard, NULL);
}

void mapguard_watch(const struct file *f)
{
    if (f->at == NULL)
        return;
    for (int i = 0; i < MAPGUARD_FILES; i++) {
        if (atomic_load(&watched[i].from) != 0)
            continue;
        watched[i].to = (uintptr_t)f->at + (uintptr_t)f->size;
        watched[i].path = f->path;
        atomic_store(&watched[i].from, (uintptr_t)f->at);
        return;
    }
    atomic_fetch_add(&n_unnamed, 1);
}

void mapguard_forget(const struct file *f)
{
    if (f->at == NULL)
        return;
    for (int i = 0; i < MAPGUARD_FILES; i++) {
        if (atomic_load(&watched[i].from) == (uintptr_t)f->at) {
            atomic_store(&watched[i].from, 0);
            return;
        }
    }
    if (atomic_load(&n_unnamed) > 0)
        atomic_fetch_sub(&n_unnamed, 1);
}

void mapguard_survive(void)
{
    atomic_store(&survive, true);
}

bool mapguard_broken(void)
{
    return atomic_load(&broken);
}
