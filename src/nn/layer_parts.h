/* The parts that the layers of nearly all architectures are made of: what a layer
 * holds of each, and the rows that fill it.
 *
 * An architecture names them in `part` of its struct arch and lists only its own
 * tensors, most often the norms.  One that calls the tensors of a part by other
 * names (Phi-2) has rows of its own for the same struct. */
#ifndef OSMIA_NN_LAYER_PARTS_H
#define OSMIA_NN_LAYER_PARTS_H

#include "nn/bind.h"

/* Attention over keys and values.  Biases of q, k and v are there with
 * config.attention_bias, that of o with config.output_bias. */
struct attention {
    struct linear q;                 /* [n_head * head_dim, hidden] */
    struct linear k, v;              /* [n_head_kv * head_dim, hidden] */
    struct linear o;                 /* [hidden, n_head * head_dim] */
};
extern const struct want_table attention_wants;

/* A gated MLP; its biases are there with config.mlp_bias.  In layers with
 * experts all of it is NULL. */
struct mlp {
    struct linear gate, up;          /* [ffn, hidden] */
    struct linear down;              /* [hidden, ffn] */
};
extern const struct want_table mlp_wants;

#endif
