/* Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434) as a phrase: of a
 * token a layer keeps one latent, from which the keys and values of all heads
 * follow, and one rotated piece of key that all heads share. */
#ifndef OSMIA_NN_LATENT_H
#define OSMIA_NN_LATENT_H

#include "nn/phrases.h"

struct latent {
    struct linear q;                    /* straight from the input, or: */
    struct linear q_a, q_b;             /*   by way of a latent of their own */
    struct affine q_a_norm, kv_a_norm;
    struct linear kv_a, k_pe;           /* the latent; the piece of key */
    struct stack  k_b;                  /* of a head: [rank, nope] */
    struct stack  v_b;                  /* of a head: [value, rank] */
};

/* The rows that fill it. */
extern const struct want_table latent_wants;

/* s->a [n, head * value] = attention of `in` [n, hidden].  The keys' matrices
 * are applied to the queries and those of the values to what was gathered:
 * latents are never expanded, at any number of tokens. */
void attend_latent(struct step *s, const struct buf *in,
                   const struct latent *l);

#endif
