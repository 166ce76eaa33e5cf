/* Streams that tell how far the loading is. */
#ifndef OSMIA_SERVE_PROGRESS_H
#define OSMIA_SERVE_PROGRESS_H

#include "serve/call.h"

/* Open the stream; the server goes on with it until the loading has ended. */
void progress_stream(struct call *c);
/* Say what is new; ends the stream when there is nothing more to come. */
void progress_tick_call(struct call *c);

#endif
