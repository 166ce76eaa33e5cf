/* The ids that may still be drawn, with logits and weights, always in ascending
 * order of ids.
 *
 * It begins dense (element i is id i, all of them) and becomes a list when
 * something narrows it.  Both forms hold weights exp((logit - best) /
 * temperature), so the best weighs 1. */
#ifndef OSMIA_ENGINE_CANDIDATES_H
#define OSMIA_ENGINE_CANDIDATES_H

#include "engine/sampling.h"

struct candidates {
    float   *logit, *weight;   /* [padded] */
    int32_t *id;               /* [padded]; used when not dense */
    float   *block_sum;        /* of weights, one for each block; dense only */
    float   *group_best;       /* greatest logit of each group; scratch */
    size_t   n_rows, n;        /* n: those left */
    bool     dense;
    double   total;            /* of the weights left */
};

enum err candidates_open(struct candidates *c, size_t n_rows);   /* OK, NOMEM */
void     candidates_close(struct candidates *c);

/* All ids, with these logits. */
void     candidates_fill(struct candidates *c, const float *logits);
/* The id with the greatest logit, the lowest of equals.  Dense only. */
int32_t  candidates_best(const struct candidates *c);

/* Compute the weights; then, if a row of `p` narrows, become a list without
 * those that cannot survive it.  `best`: the greatest logit. */
void     candidates_weigh(struct candidates *c, float best,
                          const struct sampling *p);

/* The rows that narrow; each does nothing when its field is off. */
typedef void candidates_row(struct candidates *c, const struct sampling *p);
candidates_row candidates_top_k, candidates_top_p, candidates_min_p;

/* The id at `u` (in [0, 1)) of the weights' running sum. */
int32_t  candidates_pick(const struct candidates *c, double u);

#endif
