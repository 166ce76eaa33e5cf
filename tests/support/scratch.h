/* A directory for one test, taken away with all that is in it. */
#ifndef OSMIA_TESTS_SCRATCH_H
#define OSMIA_TESTS_SCRATCH_H

#include "base/slice.h"

struct scratch {
    char dir[64];
    char path[512];     /* of the name last asked for */
};

void scratch_open(struct scratch *s);
void scratch_close(struct scratch *s);

/* "DIR/name"; valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);
/* Write a file; folders in its name are made. */
const char *scratch_put(struct scratch *s, const char *name,
                        struct slice bytes);
void scratch_text(struct scratch *s, const char *name, const char *text);
void scratch_remove(struct scratch *s, const char *name);

#endif
