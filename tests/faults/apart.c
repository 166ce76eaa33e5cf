#include "support/check.h"

#include "faults/apart.h"

#include "support/effort.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WALL_S = 200, CPU_S = 100, REFUSED = 1, NO_SENTENCE = 2,
       REFUSAL_MS = 1000, ACCEPTED_MS = 10000 };

/* Never returns. */
static void child(enum err (*body)(void *arg, struct err_info *why), void *arg,
                  char *why_text)
{
    struct rlimit   cpu = { CPU_S, CPU_S }, none = { 0, 0 };
    struct err_info why = { .text = "" };

    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGALRM, SIG_DFL);
    for (int s = 1; s < 32; s++)     /* cmocka's handlers would go on */
        signal(s, SIG_DFL);
    alarm(WALL_S);
    enum err e = body(arg, &why);
    snprintf(why_text, 256, "%.255s", why.text);
    if (e == ERR_OK)
        _exit(0);
    _exit(why.text[0] != '\0' && strchr(why.text, '\n') == NULL ? REFUSED
                                                               : NO_SENTENCE);
}

struct apart apart(enum err (*body)(void *arg, struct err_info *why), void *arg)
{
    char *why = mmap(NULL, 256, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct apart  a = { .died = true };
    struct rusage use;
    int           status;

    assert_true(why != MAP_FAILED);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(body, arg, why);
    assert_int_equal(wait4(pid, &status, 0, &use), pid);
    a.memory = (uint64_t)use.ru_maxrss * 1024;
    a.cpu_ms = (unsigned)((use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000
                          + (use.ru_utime.tv_usec + use.ru_stime.tv_usec)
                            / 1000);
    if (WIFSIGNALED(status)) {
        snprintf(a.why, sizeof a.why, "killed by signal %d", WTERMSIG(status));
    } else {
        a.died = WEXITSTATUS(status) > REFUSED;
        a.refused = WEXITSTATUS(status) != 0;
        snprintf(a.why, sizeof a.why, "%s", why);
    }
    munmap(why, 256);
    return a;
}

static enum err nothing(void *arg, struct err_info *why)
{
    (void)arg;
    (void)why;
    return ERR_OK;
}

void tally_start(struct tally_apart *t)
{
    *t = (struct tally_apart){ .idle = apart(nothing, NULL).memory };
}

bool tally_add(struct tally_apart *t, struct apart *a, uint64_t size)
{
    uint64_t most = t->idle + 2 * size + effort_memory(APART_MARGIN);
    double   ms = effort_allowed(a->refused ? REFUSAL_MS : ACCEPTED_MS);

    t->n++;
    t->refused += a->refused;
    if (a->died)
        return false;
    if (a->refused && a->memory > t->most_memory)
        t->most_memory = a->memory;
    if (a->refused && a->cpu_ms > t->most_ms)
        t->most_ms = a->cpu_ms;
    if (a->refused && a->memory > most) {
        snprintf(a->why, sizeof a->why, "took %llu bytes to refuse, more than "
                 "%llu", (unsigned long long)a->memory,
                 (unsigned long long)most);
        return false;
    }
    if (a->cpu_ms > ms) {
        snprintf(a->why, sizeof a->why, "took %u ms", a->cpu_ms);
        return false;
    }
    return true;
}
