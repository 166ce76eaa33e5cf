/* Allocations that fail on demand.
 *
 * Every test is linked with --wrap=malloc and its relatives, so that the calls
 * made by our code (not those inside libraries) pass here.  While nothing was
 * asked of it, this does nothing. */
#ifndef OSMIA_TESTS_ALLOC_FAIL_H
#define OSMIA_TESTS_ALLOC_FAIL_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* From now on count allocations and remember the live ones; the n-th fails
 * (from 1), and only that one.  n == 0: none fails. */
void alloc_fail_at(size_t n);
/* Allocations asked for since alloc_fail_at. */
size_t alloc_fail_asked(void);
/* Stop.  Returns how many allocated since alloc_fail_at were not freed. */
size_t alloc_fail_off(void);

/* Run body(arg) with its first, second, third ... allocation failing, until one
 * run needs no more than it gets.  The test fails when a run with a failure is
 * anything but ERR_NOMEM, when any run leaks, or when the last is not ERR_OK.
 * `body` cleans up whatever it makes.  Returns the allocations of a good run. */
size_t alloc_fail_each(enum err (*body)(void *arg), void *arg);

#endif
