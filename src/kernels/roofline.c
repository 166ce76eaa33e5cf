#include "kernels/roofline.h"

#include "base/clock.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    READ_SIZE = 256 << 20, HUGE_PAGE = 2 << 20,
    READ_CHUNK = 4 << 20,         /* of memory, for one thread at a time */
    N_CHUNKS = 64,                /* of arithmetic in a window */
    WINDOWS_LEAST = 5, WINDOWS_MOST = 64,
    PROBE_NS = 40 * 1000 * 1000   /* that are spent on one limit */
};

struct roofline_probe {
    struct pool          *pool;
    const struct isa_set *isa;
    uint8_t              *memory;            /* [READ_SIZE] */
    size_t                n_passes;          /* of a chunk of arithmetic */
    enum probe            kind;
    uint64_t             *done;              /* [threads][8]: a line each */
    float                *sink;              /* [threads][16] */
};

/* Operands: small bytes, which as floats are tiny normal numbers. */
static void fill(uint8_t *at)
{
    uint32_t x = 1;

    for (size_t i = 0; i < PROBE_OPERANDS; i++) {
        x = x * 1664525u + 1013904223u;
        at[i] = (uint8_t)(x >> 28);
    }
}

enum err roofline_open(struct roofline_probe **out, struct pool *pool,
                       const struct isa_set *isa, struct err_info *why)
{
    struct roofline_probe *p = calloc(1, sizeof *p);
    size_t n = pool_threads(pool);
    void  *at = NULL;

    *out = NULL;
    if (p == NULL)
        return fail_nomem(why);
    p->pool = pool;
    p->isa = isa;
    p->n_passes = 1;
    p->done = calloc(n, 8 * sizeof *p->done);
    p->sink = calloc(n, 16 * sizeof *p->sink);
    if (posix_memalign(&at, HUGE_PAGE, READ_SIZE) == 0)
        p->memory = at;
    if (p->memory == NULL || p->done == NULL || p->sink == NULL) {
        roofline_close(p);
        return fail_nomem(why);
    }
    madvise(at, READ_SIZE, MADV_HUGEPAGE);
    memset(at, 1, READ_SIZE);
    fill(p->memory);
    *out = p;
    return ERR_OK;
}

void roofline_close(struct roofline_probe *p)
{
    if (p == NULL)
        return;
    free(p->memory);
    free(p->done);
    free(p->sink);
    free(p);
}

static void probe_chunk(void *arg, size_t chunk, unsigned worker)
{
    struct roofline_probe *p = arg;
    bool                   reads = p->kind == PROBE_READ;

    p->done[8 * worker] += p->isa->kernels->probe(
        p->kind, p->memory + (reads ? chunk * READ_CHUNK : 0),
        reads ? READ_CHUNK : p->n_passes, p->sink + 16 * worker);
}

/* One window; thousand millions a second. */
static double window(struct roofline_probe *p)
{
    bool     reads = p->kind == PROBE_READ;
    uint64_t done = 0;
    int64_t  start = clock_ns();

    pool_run(p->pool, probe_chunk, p,
             reads ? READ_SIZE / READ_CHUNK : N_CHUNKS);
    double ns = (double)(clock_ns() - start);
    for (unsigned t = 0; t < pool_threads(p->pool); t++) {
        done += p->done[8 * t];
        p->done[8 * t] = 0;
    }
    return (double)done / (ns > 0 ? ns : 1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Passes that make a chunk of arithmetic last about 0.1 ms. */
static void choose_passes(struct roofline_probe *p)
{
    enum { CHUNK_NS = 100 * 1000 };
    float   sink = 0;
    int64_t start;

    p->n_passes = 16;
    do {
        p->n_passes *= 2;
        start = clock_ns();
        p->isa->kernels->probe(p->kind, p->memory, p->n_passes, &sink);
    } while (clock_ns() - start < CHUNK_NS && p->n_passes < 1 << 20);
    p->sink[0] += sink;
}

static double median_window(struct roofline_probe *p)
{
    double  giga[WINDOWS_MOST];
    size_t  n = 0;
    int64_t start = clock_ns();

    window(p);                    /* warms up */
    while (n < WINDOWS_MOST
           && (n < WINDOWS_LEAST || clock_ns() - start < PROBE_NS))
        giga[n++] = window(p);
    qsort(giga, n, sizeof *giga, ascending);
    return giga[n / 2];
}

void roofline_measure(struct roofline *out, struct roofline_probe *p)
{
    float sink = 0;

    for (int k = 0; k < PROBES; k++) {
        p->kind = (enum probe)k;
        out->giga[k] = 0;
        if (k != PROBE_READ
            && p->isa->kernels->probe(p->kind, p->memory, 1, &sink) == 0)
            continue;
        if (k != PROBE_READ)
            choose_passes(p);
        out->giga[k] = median_window(p);
    }
}
