/* Progress of long work, and the way to stop it.  The callee calls `tick` from
 * time to time (at least every 50 ms of work); a true answer means: give up as
 * soon as possible, with ERR_CANCELLED. */
#ifndef OSMIA_BASE_PROGRESS_H
#define OSMIA_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool (*tick)(void *arg, const char *doing, uint64_t done, uint64_t total);
    void  *arg;
};

static inline bool progress_tick(const struct progress *p, const char *doing,
                                 uint64_t done, uint64_t total)
{
    return p != NULL && p->tick != NULL && p->tick(p->arg, doing, done, total);
}

#endif
