/* Everything the server may say no with: one row each, both shapes.
 *
 *   X(id, status, retriable, type)
 *     id         the `code` of the worker's own shape
 *     type       of the OpenAI shape */
#ifndef OSMIA_SERVE_REFUSAL_H
#define OSMIA_SERVE_REFUSAL_H

#include "base/err.h"
#include "base/strbuf.h"
#include "serve/route.h"

#define REFUSAL_LIST(X)                                                       \
    X(INVALID_REQUEST,        400, false, "invalid_request_error")            \
    X(CONTEXT_LENGTH_EXCEEDED, 400, false, "invalid_request_error")           \
    X(FORBIDDEN,              403, false, "permission_error")                 \
    X(NOT_FOUND,              404, false, "not_found_error")                  \
    X(MODEL_NOT_FOUND,        404, false, "invalid_request_error")            \
    X(JOB_NOT_FOUND,          404, false, "not_found_error")                  \
    X(METHOD_NOT_ALLOWED,     405, false, "invalid_request_error")            \
    X(INFERENCE_TIMEOUT,      408, true,  "timeout_error")                    \
    X(REQUEST_TIMEOUT,        408, true,  "timeout_error")                    \
    X(STREAM_ALREADY_TAKEN,   409, false, "invalid_request_error")            \
    X(JOB_EXPIRED,            410, false, "not_found_error")                  \
    X(PAYLOAD_TOO_LARGE,      413, false, "invalid_request_error")            \
    X(UNSUPPORTED_MEDIA_TYPE, 415, false, "invalid_request_error")            \
    X(HEADERS_TOO_LARGE,      431, false, "invalid_request_error")            \
    X(QUEUE_FULL,             429, true,  "rate_limit_error")                 \
    X(INTERNAL,               500, true,  "server_error")                     \
    X(NOT_SUPPORTED,          501, false, "not_supported_error")              \
    X(WORKER_LOADING,         503, true,  "unavailable_error")                \
    X(WORKER_UNHEALTHY,       503, false, "unavailable_error")                \
    X(INSUFFICIENT_RESOURCES, 503, true,  "unavailable_error")

enum refusal {
#define X(id, status, retriable, type) REFUSE_##id,
    REFUSAL_LIST(X)
#undef X
    REFUSE_COUNT
};

int         refusal_status(enum refusal r);
const char *refusal_code(enum refusal r);
/* What the client may try again, and when: seconds for Retry-After; 0: no. */
int         refusal_retry_s(enum refusal r);
/* What an error of the lower floors is to a client. */
enum refusal refusal_of(enum err e);
/* For framing errors, which know a status only. */
enum refusal refusal_of_status(int status);

/* Append the body.  `param` (the field at fault, or NULL) appears in the OpenAI
 * shape only. */
void refusal_put(struct strbuf *out, enum refusal r, enum route_errors shape,
                 const char *param, const char *message);

#endif
