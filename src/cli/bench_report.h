/* What `bench` prints: one JSON object, or tables. */
#ifndef OSMIA_CLI_BENCH_REPORT_H
#define OSMIA_CLI_BENCH_REPORT_H

#include "base/strbuf.h"
#include "engine/measure.h"
#include "kernels/roofline.h"

/* Tokens a second over the repetitions. */
struct spread { double median, least, most; };

struct bench_result {
    struct measure_case what;
    struct spread       tok_s;
    double              share;         /* of what the machine's limits allow */
    char                kernel[64];    /* that did most: "q4_0/avx2" */
    struct roofline     before, after;
    unsigned            neighbours;    /* 0: measured alone */
    double              of_idle;       /* with neighbours: against without */
};

struct bench_machine {
    char            cpu[128];
    const char     *isa;
    unsigned        threads;
    struct roofline limits;            /* medians of all that were measured */
};

struct bench_report {
    struct bench_machine       machine;
    const struct engine       *engine; /* NULL: limits only */
    const struct bench_result *results;
    size_t                     n_results;
};

void bench_put_json(struct strbuf *out, const struct bench_report *r);
void bench_put_table(struct strbuf *out, const struct bench_report *r);

#endif
