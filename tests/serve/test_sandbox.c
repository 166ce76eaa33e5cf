#include "support/check.h"

#include "base/build.h"
#include "base/file.h"
#include "serve/sandbox.h"
#include "support/scratch.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a confined process finds; it tells by its exit status. */
enum finding {
    FOUND_NOTHING, NO_SANDBOX, READ_FOREIGN, NOT_READ_MODEL, NOT_READ_PROC,
    WROTE, EXECUTED, FORKED, CONNECTED, NO_THREAD, NOT_WROTE_CACHE,
    NOT_CONNECTED, MADE_SOCKET, READ_CORE, NOT_READ_LINK
};

static bool can_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char byte;
    bool read_it = fd >= 0 && read(fd, &byte, 1) >= 0;

    if (fd >= 0)
        close(fd);
    return read_it;
}

static bool can_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* 0, or the error. */
static int try_connect(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;

    if (fd < 0)
        return errno;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        status = errno;
    close(fd);
    return status;
}

static void *nothing(void *arg)
{
    return arg;
}

struct place { const char *model, *beside, *cache, *link; };

static int explore_files(const struct place *p, struct sandbox *s)
{
    char path[4096];
    struct err_info why;

    if (sandbox_files(s, &why) != ERR_OK || !s->files)
        return NO_SANDBOX;
    if (can_read("/etc/passwd") || can_read("/proc/1/environ"))
        return READ_FOREIGN;
    if (!can_read(p->model) || !can_read(p->beside))
        return NOT_READ_MODEL;
    if (!can_read(p->link))
        return NOT_READ_LINK;
    if (!can_read("/proc/self/statm"))
        return NOT_READ_PROC;
    if (can_write(p->model) || can_write("/tmp/osmia-should-not-be"))
        return WROTE;
    snprintf(path, sizeof path, "%s/new", p->cache);
    return can_write(path) ? FOUND_NOTHING : NOT_WROTE_CACHE;
}

static int explore_calls(struct sandbox *s)
{
    char *words[] = { "true", NULL }, *none[] = { NULL };
    struct err_info why;
    pthread_t thread;

    if (build_is_sanitized())
        return FOUND_NOTHING;
    if (sandbox_calls(s, &why) != ERR_OK || !s->calls)
        return NO_SANDBOX;
    if (execve("/bin/true", words, none) == 0 || errno != EPERM)
        return EXECUTED;
    if (fork() >= 0 || errno != EPERM)
        return FORKED;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
        return READ_CORE;
    if (s->n_ports == 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0)
        return MADE_SOCKET;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        return NO_THREAD;
    pthread_join(thread, NULL);
    return FOUND_NOTHING;
}

static int explore(const struct place *p, const char *url)
{
    struct sandbox s = { .required = true, .model = p->model,
                         .cache = p->cache };

    if (url != NULL)
        sandbox_allow_url(&s, url);
    int found = explore_files(p, &s);
    if (found != FOUND_NOTHING)
        return found;
    /* Landlock of 6.7 and later knows ports. */
    int elsewhere = try_connect(9);
    if (elsewhere == 0)
        return CONNECTED;
    if (url != NULL && try_connect(1) == EACCES)
        return NOT_CONNECTED;
    return explore_calls(&s);
}

static int in_child(const struct place *p, const char *url)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(explore(p, url));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool kernel_has_it(const struct place *p)
{
    struct sandbox s = { .model = p->model };
    struct err_info why;
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(sandbox_files(&s, &why) == ERR_OK && s.files);
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 1;
}

static void test_what_is_left(void **state)
{
    struct scratch room, other;

    (void)state;
    scratch_open(&room);
    scratch_open(&other);
    char *model = strdup(scratch_put(&room, "model.gguf", SLICE("x")));
    char *beside = strdup(scratch_put(&room, "config.json", SLICE("y")));
    char *blob = strdup(scratch_put(&other, "blob", SLICE("z")));
    char *cache = path_join(room.dir, "cache");
    char *link = path_join(room.dir, "link.safetensors");
    assert_int_equal(mkdir(cache, 0700), 0);
    assert_int_equal(symlink(blob, link), 0);

    struct place p = { model, beside, cache, link };
    if (!kernel_has_it(&p))
        skip();
    assert_int_equal(in_child(&p, NULL), FOUND_NOTHING);
    assert_int_equal(in_child(&p, "http://127.0.0.1:1/x"), FOUND_NOTHING);
    /* The exploration itself can find something. */
    p.beside = "/etc/passwd";
    assert_int_equal(in_child(&p, NULL), NOT_READ_MODEL);
    free(model);
    free(beside);
    free(blob);
    free(cache);
    free(link);
    scratch_close(&room);
    scratch_close(&other);
}

static void test_ports_of_urls(void **state)
{
    static const struct { const char *url; uint16_t port; } rows[] = {
        { "http://a", 80 }, { "https://a/b:9", 443 },
        { "http://a:8080/x", 8080 }, { "http://[::1]:81", 81 },
        { "http://[::1]", 80 }, { "https://u:p@h:99?x", 99 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sandbox s = { 0 };
        sandbox_allow_url(&s, rows[i].url);
        assert_int_equal(s.n_ports, 1);
        assert_int_equal(s.ports[0], rows[i].port);
    }
}

static void test_names(void **state)
{
    struct sandbox s = { 0 };

    (void)state;
    assert_string_equal(sandbox_name(NULL), "none");
    assert_string_equal(sandbox_name(&s), "none");
    s.files = true;
    assert_string_equal(sandbox_name(&s), "partial");
    s.calls = true;
    assert_string_equal(sandbox_name(&s), "full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_ports_of_urls),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
