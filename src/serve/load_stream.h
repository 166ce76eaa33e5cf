/* Streams that tell how far the loading is. */
#ifndef OSMIA_SERVE_LOAD_STREAM_H
#define OSMIA_SERVE_LOAD_STREAM_H

#include "serve/call.h"

/* Open the stream; the server goes on with it until the loading has ended. */
void load_stream_open(struct call *c);
/* Say what is new; ends the stream when there is nothing more to come. */
void load_stream_tick(struct call *c);

#endif
