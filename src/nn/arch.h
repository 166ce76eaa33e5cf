/* What a file of models/ declares: an architecture as data, and its one layer. */
#ifndef OSMIA_NN_ARCH_H
#define OSMIA_NN_ARCH_H

#include "nn/bind.h"
#include "nn/config.h"
#include "nn/kv.h"

struct step;

enum { ARCH_PARTS = 3 };

struct arch {
    const char *name;            /* as people know the family: "Llama" */

    /* Keys of the checkpoint into *c (zeroed before), refusing every value that
     * is not implemented, by the key's name. */
    enum err (*configure)(struct config *c, const struct config_source *src,
                          struct err_info *why);

    /* The tensors of one layer that are its own, and the struct they fill. */
    struct want_table wants;
    size_t            layer_size;
    /* Those of parts of it that several architectures share (nn/layer_parts.h,
     * mixture_wants of nn/experts.h, latent_wants of nn/latent.h), and where
     * they lie. */
    struct {
        const struct want_table *wants;      /* NULL: no such part */
        size_t                   at;
    } part[ARCH_PARTS];

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
