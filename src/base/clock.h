/* Monotonic time. */
#ifndef OSMIA_BASE_CLOCK_H
#define OSMIA_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ns(void);

static inline double clock_ms_since(int64_t start_ns)
{
    return (double)(clock_ns() - start_ns) / 1e6;
}

#endif
