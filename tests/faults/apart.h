/* Something tried in a process of its own: what it costs, and whether it comes
 * back at all. */
#ifndef OSMIA_TESTS_APART_H
#define OSMIA_TESTS_APART_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct apart {
    bool     died, refused;      /* died: by a signal, or without a sentence */
    uint64_t memory;             /* most bytes resident */
    unsigned cpu_ms;
    char     why[256];           /* the sentence, or what killed it */
};

/* Run body(arg, why) in a child; an error is a refusal and needs a sentence of
 * one line. */
struct apart apart(enum err (*body)(void *arg, struct err_info *why),
                   void *arg);

/* The costs over many, for the limits that hold for each: a refusal takes at
 * most a second and twice the file and 64 MiB beyond what a process has anyway;
 * what is accepted may take ten seconds. */
struct tally_apart {
    size_t   n, refused;
    uint64_t most_memory, idle;
    unsigned most_ms;
};
enum { APART_MARGIN = 64 << 20 };
void tally_start(struct tally_apart *t);
/* False, with the reason in a->why: it broke a limit. */
bool tally_add(struct tally_apart *t, struct apart *a, uint64_t size);

#endif
