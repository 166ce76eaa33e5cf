/* The events of the worker contract: started, narration, token ..., narration,
 * metrics, end or error, [DONE]. */
#ifndef OSMIA_ROUTES_WORKER_STREAM_H
#define OSMIA_ROUTES_WORKER_STREAM_H

#include "serve/run.h"

/* One stream; lives in the call's arena. */
struct worker_stream {
    const char         *job_id;
    const struct slice *stops;       /* [n_stops]; outlives the stream */
    size_t              n_stops;
    size_t              n_pieces, n_tokens;
    bool                started;
};

/* Open the reply's stream. */
struct worker_stream *worker_stream_open(struct call *c, const char *job_id,
                                         const struct slice *stops,
                                         size_t n_stops);
/* A run_piece; arg is the stream. */
void worker_stream_piece(struct call *c, void *arg, const struct piece *piece);
/* A job that is over without a run: started, error, [DONE]. */
void worker_stream_cancelled(struct call *c, struct worker_stream *w);

/* "MAX_TOKENS", "EOS", "STOP_SEQUENCE". */
const char *worker_stop_reason(const struct piece *end);
/* The code of an error event: "TIMEOUT", "INFERENCE_FAILED" ... */
const char *worker_error_code(const struct piece *end);

#endif
