/* Every lane operation on the same 16-lane inputs, run by each instruction set
 * (lanes.c is compiled once for each). */
#ifndef OSMIA_TESTS_LANES_H
#define OSMIA_TESTS_LANES_H

#include "tensor/isa.h"
#include <stdint.h>

enum { LANE_OPS = 48, LANE_COUNT = 16 };

struct lane_input {
    uint32_t a[LANE_COUNT], b[LANE_COUNT], c[LANE_COUNT];
};

struct lane_result {
    const char *name;
    uint32_t    word[LANE_COUNT];
};

typedef int lanes_fn(struct lane_result out[LANE_OPS],
                     const struct lane_input *in);

#define X(set) lanes_fn kernel_lanes_##set;
ISA_LIST(X)
#undef X

#endif
