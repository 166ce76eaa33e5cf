/* Which experts a token goes to, and with what weights: the rules of all families
 * as data. */
#ifndef OSMIA_KERNELS_EXPERT_ROUTER_H
#define OSMIA_KERNELS_EXPERT_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

/* What becomes of the router's logits. */
enum router_score {
    ROUTER_SOFTMAX,      /* over all experts */
    ROUTER_SIGMOID       /* each by itself */
};

/* How good a group of experts is. */
enum group_rule {
    GROUP_MAX,           /* as its best expert */
    GROUP_TOP2           /* as its two best together */
};

/* Experts are chosen by score + correction (where there is a correction), the
 * best n_used of them; with groups only from the best n_group_used of n_group
 * equal runs of experts.  Equal ones: the first.  A chosen expert's weight is
 * its score, without the correction; renormalised, they sum to 1; times scale. */
struct router {
    uint32_t          n_expert;      /* 0: there are none */
    uint32_t          n_used;        /* 1 .. n_expert */
    enum router_score score;
    uint32_t          n_group;       /* 0 or 1: no groups; divides n_expert */
    uint32_t          n_group_used;  /* with at least n_used experts */
    enum group_rule   group_rule;    /* GROUP_TOP2: groups of 2 or more */
    bool              renormalise;
    float             scale;         /* 1: none */
};

#endif
