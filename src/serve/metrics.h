/* Counters of the HTTP side, and the page that Prometheus reads. */
#ifndef OSMIA_SERVE_METRICS_H
#define OSMIA_SERVE_METRICS_H

#include "base/strbuf.h"
#include "engine/sched.h"
#include "serve/refusal.h"

/* Where a job was when it was cancelled. */
enum run_phase { RUN_QUEUED, RUN_PREFILL, RUN_DECODE, RUN_PHASES };
enum { RUN_REASONS = JOB_ERROR + 1 };

struct metrics {
    uint64_t n_ended[RUN_REASONS];           /* runs, by how they ended */
    uint64_t n_cancelled[RUN_PHASES];
    uint64_t n_rejected[REFUSE_COUNT];       /* requests for work */
};

void metrics_count_end(struct metrics *m, enum job_reason reason,
                       enum run_phase phase);

struct server;
/* The page, in Prometheus' text format 0.0.4. */
void metrics_put(struct strbuf *out, const struct server *s);

#endif
