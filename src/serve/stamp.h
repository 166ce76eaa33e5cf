/* Times and names that go into replies and logs. */
#ifndef OSMIA_SERVE_STAMP_H
#define OSMIA_SERVE_STAMP_H

#include "base/slice.h"

enum { STAMP_SIZE = 32, UUID_SIZE = 37, JOB_ID_SIZE = 4 + UUID_SIZE };

/* "2025-11-12T23:01:01.123Z": now, in UTC. */
void stamp_now(char out[STAMP_SIZE]);
/* A random UUID (version 4). */
void stamp_uuid(char out[UUID_SIZE]);

/* "job-" and such an UUID. */
void stamp_job(char out[JOB_ID_SIZE]);

/* Letters, digits, '-' and '_', 1 to `most` of them: what ids of others may be
 * to be echoed and logged. */
bool stamp_is_id(struct slice s, size_t most);

#endif
