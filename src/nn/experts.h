/* A mixture of experts as a phrase: what an architecture binds, and what its
 * block says. */
#ifndef OSMIA_NN_EXPERTS_H
#define OSMIA_NN_EXPERTS_H

#include "nn/phrases.h"

/* In a layer that is dense all of it is NULL. */
struct mixture {
    struct linear router;               /* [n_expert, hidden] (WANT_F32) */
    struct affine correction;           /* [n_expert], where there is one */
    struct stack  gate, up;             /* of [expert_size, hidden] */
    struct stack  down;                 /* of [hidden, expert_size] */
    struct linear shared_gate, shared_up, shared_down;     /* or NULL */
    struct linear shared_router;        /* [1, hidden] (WANT_F32), or NULL */
};

/* The rows of a mixture under the names of all families: the correction where
 * config.router_bias says so, shared experts where they have a width, their
 * router with config.shared_router, their biases with config.mlp_bias. */
extern const struct want_table mixture_wants;

/* Does that layer of the file have a correction? */
bool mixture_has_correction(const struct checkpoint *c, uint32_t layer);

/* s->x += the chosen experts of `in`, then the shared one, weighed by the
 * sigmoid of its own router where it has one. */
void experts(struct step *s, const struct buf *in, const struct mixture *m);

#endif
