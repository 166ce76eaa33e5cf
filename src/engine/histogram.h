/* Counts of values in fixed buckets, as Prometheus draws them. */
#ifndef OSMIA_ENGINE_HISTOGRAM_H
#define OSMIA_ENGINE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 20 };

struct histogram {
    const double *bounds;        /* upper bounds, ascending, inclusive */
    size_t        n_bounds;      /* <= HISTOGRAM_BUCKETS */
    uint64_t      count[HISTOGRAM_BUCKETS + 1];   /* the last: above them all */
    uint64_t      n;
    double        sum;
};

/* The bounds: times in milliseconds, from 1 to 60,000; small counts. */
void histogram_init_ms(struct histogram *h);
void histogram_init_counts(struct histogram *h);

void histogram_add(struct histogram *h, double value);

#endif
