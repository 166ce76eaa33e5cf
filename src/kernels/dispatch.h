/* Which instruction set to compute with. */
#ifndef OSMIA_KERNELS_DISPATCH_H
#define OSMIA_KERNELS_DISPATCH_H

#include "base/err.h"
#include "kernels/kernel_table.h"
#include "weights/weight.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a CPU and its operating system offer, as far as a set asks for it. */
enum cpu_feature {
    CPU_AVX2        = 1 << 0,   /* with FMA and F16C; ymm saved by the system */
    CPU_AVXVNNI     = 1 << 1,
    CPU_AVX512      = 1 << 2,   /* F, BW, DQ, VL; zmm saved by the system */
    CPU_AVX512VNNI  = 1 << 3,
    CPU_AVX512BF16  = 1 << 4,
    CPU_DOTPROD     = 1 << 5,
    CPU_I8MM        = 1 << 6,
    CPU_FAST_BF16   = 1 << 7,   /* the dot product of bf16 pairs beats two
                                   multiply-adds of f32 */
};

struct isa_set {
    const char *name;
    unsigned    needs;                      /* enum cpu_feature */
    unsigned    likes;                      /* without these it runs, but a
                                               plainer set is faster */
    const struct weight_table *weights;
    const struct kernel_table *kernels;
};

/* Asks the CPU (CPUID and XGETBV, or the auxiliary vector). */
unsigned cpu_features(void);

/* The sets of this build, plainest first; NULL past the end. */
const struct isa_set *isa_at(size_t i);

/* The last set of the build that `features` can run and does not run slowly, or
 * the one that `forced` names (NULL: no wish).  ERR_REQUEST: no such set, or the
 * CPU lacks it; the sentence lists those that would run. */
enum err isa_pick(const struct isa_set **out, const char *forced,
                  unsigned features, struct err_info *why);

#endif
