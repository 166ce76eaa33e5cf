/* The first lines of a reply. */
#ifndef OSMIA_SERVE_REPLY_HEAD_H
#define OSMIA_SERVE_REPLY_HEAD_H

#include "base/strbuf.h"

/* "HTTP/1.1 200 OK" and the date. */
void reply_put_status(struct strbuf *out, int status);

#endif
