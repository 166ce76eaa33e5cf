/* The sampler once more, the plain way: f64, a full sort, the textbook's order
 * of steps.  For comparison only; nothing here is shared with the real one. */
#ifndef OSMIA_TESTS_REFERENCE_SAMPLER_H
#define OSMIA_TESTS_REFERENCE_SAMPLER_H

#include "engine/sampler.h"

/* Probability of each id [n_rows] under the parameters; never[] is a flag per
 * id.  For greedy, 1 for one id. */
void reference_probabilities(double *p, const struct sampling *s,
                             const struct sample_context *c, size_t n_rows,
                             const bool *never);

#endif
