#include "engine/histogram.h"

#include <assert.h>

static const double ms_bounds[] = {
    1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 150, 250, 500, 750, 1000, 2500, 5000,
    10000, 20000, 40000, 60000,
};
static const double count_bounds[] = {
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024,
};

static void init(struct histogram *h, const double *bounds, size_t n)
{
    assert(n <= HISTOGRAM_BUCKETS);
    *h = (struct histogram){ .bounds = bounds, .n_bounds = n };
}

void histogram_init_ms(struct histogram *h)
{
    init(h, ms_bounds, sizeof ms_bounds / sizeof *ms_bounds);
}

void histogram_init_counts(struct histogram *h)
{
    init(h, count_bounds, sizeof count_bounds / sizeof *count_bounds);
}

void histogram_add(struct histogram *h, double value)
{
    size_t i = 0;
    while (i < h->n_bounds && value > h->bounds[i])
        i++;
    h->count[i]++;
    h->n++;
    h->sum += value;
}
