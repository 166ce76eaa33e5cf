/* The limits of this machine, measured in the instructions of one set. */
#ifndef OSMIA_KERNELS_ROOFLINE_H
#define OSMIA_KERNELS_ROOFLINE_H

#include "base/err.h"
#include "kernels/dispatch.h"
#include "kernels/pool.h"

/* Thousand millions a second, all threads together: bytes for PROBE_READ,
 * operations (multiplications and additions) for the others.  0: the set has
 * no such instruction. */
struct roofline {
    double giga[PROBES];
};

struct roofline_probe;

/* Memory to read (256 MB) and threads to do it with; both borrowed until
 * close.  The pool must not run anything else during a measurement. */
enum err roofline_open(struct roofline_probe **out, struct pool *pool,
                       const struct isa_set *isa, struct err_info *why);
void     roofline_close(struct roofline_probe *p);

/* Medians over windows of some milliseconds, about 40 ms for each limit. */
void     roofline_measure(struct roofline *out, struct roofline_probe *p);

#endif
