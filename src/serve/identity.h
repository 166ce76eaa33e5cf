/* Who this worker is and how it does, in the contract's words. */
#ifndef OSMIA_SERVE_IDENTITY_H
#define OSMIA_SERVE_IDENTITY_H

#include "base/strbuf.h"
#include "serve/server.h"

/* "starting", "ready", "busy", "stopping". */
const char *identity_status(const struct server *s);

/* {"id", "model_id", "device", "port", "status", "implementation", "version"}
 * without the closing brace, so that others may add to it. */
void identity_put(struct strbuf *out, const struct server *s,
                  const char *status);

#endif
