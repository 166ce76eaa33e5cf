/* Telling an orchestrator that this worker lives, and once that it is ready.
 *
 * A thread of its own posts the worker's state: at once when it starts, is
 * ready, stops and has stopped, else every thirty seconds, give or take a tenth.
 * What fails is logged and tried again, ever more slowly.  Whatever the other
 * side does (hang, flood, redirect, talk nonsense), serving is not touched.
 *
 * heartbeat_set may be called at any time from the loop's thread; everything
 * else the thread reads never changes. */
#ifndef OSMIA_SERVE_HEARTBEAT_H
#define OSMIA_SERVE_HEARTBEAT_H

#include "base/err.h"

struct heartbeat;
struct server;

enum life { LIFE_STARTING, LIFE_READY, LIFE_BUSY, LIFE_STOPPING, LIFE_STOPPED };

/* Start the thread.  *out stays NULL when the options name nobody to tell. */
enum err heartbeat_open(struct heartbeat **out, const struct server *s,
                        struct err_info *why);
/* The state from now on; never waits.  NULL is fine. */
void     heartbeat_set(struct heartbeat *h, enum life life);
/* Wait for the thread; LIFE_STOPPED should have been set a while ago. */
void     heartbeat_close(struct heartbeat *h);

#endif
