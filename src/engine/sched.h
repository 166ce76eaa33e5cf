/* The scheduler: many jobs, one thread, one step at a time.
 *
 * Each step takes one token from every decoding job plus a bounded chunk of
 * prompts, so that a long prompt does not stall the streams of others.  Jobs
 * share the cache of a common prefix with jobs that run or that have finished
 * a while ago.  When the cache is full, finished prefixes go first; then the
 * youngest job is paused and computed again later.  What a job answers does not
 * depend on any of this: it gets the bytes that it would have got alone.
 *
 * Owner: one thread.  Only job_request.cancel may be touched by others. */
#ifndef OSMIA_ENGINE_SCHED_H
#define OSMIA_ENGINE_SCHED_H

#include "base/progress.h"
#include "engine/runner.h"
#include "engine/sampler.h"
#include "text/tokenizer.h"
#include <stdatomic.h>

struct sched;

/* What a scheduler works with; all outlive it. */
struct sched_parts {
    const struct runner    *runner;
    const struct tokenizer *tok;        /* NULL: no text, stops are refused */
    const int32_t          *never;      /* ids never sampled (engine_never) */
    size_t                  n_never;
    const int32_t          *eos;        /* ids that end an answer, ascending */
    size_t                  n_eos;
};

enum { SCHED_JOBS_MAX = 16 };
struct sched_options {
    size_t max_running;     /* jobs that hold cache; 0: as many as the cache
                               has quarters of a context, at most this: */
    size_t max_kept;        /* finished sequences kept for their prefixes */
    size_t chunk;           /* prompt tokens per step while nobody decodes */
    size_t chunk_beside;    /*   and while somebody does; 0: 256, and 64 or
                               (with max_step_ms) as many */
    double max_step_ms;     /* chunks are cut so that a step beside others stays
                               below this; 0: they are not */
};

enum err sched_open(struct sched **out, const struct sched_parts *parts,
                    const struct sched_options *o, struct err_info *why);
void     sched_close(struct sched *s);     /* jobs end without an event */

/* ---- jobs ---- */

enum job_reason {
    JOB_STOP,         /* an end token or a stop string */
    JOB_LENGTH,       /* max_tokens, or the context is full */
    JOB_CANCELLED,
    JOB_TIMEOUT,      /* its deadline has passed */
    JOB_ERROR         /* event.error says what */
};
const char *job_reason_name(enum job_reason r);    /* "stop", "length" ... */

struct job_usage {
    size_t n_prompt;        /* tokens of the prompt, */
    size_t n_cached;        /*   of which were found in the cache */
    size_t n_output;        /* tokens generated, the end token not counted */
    double wait_ms;         /* from submit until admitted */
    double prefill_ms;      /* from admission until the first token */
    double first_token_ms;  /* from submit until the first token */
    double decode_ms;       /* from the first token until the end */
};

/* One event per token, then one at the end. */
struct job_event {
    bool                   done;
    const struct sample   *token;    /* !done: the token, with its logprobs */
    struct slice           text;     /* text that is safe to show now (whole
                                        characters, no part of a stop string);
                                        may be empty; also when done */
    enum job_reason        reason;   /* done: */
    int                    stop;     /* JOB_STOP by stops[stop]; -1: not so */
    const struct job_usage *usage;
    const struct err_info  *error;
};

/* Fills the mask of allowed ids (see struct sample_context) given the tokens
 * generated so far.  Called once before each token. */
struct token_mask {
    enum err (*fill)(void *arg, uint64_t *bits, size_t n_ids,
                     const int32_t *output, size_t n_output,
                     struct err_info *why);
    void *arg;
};

enum { JOB_SHOWN_MAX = 2 };

struct job_request {
    const int32_t   *prompt;         /* copied */
    size_t           n_prompt;       /* > 0 */
    size_t           max_tokens;     /* 0: the room left in the context */
    struct sampling  sampling;       /* bias is copied */
    const struct slice *stops;       /* non-empty strings, copied */
    size_t           n_stops;
    bool             ignore_eos;     /* end tokens are tokens like others */
    bool             show_special;   /* special tokens appear in the text */
    int32_t          shown[JOB_SHOWN_MAX];   /* special tokens that appear */
    size_t           n_shown;        /*   all the same: marks that are text to
                                        who reads the answer */
    bool             continues;      /* the text goes on behind the prompt's: a
                                        leading space is kept */
    uint32_t         principal;      /* prefixes are shared within one */
    struct token_mask mask;          /* fill NULL: none */
    const atomic_bool *cancel;       /* NULL, or set by anybody at any time: the
                                        job ends at the next step; a step that
                                        nobody else needs is given up */
    int64_t          deadline_ns;    /* on clock_ns: then it ends; 0: never */
    void           (*started)(void *arg);   /* admitted for the first time; may
                                               be NULL */
    /* Called from within sched_step or sched_cancel; must not call the
     * scheduler.  The event is valid during the call.  After the one with
     * `done` the job is gone. */
    void           (*event)(void *arg, const struct job_event *ev);
    void            *arg;
};

/* Queue a job.  *id (never 0) names it until its last event.  ERR_LIMIT: the
 * prompt leaves no room in the context (both numbers are told); ERR_REQUEST: a
 * field out of range. */
enum err sched_submit(struct sched *s, const struct job_request *r,
                      uint64_t *id, struct err_info *why);

/* The same in two halves.  The first checks and copies, on any thread; the
 * second cannot fail.  What was prepared is added or dropped. */
struct job;
enum err sched_prepare(struct job **out, const struct sched_parts *parts,
                       const struct job_request *r, struct err_info *why);
uint64_t sched_add(struct sched *s, struct job *prepared);
void     sched_drop(struct job *prepared);

/* End a job now; its last event (JOB_CANCELLED, with what text was held back)
 * comes within the call.  False: no such job, it has ended. */
bool sched_cancel(struct sched *s, uint64_t id);

/* A job whose reader is slow takes no part in steps until released. */
bool sched_hold(struct sched *s, uint64_t id, bool hold);

/* Run one step.  `progress` (may be NULL) is asked between layers and told how
 * much of the prompts has run.  ERR_CANCELLED when it says so: nothing has
 * changed, the caller may cancel jobs and go on.  Other errors mean that the
 * model cannot compute; jobs stay as they are. */
enum err sched_step(struct sched *s, const struct progress *progress,
                    struct err_info *why);

/* Tokens that the last step ran.  0: nothing can go on before a job is
 * submitted, released or cancelled. */
size_t sched_stepped(const struct sched *s);

enum job_phase { JOB_QUEUED, JOB_IN_PROMPT, JOB_IN_ANSWER, JOB_N_PHASES };
struct sched_stats {
    uint64_t n_steps, n_tokens;      /* run */
    uint64_t n_shared;               /* tokens found in the cache instead */
    uint64_t n_paused;               /* times a job gave its blocks back */
    uint64_t n_prompt, n_output;     /* tokens of jobs: read, generated */
    uint64_t n_ended[JOB_ERROR + 1];         /* jobs, by reason */
    uint64_t n_cancelled[JOB_N_PHASES];      /* and in which phase (timeouts,
                                                too) */
};
struct sched_stats sched_stats(const struct sched *s);

/* Jobs that have not ended, those of them that hold cache, and how many may. */
size_t sched_jobs(const struct sched *s);
size_t sched_running(const struct sched *s);
size_t sched_max_running(const struct sched *s);

/* Blocks of the cache: all, used by jobs (each counts what it holds, shared or
 * not, but never more than are used), and kept for prefixes alone. */
struct sched_blocks { size_t all, jobs, kept; };
struct sched_blocks sched_blocks(const struct sched *s);

/* End all jobs, or only those that hold cache. */
void   sched_end_all(struct sched *s, bool only_running,
                     enum job_reason reason, const struct err_info *error);
/* Forget finished prefixes (memory pressure, tests). */
void   sched_forget(struct sched *s);

#endif
