/* What a file of models/ declares: an architecture as data, and its one layer. */
#ifndef OSMIA_NN_ARCH_H
#define OSMIA_NN_ARCH_H

#include "nn/bind.h"
#include "nn/config.h"
#include "nn/kv.h"

struct step;

struct arch {
    const char *name;            /* as people know the family: "Llama" */

    /* Keys of the checkpoint into *c (zeroed before), refusing every value that
     * is not implemented, by the key's name. */
    enum err (*configure)(struct config *c, const struct config_source *src,
                          struct err_info *why);

    /* The tensors of one layer, and the struct they fill. */
    struct want_table wants;
    size_t            layer_size;

    /* The cache groups, one for each kind of layer; NULL: pairs of n_head_kv
     * heads of head_dim with the kind's window. */
    size_t (*kv_groups)(const struct config *c,
                        struct kv_group group[LAYER_KINDS_MAX]);

    /* One layer in the phrases of nn/phrases.h: reads and adds to s->x. */
    void (*block)(struct step *s, const void *layer);
};

/* A name that an architecture answers to; NULL where there is none. */
struct arch_row {
    const char        *model_type;   /* config.json */
    const char        *class_name;   /* config.json: architectures[0] */
    const char        *gguf;         /* general.architecture, */
    bool               gguf_experts; /*   in files that have experts */
    const struct arch *arch;
};

#endif
