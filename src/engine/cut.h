/* Selection without sorting: where in the order "higher logit first, lower
 * index first" the first elements reach a given mass.
 *
 * A radix descent over the bits of the logits (11, 11, 10): each level adds up
 * the mass per digit, finds the digit in which the target is reached and goes
 * into it.  Three passes over the row, whatever the mass or the row. */
#ifndef OSMIA_ENGINE_CUT_H
#define OSMIA_ENGINE_CUT_H

#include <stddef.h>
#include <stdint.h>

/* Elements above `logit` belong to the selection, and those equal to it, in
 * index order, as long as `above` plus their mass before them is < target. */
struct cut {
    float  logit;
    double above;     /* mass of all elements above `logit` */
};

/* mass[n], >= 0; NULL: 1 each.  n > 0; target > 0.  No logit is a NaN.  When
 * all together do not reach the target, the cut is below the last element that
 * has mass. */
struct cut cut_find(const float *logit, const float *mass, size_t n,
                    double target);

#endif
