/* A model's insides, shared by model.c (opening) and forward.c (running). */
#ifndef OSMIA_NN_MODEL_PRIVATE_H
#define OSMIA_NN_MODEL_PRIVATE_H

#include "nn/arch.h"
#include "nn/bind.h"
#include "nn/model.h"

/* The tensors outside the layers. */
struct ends {
    struct linear embed, head;
    struct affine norm, head_bias;
    struct affine rope_freqs, rope_long, rope_short;
};

struct model {
    const struct arch *arch;
    struct config     *config;
    struct device     *device;
    struct ends        ends;
    bool               has_head;     /* else the embedding is the head */
    void              *layers;       /* [n_layer] of arch->layer_size */
    uint32_t          *index;        /* [n_layer] of a layer in its group */
    struct kv_group    group[LAYER_KINDS_MAX];
    size_t             n_groups;
    size_t             weight_bytes;
};

static inline void *model_layer(const struct model *m, uint32_t layer)
{
    return (char *)m->layers + layer * m->arch->layer_size;
}

/* One cache group for each kind of layer. */
size_t model_groups_of(const struct config *c,
                       struct kv_group group[LAYER_KINDS_MAX]);
size_t model_count_bytes(const struct model *m);
size_t work_size(const struct config *c, const struct device *device,
                 size_t max_tokens);

#endif
