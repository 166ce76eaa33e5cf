/* One sequence of tokens on a model: for chat loops, for programs that want the
 * logits, for the C API.
 *
 *   1. `tokens` holds exactly the tokens whose keys and values are cached.
 *   2. A call that fails or is cancelled leaves the session as it was before
 *      the chunk in which it happened; what ran before stays and counts.
 *
 * Owner: one thread at a time, which is also the only one on this engine. */
#ifndef OSMIA_ENGINE_SESSION_H
#define OSMIA_ENGINE_SESSION_H

#include "engine/engine.h"
#include "engine/runner.h"
#include "engine/sampler.h"

struct session;

/* declared_len: the most positions it will ever hold (fixes the regime of RoPE
 * kinds that depend on the length); 0: the engine's context.  ERR_FULL: the
 * engine has no free sequence; ERR_LIMIT: more than its context. */
enum err session_open(struct session **out, struct engine *e,
                      uint32_t declared_len, struct err_info *why);
void     session_close(struct session *s);

/* The same on any runner; never: see sampler_open (copied). */
struct session_parts {
    const struct runner *runner;
    const int32_t       *never;
    size_t               n_never;
};
enum err session_open_on(struct session **out,
                         const struct session_parts *parts,
                         uint32_t declared_len, struct err_info *why);

/* The tokens in the cache, and how many more fit. */
const int32_t *session_tokens(const struct session *s, size_t *n);
size_t session_room(const struct session *s);

/* Called with the logits row of each wanted position, in order; the row is
 * valid during the call.  Anything but ERR_OK ends the run with that error. */
typedef enum err session_row(void *arg, uint32_t pos, const float *logits,
                             struct err_info *why);

struct session_run {
    const int32_t *tokens;
    size_t         n;              /* > 0 */
    size_t         rows_from;      /* first index in tokens whose row is wanted;
                                      n - 1: only the last; n: none */
    size_t         chunk;          /* tokens per step; 0: as is best */
    session_row   *row;            /* may be NULL */
    void          *arg;
    const struct progress *progress;   /* ticks "prompt"; may cancel */
};

/* Append tokens.  ERR_LIMIT: they do not fit the context (both numbers are
 * told; nothing ran); ERR_REQUEST: an id is out of range; ERR_CANCELLED. */
enum err session_run(struct session *s, const struct session_run *r,
                     struct err_info *why);

/* Make the session hold exactly r->tokens, reusing the longest common prefix
 * with what it holds (but running all tokens whose rows are wanted).  *n_reused
 * (may be NULL) tells how many were reused. */
enum err session_feed(struct session *s, const struct session_run *r,
                      size_t *n_reused, struct err_info *why);

/* Logits of the last position run, [vocab], f32; NULL when there are none (an
 * empty session, after a truncate, after a run that failed, or rows_from == n).
 * Valid until the next call on this session. */
const float *session_logits(const struct session *s);

/* Choose the next token from session_logits; it is not run yet.  Tokens before
 * index n_prompt count as prompt for the penalties.  ERR_REQUEST when there are
 * no logits. */
enum err session_sample(struct session *s, const struct sampling *p,
                        size_t n_prompt, struct sample *out,
                        struct err_info *why);

void     session_truncate(struct session *s, size_t len);   /* len <= held */
/* A new session that holds the first len tokens of this one. */
enum err session_fork(struct session **out, const struct session *from,
                      size_t len, struct err_info *why);

#endif
