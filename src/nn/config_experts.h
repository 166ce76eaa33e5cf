/* The part of a configuration that is about experts, read from a checkpoint's
 * keys. */
#ifndef OSMIA_NN_CONFIG_EXPERTS_H
#define OSMIA_NN_CONFIG_EXPERTS_H

#include "nn/config.h"

/* How a family spells its numbers in config.json; NULL: it has no such key.
 * GGUF spells them alike for all, and has no defaults. */
struct expert_family {
    const char *n_expert, *n_expert_also, *n_used, *size;
    const char *renormalise, *scale;
    const char *n_group, *n_group_used;
    const char *score;               /* "softmax" or "sigmoid"; only one of them
                                        is implemented, that of the defaults */
    const char *shared_size;         /* of all shared experts together, or: */
    const char *n_shared;            /*   how many as wide as a routed one */
    uint32_t    experts, used;       /* defaults; 0: the key must be there */
    uint32_t    width, shared;       /* 0: as wide as the dense MLP */
    uint32_t    n_shared_default;
    /* GGUF files from before there were keys of groups: what so many experts
     * mean.  Ends with { 0 }. */
    const struct old_groups {
        uint32_t n_expert, n_group, n_group_used;
    } *old_groups;
};

/* After config_read_common: fills c->router, c->expert_size and, where the
 * family has a key for it or c->n_shared says so, c->shared_size.  Defaults of
 * score, renormalise and scale (0: 1) stand in c->router before.  GGUF says the
 * kind of score, too, or has corrections for what is then a sigmoid; from the score follows the rule of the groups.  Numbers
 * that do not go together are ERR_FORMAT, naming the key. */
enum err config_read_experts(struct config *c, const struct config_source *src,
                             const struct expert_family *family,
                             struct err_info *why);

/* Layers with experts: from `first` on those where (layer + shift) is a multiple
 * of `period` (0: every layer), but none that the key `dense` lists. */
struct sparse_rule {
    uint32_t        first, period, shift;
    struct key_name dense;
};
enum err config_sparse_layers(struct config *c,
                              const struct config_source *src,
                              const struct sparse_rule *rule,
                              struct err_info *why);
/* first_k_dense_replace (`first`, where absent) and moe_layer_freq: layer N has
 * experts from the first on where N is a multiple of the other. */
enum err config_leading_dense(struct config *c, const struct config_source *src,
                              uint32_t first, struct err_info *why);
/* decoder_sparse_step and mlp_only_layers of config.json: layer N has experts
 * where N + 1 is a multiple of the step, but for those that are listed. */
enum err config_sparse_steps(struct config *c, const struct config_source *src,
                             struct err_info *why);

#endif
