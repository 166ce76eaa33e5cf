/* The server from the inside: for the files of this folder only. */
#ifndef OSMIA_SERVE_SERVER_OWN_H
#define OSMIA_SERVE_SERVER_OWN_H

#include "engine/service.h"
#include "serve/heartbeat.h"
#include "serve/loader.h"
#include "serve/metrics.h"
#include "serve/records.h"
#include "serve/server.h"

#include <uv.h>

struct conn;

enum { READ_BUFFER_SIZE = 64 << 10, TICK_MS = 100 };

struct server {
    struct serve_options opt;
    char               worker_id[272];
    route_list         routes;
    int64_t            opened_ns;
    uint16_t           port;
    bool               is_open_to_all;  /* no tokens: see origin.h */

    uv_loop_t          loop;
    uv_tcp_t           listener;
    uv_async_t         wake, stop;
    uv_timer_t         tick;
    uv_signal_t        signals[2];
    bool               over;            /* handles are being closed */

    enum serve_state   state;
    struct loader      loader;
    struct engine     *engine;
    struct service    *service;         /* NULL: no job can be run */
    size_t             n_runs, most_runs;   /* now; since memory was trimmed */
    size_t             n_failed_row;    /* runs in a row that failed */
    struct metrics     metrics;
    int                notify;          /* see notify.h */
    struct heartbeat  *heartbeat;       /* NULL: nobody wants to know */
    struct records     records;
    int64_t            looked_ns;       /* at the records, last */
    bool               model_changed;   /* under our hands, on disk */
    unsigned           n_silent;        /* ticks in a row without a beat */
    bool               engine_lost;     /* it will not come back */
    struct err_info    failure;         /* FAILED, left_behind: why */
    bool               left_behind;     /* the inference thread, by `shut` */
    int64_t            deadline_ns;     /* DRAINING, FAILED: the end */
    bool               ending;          /* jobs have been told to end */

    struct conn       *conns;
    size_t             n_conns, max_conns;
    size_t             n_arrived;       /* bytes of incomplete bodies */
    bool               swollen;         /* much came or went since a trim */
    bool               door_stuck;      /* a client could not be accepted */
    /* What was read last; every connection copies what it keeps.  Reads happen
     * one after another, so that one buffer serves all. */
    char               read_buffer[READ_BUFFER_SIZE];
};

#endif
