/* A model of a few lines behind struct runner: its logits are a hash of all
 * tokens of the sequence up to the position, so a token that was lost, doubled,
 * misplaced or taken from another sequence changes everything after it.
 *
 * Its cache is counted blocks, as the real one, with its own rules checked at
 * every call (assertions): nothing is written that is shared, nothing runs that
 * was not reserved, positions go on without a gap. */
#ifndef OSMIA_TESTS_FAKE_RUNNER_H
#define OSMIA_TESTS_FAKE_RUNNER_H

#include "engine/runner.h"

enum { FAKE_VOCAB = 48, FAKE_EOS = 0, FAKE_SEQS = 64, FAKE_BLOCKS = 4096,
       FAKE_LEN = 512 };

struct fake_seq {
    bool   open;
    size_t n_blocks, len;
    uint32_t floor;        /* as if a window had let go what lies below */
    int    block[FAKE_LEN];
};

struct fake {
    struct runner   runner;
    size_t          n_blocks, n_free, n_seqs;
    int             count[FAKE_BLOCKS];
    int32_t         content[FAKE_BLOCKS * 4];     /* block <= 4 tokens */
    struct fake_seq seq[FAKE_SEQS];
    bool            fork_fails;       /* as if there was no block for a copy */
    int             nan_at;           /* position whose row is NaN, or -1 */
    enum err        forward_says;     /* an error the next forward gives */
    size_t          n_more_ticks;     /* of each forward, beyond one */
    size_t          n_ran, n_steps;   /* tokens and steps so far */
    size_t          most_in_step;
};

struct fake_options {
    size_t   n_blocks, block, n_seqs, max_tokens, max_rows;
    uint32_t ctx;
};
void fake_open(struct fake *f, const struct fake_options *o);
size_t fake_blocks_used(const struct fake *f);
size_t fake_seqs_open(const struct fake *f);

/* The logits after these tokens, for oracles. */
void fake_logits(float *logits, const int32_t *tokens, size_t n);

#endif
