/* What DELETE /v1/jobs/{id} and POST /cancel have in common. */
#ifndef OSMIA_ROUTES_CANCEL_H
#define OSMIA_ROUTES_CANCEL_H

#include "serve/call.h"

/* Cancel the caller's job of this id and answer 202; 404, 410. */
void cancel_job(struct call *c, struct slice id);

#endif
