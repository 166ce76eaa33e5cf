/* Log-probabilities of a row of logits, unchanged by any sampling parameter. */
#ifndef OSMIA_ENGINE_LOGPROB_H
#define OSMIA_ENGINE_LOGPROB_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct top_logprob {
    int32_t id;
    float   logprob;
};

/* ln(sum(exp(logits))), so that logprob = logits[id] - base.  ERR_NUMBER: a
 * logit is not finite (its id is named).  n > 0. */
enum err logprob_base(double *base, const float *logits, size_t n,
                      struct err_info *why);

/* The k best ids (0 < k <= n), best first; equal logits: the lower id first.
 * No logit is a NaN. */
void     logprob_top(struct top_logprob *top, size_t k, const float *logits,
                     size_t n, double base);

#endif
