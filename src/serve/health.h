/* Is the worker well?  Computed from the engine's own signs of life. */
#ifndef OSMIA_SERVE_HEALTH_H
#define OSMIA_SERVE_HEALTH_H

#include "serve/server.h"

/* NULL: it can serve.  Else why not, in a few words; *loading says whether
 * waiting helps. */
const char *health_fault(const struct server *s, bool *loading);

/* Do jobs run or wait? */
bool health_is_busy(const struct server *s);

#endif
