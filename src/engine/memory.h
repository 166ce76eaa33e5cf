/* How much memory there is to use. */
#ifndef OSMIA_ENGINE_MEMORY_H
#define OSMIA_ENGINE_MEMORY_H

#include <stdint.h>

/* Bytes that can still be used without swapping: MemAvailable, and what the
 * limits of the control groups around this process leave (v2 and v1, each
 * group up to the mount; caches that can be given back count as free).  `root`
 * stands before /proc and /sys ("" in real life).  UINT64_MAX: unknown. */
uint64_t memory_available(const char *root);

#endif
