/* A chunked body (RFC 9112, section 7), byte by byte as it comes in.  Chunk
 * extensions and trailers are checked for form, bounded, and thrown away. */
#ifndef OSMIA_SERVE_HTTP_CHUNK_H
#define OSMIA_SERVE_HTTP_CHUNK_H

#include "base/strbuf.h"
#include "serve/http_head.h"

enum { CHUNK_EXTRA_MAX = 8192 };    /* bytes of all extensions and trailers */

struct chunk_reader {
    uint64_t    limit;              /* most bytes of body */
    /* private */
    int         state;
    unsigned    n_digits;
    uint64_t    left, total;
    size_t      n_extra;
    /* READ_BAD */
    int         status;             /* 400, 413; 500: no memory */
    const char *fault;
};

/* Zero the struct but for the limit before the first call.  Takes what it can
 * from the front of *in and appends what belongs to the body.  A chunk that
 * would lead beyond the limit is refused when its size is read. */
enum read_state chunk_read(struct chunk_reader *r, struct slice *in,
                           struct strbuf *body);

#endif
