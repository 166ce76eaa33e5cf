/* Processor time, not time on the wall, so that a busy machine fails no test;
 * and limits that know of builds in which every access is watched: those are
 * slower, and hold back memory that was freed. */
#ifndef OSMIA_TESTS_EFFORT_H
#define OSMIA_TESTS_EFFORT_H

#include <stdint.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { EFFORT_TIMES = 20, EFFORT_MEMORIES = 8 };
#else
enum { EFFORT_TIMES = 1, EFFORT_MEMORIES = 1 };
#endif

/* Milliseconds that this process has computed so far. */
static inline double effort_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What is allowed where `ms` are in an ordinary build. */
static inline double effort_allowed(double ms)
{
    return EFFORT_TIMES * ms;
}

static inline uint64_t effort_memory(uint64_t size)
{
    return EFFORT_MEMORIES * size;
}

#endif
