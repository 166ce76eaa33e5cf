/* An answer as it comes: gathered for JSON, or streamed to stdout. */
#ifndef OSMIA_CLI_ANSWER_H
#define OSMIA_CLI_ANSWER_H

#include "base/strbuf.h"
#include "engine/sched.h"

struct answer {
    bool            stream;       /* text goes to stdout at once */
    bool            wants_logprobs;
    double          load_ms;
    struct strbuf   text;         /* what was not streamed */
    struct strbuf   ids, logprobs;    /* as JSON, without the brackets */
    char            last_byte;    /* of a streamed text; 0: none */
    bool            done;
    enum job_reason reason;
    struct job_usage usage;
    struct err_info error;        /* reason JOB_ERROR */
};

/* The event function of a job whose `arg` is a struct answer. */
void answer_event(void *arg, const struct job_event *ev);
void answer_drop(struct answer *a);

/* The object that `run --json` prints. */
void answer_put_json(struct strbuf *out, const struct answer *a);

/* One stderr line: counts, speeds, memory, and the sampling that was used. */
void answer_print_stats(const struct answer *a, const struct sampling *used);

#endif
