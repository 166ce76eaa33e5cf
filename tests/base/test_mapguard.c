/* The guard ends the process, so every case runs in a child. */
#include "support/check.h"

#include "base/mapguard.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 16 };

/* What a child does with its file before the file shrinks. */
struct plan {
    bool install;
    int  n_watched;         /* mappings of it to watch; the last is read */
    bool forget;            /* the one that is read */
    bool survive;
};

static void child(const struct plan *p, const char *path)
{
    struct rlimit no_core = { 0, 0 };
    static struct file maps[MAPGUARD_FILES + 1];
    int last = p->n_watched > 0 ? p->n_watched - 1 : 0;

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGBUS, SIG_DFL);         /* a sanitizer's handler would print */
    if (p->install)
        mapguard_install();
    for (int i = 0; i <= last; i++) {
        if (file_open(&maps[i], path, NULL) != ERR_OK)
            _exit(9);
        if (i < p->n_watched)
            mapguard_watch(&maps[i]);
    }
    if (p->forget)
        mapguard_forget(&maps[last]);
    if (p->survive)
        mapguard_survive();
    if (truncate(path, 10) != 0)
        _exit(8);
    volatile const uint8_t *at = maps[last].at;
    bool is_zero = at[SIZE - 1] == 0;   /* reads past the new end */
    _exit(mapguard_broken() ? 5 : is_zero ? 7 : 6);
}

/* Runs the plan; the child's last words go to `said`.  Returns its status. */
static int run(const struct plan *p, char said[static 512])
{
    char path[] = "/tmp/osmia-test-XXXXXX";
    int fd = mkstemp(path), pipes[2], status;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    close(fd);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        child(p, path);
    }
    close(pipes[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(pipes[0], said + len, 511 - len)) > 0;)
        len += (size_t)n;
    said[len] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* The sentence names the file, whose name is made up: make it plain. */
    char *name = strstr(said, path);
    if (name != NULL) {
        memmove(name + 4, name + strlen(path), strlen(name + strlen(path)) + 1);
        memcpy(name, "PATH", 4);
    }
    unlink(path);
    return status;
}

static const char sentence[] =
    "osmia: PATH: the file became shorter while it was being read\n";

static void names_the_file(void **state)
{
    char said[512];
    int status = run(&(struct plan){ .install = true, .n_watched = 1 }, said);
    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(said, sentence);
}

static void many_files(void **state)
{
    const struct plan all = { .install = true, .n_watched = MAPGUARD_FILES };
    const struct plan more = { .install = true,
                               .n_watched = MAPGUARD_FILES + 1 };
    const struct plan less = { .install = true, .forget = true,
                               .n_watched = MAPGUARD_FILES + 1 };
    char said[512];
    int status = run(&all, said);
    (void)state;

    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_string_equal(said, sentence);
    status = run(&more, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_string_equal(said, "osmia: a file: the file became shorter while it "
                              "was being read\n");
    status = run(&less, said);
    assert_true(WIFSIGNALED(status));
}

/* A bus error elsewhere is a bug, and stays a signal. */
static void strange_addresses(void **state)
{
    static const struct plan plans[] = {
        { .install = true, .n_watched = 0 },
        { .install = true, .n_watched = 1, .forget = true },
        { .install = false, .n_watched = 1 },
    };
    char said[512];
    (void)state;

    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        int status = run(&plans[i], said);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
        assert_string_equal(said, "");
    }
}

/* A server lives on, with zeros, and knows. */
static void survives(void **state)
{
    char said[512];
    int status = run(&(struct plan){ .install = true, .n_watched = 1,
                                     .survive = true }, said);
    (void)state;

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 5);
    assert_string_equal(said, "");
    /* What nobody watches cannot be patched. */
    status = run(&(struct plan){ .install = true, .survive = true }, said);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_file),
        cmocka_unit_test(many_files),
        cmocka_unit_test(strange_addresses),
        cmocka_unit_test(survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
