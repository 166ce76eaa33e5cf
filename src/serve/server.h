/* The worker as a whole: one loop, one listening port, one model.
 *
 *   LOADING --model there--> READY --SIGTERM, /shutdown--> DRAINING --> (gone)
 *      |
 *      +--cannot be loaded--> FAILED --told to who listens--> (gone)
 *
 * The port is bound first; the model is loaded behind it, on a thread of its
 * own, while /health, /v1/ready and /v1/loading/progress answer. */
#ifndef OSMIA_SERVE_SERVER_H
#define OSMIA_SERVE_SERVER_H

#include "base/progress.h"
#include "engine/engine.h"
#include "serve/auth.h"
#include "serve/router.h"
#include "serve/serve_log.h"

struct records;
struct sandbox;
struct server;
struct service;

struct serve_options {
    const char *host;                /* numeric, or "localhost" */
    uint16_t    port;                /* 0: a free one */
    const char *worker_id;           /* NULL: "osmia-PORT" */
    const char *model_path;          /* as it was given */
    const char *model_ref;           /* label in heartbeats */
    const char *model_name;          /* id in /v1/models */
    const char *backend;             /* "cpu" */
    unsigned    device;
    bool        any_model;           /* the OpenAI routes take every name */

    const struct auth *auth;
    const char *const *origins;      /* [n_origins] allowed by CORS; "*": all */
    size_t      n_origins;

    size_t      max_jobs, max_kept, max_queue;
    uint32_t    max_step_ms;
    size_t      max_tokens_in;       /* 0: what the context holds */
    size_t      max_tokens_out;      /* of the worker's own routes */
    size_t      max_body;            /* bytes */
    uint32_t    head_s, body_s;      /* for a client to send them */
    uint32_t    timeout_s;           /* of one inference */
    uint32_t    job_ttl_s, stream_grace_s;
    double      drain_s;
    unsigned    lost_ms;             /* silence of the inference thread after
                                        which its jobs are given up */
    bool        strict_prompt, compat_seed;

    const char *queen_url;           /* NULL: no heartbeats */
    const char *callback_url;        /* NULL: none */
    struct serve_log log;
    const struct sandbox *sandbox;   /* what is in force; NULL: nothing */

    /* Opens the model, on a thread of its own.  NULL (tests): there is none,
     * and no job can be run. */
    enum err  (*load)(void *arg, const struct progress *progress,
                      struct engine **out, struct err_info *why);
    void       *load_arg;
    /* Called on the loop's thread once the model is there, before the first
     * job.  NULL: nothing to do. */
    enum err  (*ready)(void *arg, struct err_info *why);
    void       *ready_arg;
};

/* The limits and defaults of the command line. */
struct serve_options serve_defaults(void);

/* Bind and listen.  Options, routes and what they point at outlive the server.
 * ERR_IO names address and cause. */
enum err server_open(struct server **out, const struct serve_options *o,
                     route_list routes, struct err_info *why);
uint16_t server_port(const struct server *s);
/* Serve until stopped.  ERR_OK: a clean stop; else why the model could not be
 * loaded. */
enum err server_run(struct server *s, struct err_info *why);
void     server_close(struct server *s);

/* From any thread: stop as SIGTERM does, with `drain_s` seconds for what runs;
 * a second call ends it at once. */
void     server_stop(struct server *s);

/* ---- for routes; on the loop's thread ---- */

enum serve_state { SERVE_LOADING, SERVE_READY, SERVE_FAILED, SERVE_DRAINING };

enum serve_state server_state(const struct server *s);
const struct serve_options *server_options(const struct server *s);
const char    *server_worker_id(const struct server *s);
double         server_uptime_s(const struct server *s);
size_t         server_connections(const struct server *s);
/* NULL while there is none. */
struct engine *server_engine(const struct server *s);
struct service *server_service(const struct server *s);
struct records *server_records(struct server *s);
/* As /shutdown: like server_stop with this time for what runs.  False: it is
 * stopping already. */
bool           server_drain(struct server *s, double seconds);

#endif
