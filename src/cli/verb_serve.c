/* serve: the HTTP worker. */
#include "base/mapguard.h"
#include "cli/console.h"
#include "cli/help.h"
#include "cli/open.h"
#include "cli/verbs.h"
#include "engine/sched.h"
#include "routes/route_table.h"
#include "serve/sandbox.h"
#include "serve/server.h"
#include "osmia.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_MAX = 256, REF_MAX = 512 };

struct worker {
    struct console        console;
    const struct options *o;
    struct serve_options  serve;
    struct auth           auth;
    struct sandbox        sandbox;
    char                 *files;         /* where MODEL is, once resolved */
};

/* ---- what flags and environment say ---- */

/* A token in the environment is taken out of it, and its bytes are wiped where
 * /proc/PID/environ shows them. */
static enum err take_token(struct worker *w, struct err_info *why)
{
    char *token = getenv("LLORCH_API_TOKEN");
    enum err e = ERR_OK;

    if (token == NULL)
        return ERR_OK;
    if (token[0] == '\0' && w->o->serve.local_mode)
        return ERR_OK;
    if (token[0] == '\0')
        e = fail(why, ERR_REQUEST, "LLORCH_API_TOKEN is set but empty; give a "
                 "token, or unset it to serve this machine only");
    else
        e = auth_add(&w->auth, slice_of(token), why);
    if (e != ERR_OK && token[0] != '\0')
        fail_within(why, "LLORCH_API_TOKEN");
    explicit_bzero(token, strlen(token));
    unsetenv("LLORCH_API_TOKEN");
    return e;
}

static enum err take_tokens(struct worker *w, struct err_info *why)
{
    const struct serve_flags *f = &w->o->serve;
    enum err e = take_token(w, why);

    if (e == ERR_OK && f->api_token_file != NULL)
        e = auth_add_file(&w->auth, f->api_token_file, why);
    if (e == ERR_OK && f->local_mode && w->auth.n > 0)
        e = fail(why, ERR_REQUEST, "--local-mode is without token, but there "
                 "is one; leave one of them out");
    w->serve.auth = &w->auth;
    return e;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0
        || strncmp(host, "127.", 4) == 0;
}

static enum err choose_host(struct worker *w, struct err_info *why)
{
    const char *host = w->o->serve.host;

    w->serve.host = host != NULL ? host
                  : w->auth.n > 0 ? "0.0.0.0" : "127.0.0.1";
    if (w->auth.n == 0 && !is_loopback(w->serve.host))
        return fail(why, ERR_REQUEST, "--host %.60s serves other machines; "
                    "that needs a token (--api-token-file or "
                    "LLORCH_API_TOKEN)", w->serve.host);
    return ERR_OK;
}

/* Visible ASCII without blanks, 1 to `most` bytes. */
static enum err check_name(const char *flag, const char *value, size_t most,
                           struct err_info *why)
{
    bool good = value == NULL || (value[0] != '\0' && strlen(value) <= most);

    for (const char *c = value; good && c != NULL && *c != '\0'; c++)
        good = *c > ' ' && *c < 0x7f;
    return good ? ERR_OK
                : fail(why, ERR_REQUEST, "--%s must be 1 to %zu visible ASCII "
                       "characters without blanks", flag, most);
}

static enum err check_url(const char *flag, const char *value,
                          struct err_info *why)
{
    if (value == NULL || strncmp(value, "http://", 7) == 0
        || strncmp(value, "https://", 8) == 0)
        return ERR_OK;
    return fail(why, ERR_REQUEST, "--%s must begin with http:// or https://",
                flag);
}

static enum err check_names(const struct options *o, struct err_info *why)
{
    const struct serve_flags *f = &o->serve;
    enum err e = check_name("worker-id", f->worker_id, ID_MAX, why);

    if (e == ERR_OK)
        e = check_name("model-ref", f->model_ref, REF_MAX, why);
    if (e == ERR_OK)
        e = check_name("model-name", f->model_name, REF_MAX, why);
    if (e != ERR_OK)
        return e;
    e = check_url("queen-url", f->queen_url, why);
    if (e == ERR_OK)
        e = check_url("callback-url", f->callback_url, why);
    if (e != ERR_OK)
        return e;
    if (f->backend != NULL && strcmp(f->backend, "cpu") != 0)
        return fail(why, ERR_REQUEST, "--backend is \"%.40s\"; this build has "
                    "cpu only", f->backend);
    if (f->device.value != 0)
        return fail(why, ERR_REQUEST, "--device %llu does not exist; the CPU "
                    "is device 0", (unsigned long long)f->device.value);
    if (f->no_sandbox && f->require_sandbox)
        return fail(why, ERR_REQUEST,
                    "--no-sandbox and --require-sandbox exclude each other");
    if (o->seed.given)
        return fail(why, ERR_REQUEST,
                    "serve takes seeds from its requests, not from --seed");
    if (o->n_words > 0)
        return fail(why, ERR_REQUEST, "serve takes one MODEL; what is "
                    "\"%.60s\"?", o->words[0]);
    return ERR_OK;
}

static uint64_t or_else(struct opt_uint given, uint64_t otherwise)
{
    return given.given ? given.value : otherwise;
}

static void take_limits(struct serve_options *s, const struct serve_flags *f)
{
    s->port = (uint16_t)or_else(f->port, s->port);
    s->max_jobs = (size_t)or_else(f->max_jobs, 0);
    s->max_queue = (size_t)or_else(f->max_queue, s->max_queue);
    s->max_step_ms = (uint32_t)or_else(f->max_step_ms, s->max_step_ms);
    s->max_tokens_in = (size_t)or_else(f->max_tokens_in, 0);
    s->max_tokens_out = (size_t)or_else(f->max_tokens_out, s->max_tokens_out);
    s->max_body = (size_t)or_else(f->max_body_bytes, s->max_body);
    s->timeout_s = (uint32_t)or_else(f->timeout_s, s->timeout_s);
    s->job_ttl_s = (uint32_t)or_else(f->job_ttl_s, s->job_ttl_s);
    s->stream_grace_s = (uint32_t)or_else(f->stream_grace_s,
                                          s->stream_grace_s);
    if (f->drain_s.given)
        s->drain_s = f->drain_s.value;
}

/* ---- the model ---- */

static void on_notice(void *arg, const char *sentence)
{
    log_event(arg, LOG_LEVEL_WARN, "model_load", "%s", sentence);
}

/* On the loader's thread. */
static enum err load(void *arg, const struct progress *progress,
                     struct engine **out, struct err_info *why)
{
    struct worker *w = arg;
    struct notices notices = { on_notice, &w->serve.log };
    struct engine_options e;
    enum err err = open_options(&e, &w->console, w->o, why);

    e.progress = progress;
    e.notices = &notices;
    e.depth = ENGINE_RUN;
    e.n_seqs = w->serve.max_jobs > 0 ? w->serve.max_jobs : SCHED_JOBS_MAX;
    e.n_kept = w->serve.max_kept;
    e.kv_size = w->o->serve.kv_cache_mb.value << 20;
    if (err == ERR_OK)
        err = engine_open(out, &e, why);
    if (err == ERR_OK)
        open_watch(*out);
    return err;
}

/* A path that leads nowhere and a broken file are told at once, before the port
 * is bound. */
static enum err check_model(struct worker *w, struct err_info *why)
{
    struct checkpoint *c;
    enum err e = checkpoint_open(&c, w->o->model, NULL, why);

    if (e != ERR_OK)
        return e;
    w->files = strdup(c->path);
    checkpoint_close(c);
    return w->files != NULL ? ERR_OK : fail_nomem(why);
}

/* ---- the sandbox ---- */

static enum err lock_files(struct worker *w, struct err_info *why)
{
    const struct serve_flags *f = &w->o->serve;
    const char     *cache = getenv("OSMIA_CACHE");
    struct sandbox *s = &w->sandbox;

    sandbox_no_cores();
    if (f->no_sandbox)
        return ERR_OK;
    if (cache != NULL)                           /* a rule needs the folder */
        mkdir(cache, 0700);
    *s = (struct sandbox){ .required = f->require_sandbox, .model = w->files,
                           .cache = cache };
    if (f->queen_url != NULL)
        sandbox_allow_url(s, f->queen_url);
    if (f->callback_url != NULL)
        sandbox_allow_url(s, f->callback_url);
    return sandbox_files(s, why);
}

/* Once the model is there. */
static enum err lock_calls(void *arg, struct err_info *why)
{
    struct worker *w = arg;
    enum err e = ERR_OK;

    if (w->o->serve.no_sandbox)
        return ERR_OK;
    e = sandbox_calls(&w->sandbox, why);
    if (e == ERR_OK && strcmp(sandbox_name(&w->sandbox), "full") != 0)
        log_event(&w->serve.log, LOG_LEVEL_WARN, "startup",
                  "the sandbox is %s: this kernel or build lacks %s",
                  sandbox_name(&w->sandbox),
                  w->sandbox.files ? "seccomp" : "Landlock");
    return e;
}

/* ---- the process ---- */

static int print_build_info(void)
{
    help_version(stdout);
    printf("compiler: %s\nbuild: %s\n", __VERSION__, __DATE__ " " __TIME__);
    return EXIT_DONE;
}

/* Where a client on this machine finds it. */
static void put_url(char *out, size_t size, const struct worker *w,
                    const struct server *s)
{
    const char *host = w->serve.host;

    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    bool v6 = strchr(host, ':') != NULL;
    snprintf(out, size, "http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
             server_port(s));
}

/* For a person: what to copy.  The model is still being loaded, and curl is told
 * to wait for that. */
static void greet(const struct worker *w, const char *url)
{
    fprintf(stderr, "osmia: %s serves %s\n"
            "  OpenAI clients: base URL %s/v1, model \"%s\", %s\n"
            "  curl --retry 20 %s/v1/chat/completions -H 'Content-Type: "
            "application/json'%s -d '{\"messages\":[{\"role\":\"user\","
            "\"content\":\"Hello\"}]}'\n", url, w->serve.model_name, url,
            w->serve.model_name,
            w->auth.n > 0 ? "one of your tokens as key" : "any key",
            url, w->auth.n > 0 ? " -H \"Authorization: Bearer $TOKEN\"" : "");
}

static void announce(const struct worker *w, const struct server *s)
{
    const struct serve_log *log = &w->serve.log;
    char url[128];

    put_url(url, sizeof url, w, s);
    if (w->auth.n == 0)
        log_event(log, LOG_LEVEL_WARN, "server_bind", "no API token:"
                  " everybody on this machine is answered");
    if (!log->json) {
        greet(w, url);
        return;
    }
    log_event(log, LOG_LEVEL_INFO, "startup", "osmia " OSMIA_VERSION);
    log_event(log, LOG_LEVEL_INFO, "server_bind", "%s serves %s", url,
              w->serve.model_name);
    log_event(log, LOG_LEVEL_INFO, "model_load", "loading %s", w->o->model);
}

static enum err prepare(struct worker *w, struct err_info *why)
{
    const struct serve_flags *f = &w->o->serve;
    const char *format = getenv("LLORCH_LOG_FORMAT");
    struct serve_options *s = &w->serve;

    *s = serve_defaults();
    take_limits(s, f);
    s->worker_id = f->worker_id;
    s->model_path = w->o->model;
    s->model_ref = f->model_ref != NULL ? f->model_ref
                                        : path_base(w->o->model);
    s->model_name = f->model_name != NULL ? f->model_name
                                          : path_base(w->o->model);
    s->any_model = f->any_model;
    s->strict_prompt = f->strict_prompt;
    s->compat_seed = f->compat_seed;
    s->queen_url = f->queen_url;
    s->callback_url = f->callback_url;
    s->origins = f->allow_origin.at;
    s->n_origins = f->allow_origin.n;
    s->log = (struct serve_log){
        .fd = STDERR_FILENO,
        .json = f->log_json || (format && strcmp(format, "json") == 0),
    };
    s->load = load;
    s->load_arg = s->ready_arg = w;
    s->ready = lock_calls;
    s->sandbox = &w->sandbox;
    enum err e = check_names(w->o, why);
    if (e == ERR_OK)
        e = take_tokens(w, why);
    return e == ERR_OK ? choose_host(w, why) : e;
}

static enum err serve(struct worker *w, struct err_info *why)
{
    struct server *s;

    if (!w->o->serve.no_sandbox)
        sandbox_no_rings();
    enum err e = server_open(&s, &w->serve, route_table, why);

    if (e != ERR_OK)
        return e;
    announce(w, s);
    e = lock_files(w, why);
    if (e == ERR_OK)
        e = server_run(s, why);
    server_close(s);
    return e;
}

static int run(const struct options *o)
{
    struct worker w = { .o = o };
    struct err_info why = { .code = ERR_OK };
    int status = EXIT_DONE;

    if (o->serve.build_info)
        return print_build_info();
    /* A client that goes away is an error of one write. */
    signal(SIGPIPE, SIG_IGN);
    mapguard_survive();
    console_open(&w.console, o);
    enum err e = prepare(&w, &why);
    if (e != ERR_OK) {
        status = console_error(&w.console, &why);
        if (e == ERR_REQUEST)
            status = EXIT_USAGE;
    } else {
        e = check_model(&w, &why);
        if (e == ERR_OK)
            e = serve(&w, &why);
        if (e != ERR_OK)
            status = console_error(&w.console, &why);
    }
    auth_drop(&w.auth);
    free(w.files);
    return status;
}

static const struct flag_group *const groups[] = {
    &flags_worker, &flags_access, &flags_limits, &flags_process, &flags_model,
    &flags_general, NULL,
};

const struct verb verb_serve = {
    .name = "serve",
    .usage = "MODEL [--port N] [--api-token-file FILE] [...]",
    .does = "answers over HTTP: OpenAI's API and the worker contract",
    .details = "Without a token only this machine is served. SIGTERM and "
               "Ctrl-C end it: what runs may finish within --drain-sec. The "
               "flags alone, without the word serve, start it, too.",
    .example = "osmia serve model.gguf --port 8080",
    .groups = groups,
    .needs_model = true,
    .once = true,
    .most_words = MANY_WORDS,     /* it says what they may have meant */
    .run = run,
};
