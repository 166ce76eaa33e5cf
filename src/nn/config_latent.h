/* The part of a configuration that is about multi-head latent attention. */
#ifndef OSMIA_NN_CONFIG_LATENT_H
#define OSMIA_NN_CONFIG_LATENT_H

#include "nn/config.h"

/* Biases, ranks and widths of a head, where `d` are the defaults of the class (GGUF has
 * none); c->n_head is known.  head_dim becomes the width of a query.  Keys that
 * other families use for heads mean something else here and are not read. */
enum err config_read_latent(struct config *c, const struct keys *k,
                            const struct latent_config *d,
                            struct err_info *why);

/* The scale of scores, once the kind of rotation is known: YaRN's gain for all
 * dimensions (mscale_all_dim) counts twice, for the query and for the key. */
enum err config_scale_latent(struct config *c, const struct keys *k,
                             struct err_info *why);

#endif
