/* Lines on stderr: for people, or one JSON object each.
 *
 * Fields are those of the worker contract (actor, action, target, human, ...).
 * Neither prompts nor outputs nor tokens are ever handed to these functions. */
#ifndef OSMIA_SERVE_SERVE_LOG_H
#define OSMIA_SERVE_SERVE_LOG_H

#include "base/slice.h"

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct serve_log {
    int         fd;             /* -1: nobody listens */
    bool        json;
    const char *worker_id;      /* NULL: it has none yet */
};

/* One event.  `action` is a word of the contract ("startup", "model_load"). */
void log_event(const struct serve_log *log, enum log_level level,
               const char *action, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

struct log_access {
    struct slice method, path;  /* of the client's making: shown visibly */
    const char  *id;            /* request id */
    int          status;        /* 0: the client went away unanswered */
    double       ms;
    size_t       n_bytes;       /* of the reply */
};
void log_request(const struct serve_log *log, const struct log_access *a);

#endif
