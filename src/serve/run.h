/* A run: a job of the engine together with who listens to it.
 *
 * A run is begun for a call, or for a record (records.h) that a call may ask
 * for later.  Pieces are taken from the engine only as fast as the client takes
 * them from us; what a job is ahead of its reader is bounded, then it waits.
 *
 *   1. A run belongs to a call, to a record, or to both.
 *   2. Whoever ends the last of them ends the run: a client that goes away
 *      frees what its job holds.
 *   3. After PIECE_END a run gives nothing more.
 *
 * Loop thread. */
#ifndef OSMIA_SERVE_RUN_H
#define OSMIA_SERVE_RUN_H

#include "engine/service.h"
#include "serve/call.h"

struct run;
struct record;

/* One piece for a call; called until PIECE_END, or until the call is over. */
typedef void run_piece(struct call *c, void *arg, const struct piece *piece);

/* Queue a job whose pieces go to `fn`.  A call may have several.  The request's
 * `principal` is set from the call, its deadline from --inference-timeout-sec.
 * Errors as service_submit has them; ERR_LIMIT also for --max-tokens-in. */
enum err call_run(struct call *c, const struct job_request *r, run_piece *fn,
                  void *arg, struct err_info *why);

/* Queue a job that nobody listens to yet. */
enum err run_open(struct run **out, struct server *s,
                  const struct job_request *r, struct err_info *why);
/* From now on its pieces go to this call. */
void     run_attach(struct run *r, struct call *c, run_piece *fn, void *arg);
/* Its last piece is to come soon, with JOB_CANCELLED. */
void     run_cancel(struct run *r);
/* Nobody listens any more; ends the job if need be.  NULL is fine. */
void     run_close(struct run *r);
/* The record that keeps it, or NULL; told when the run is closed. */
void     run_keep(struct run *r, struct record *record);

/* Hand the call what its runs have, until `most` bytes wait for the client.
 * True: it stopped because of that. */
bool     call_pump(struct call *c, size_t most);

#endif
