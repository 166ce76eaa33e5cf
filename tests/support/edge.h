/* Bytes whose last one lies right before an unreadable page, so that a parser
 * that reads one byte too many dies at once, in every build. */
#ifndef OSMIA_TESTS_EDGE_H
#define OSMIA_TESTS_EDGE_H

#include "base/slice.h"

struct edge {
    char  *map;
    size_t map_size, usable;
};

/* Room for up to `most` bytes; a test that cannot have it fails. */
void edge_open(struct edge *e, size_t most);
/* Copy the bytes to the very end.  Valid until the next call. */
struct slice edge_put(struct edge *e, struct slice bytes);
void edge_close(struct edge *e);

#endif
