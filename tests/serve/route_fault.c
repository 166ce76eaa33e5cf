/* The route by which `osmia-faults`, a program for tests, breaks itself.  It is
 * the program as users have it but for this row, which takes the place of
 * `GET /`: the linker finds `route_root` here and leaves the library's out.
 *
 *   POST /test/fault {"fault": NAME}
 *     engine_dies, engine_hangs   the inference thread, at its next step
 *     nan                         every row of logits from now on
 *     none                        all is well again
 *     probe                       what the sandbox lets this process do:
 *                                 {"open": errno, "execve": ..., "connect": ...}
 *
 * State at file scope: this is a test's. */
#include "engine/engine.h"
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_DIES, FAULT_HANGS, FAULT_NAN, N_FAULTS };
static const char *const names[N_FAULTS] = {
    "none", "engine_dies", "engine_hangs", "nan",
};

static _Atomic enum fault planted;
static struct runner_ops real, faulty;
static size_t n_vocab;

static enum err forward(void *arg, const struct batch *b, float *logits,
                        const struct progress *progress, struct err_info *why)
{
    enum fault fault = atomic_load(&planted);

    if (fault == FAULT_DIES)
        syscall(SYS_exit, 0);    /* pthread_exit would load a library */
    while (fault == FAULT_HANGS)
        pause();
    enum err e = real.forward(arg, b, logits, progress, why);
    for (size_t i = 0, row = 0; i < b->n && fault == FAULT_NAN; i++)
        if (b->want_logits[i])
            logits[row++ * n_vocab + 7] = NAN;
    return e;
}

/* Once.  Nobody wants to wait ten seconds for what is planted. */
static void take_over(struct server *s)
{
    struct engine *e = server_engine(s);
    struct serve_options *o =
        (struct serve_options *)(uintptr_t)server_options(s);
    struct runner *r = (struct runner *)(uintptr_t)engine_runner(e);

    if (r->ops == &faulty)
        return;
    real = faulty = *r->ops;
    n_vocab = r->n_vocab;
    faulty.forward = forward;
    r->ops = &faulty;
    o->lost_ms = 2000;
}

static int try_connect(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return errno;
    int e = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : errno;
    close(fd);
    return e;
}

static int try_open(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* Were it allowed, this process would be gone. */
static int try_execve(void)
{
    char *argv[] = { (char *)(uintptr_t)"true", NULL };

    execv("/bin/true", argv);
    return errno;
}

static void probe(struct call *c)
{
    struct strbuf body = { 0 };

    strbuf_printf(&body, "{\"open\":%d,\"execve\":%d,\"connect\":%d}",
                  try_open(), try_execve(), try_connect());
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

static void plant(struct call *c, struct slice name)
{
    for (size_t i = 0; i < N_FAULTS; i++) {
        if (!slice_is(name, names[i]))
            continue;
        take_over(c->server);
        atomic_store(&planted, (enum fault)i);
        call_reply(c, 204, NULL, NULL);
        return;
    }
    call_refuse(c, REFUSE_INVALID_REQUEST, "fault", "there is no such fault");
}

static void handle(struct call *c)
{
    const struct json *fault = json_get(c->json, "fault");
    struct slice name = json_is(fault, JSON_STRING) ? fault->string
                                                    : (struct slice){ 0 };

    if (slice_is(name, "probe"))
        probe(c);
    else
        plant(c, name);
}

const struct route route_root = {
    .method = "POST", .paths = { "/test/fault" }, .when = ROUTE_LOADED,
    .body = ROUTE_JSON, .handle = handle,
};
