/* What one step computes: n tokens of any sequences, in one form for prefill,
 * decode and any mixture.  Tokens of one sequence stand in ascending position
 * and continue what its cache holds. */
#ifndef OSMIA_NN_BATCH_H
#define OSMIA_NN_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch {
    size_t         n;
    const int32_t *token;        /* [n] ids below the embedding's rows */
    const int32_t *pos;          /* [n] absolute positions from 0 */
    const int32_t *seq;          /* [n] sequence numbers of the cache */
    const bool    *want_logits;  /* [n] */
};

#endif
