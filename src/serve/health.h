/* Is the worker well?  Computed from the engine's own signs of life. */
#ifndef OSMIA_SERVE_HEALTH_H
#define OSMIA_SERVE_HEALTH_H

#include "serve/server.h"

/* NULL: it can serve.  Else why not, in a few words; *loading says whether
 * waiting helps. */
const char *health_fault(const struct server *s, bool *loading);

/* NULL, or why no new work can be taken in.  That the last generations failed is
 * no such reason: only another one can show that it is over. */
const char *health_engine_fault(const struct server *s);

/* Look at the engine's pulse; once a tick.  What has been silent for long, while
 * we ourselves went on, will not come back: s->engine_lost. */
void health_watch(struct server *s);

/* Do jobs run or wait? */
bool health_is_busy(const struct server *s);

#endif
