/* From a table of wanted tensors to weights on a device.
 *
 * An architecture says once what it wants: a name in each kind of file, a shape
 * in terms of the configuration, where the pointer goes.  Finding, checking the
 * shape, taking a part of a fused tensor (qkv, gate and up), biases, converting
 * and the sentence that names what is missing are the same for all. */
#ifndef OSMIA_NN_BIND_H
#define OSMIA_NN_BIND_H

#include "device/device.h"
#include "format/checkpoint.h"
#include "nn/config.h"

/* What a row of a table fills: matrices a struct linear, vectors a struct
 * affine.  Absent parts stay NULL. */
struct linear {
    struct matrix *weight;
    struct vector *bias;
};
struct affine {
    struct vector *weight, *bias;
};

/* Over ranks a matrix may be split by outputs, by inputs, or not at all. */
enum split { SPLIT_NONE, SPLIT_ROWS, SPLIT_COLS };

enum {
    WANT_OPTIONAL  = 1,   /* may be absent */
    WANT_BIAS_ATTN = 2,   /* has a bias when config.attention_bias says so; */
    WANT_BIAS_MLP  = 4,   /*   when mlp_bias says so.  A bias that is there */
    WANT_BIAS      = 8,   /*   is used in any case.  Always. */
    WANT_LOOKUP    = 16,  /* rows are looked up (the embedding) */
    WANT_PLUS_ONE  = 32   /* HF stores w where 1 + w is meant (Gemma's norms) */
};

struct want {
    const char *gguf, *hf;    /* without the layer's prefix and ".weight" */
    size_t      at;           /* AT(field) */
    enum dim    rows, cols;   /* cols DIM_NONE: a vector of `rows` */
    enum split  split;
    unsigned    flags;
};

struct want_table {
    const struct want *at;
    size_t             n;
};

struct binder {
    const struct checkpoint *checkpoint;
    const struct config     *config;
    struct device           *device;
    bool                     exact;
    const struct dtype      *convert_to;   /* NULL: as stored */
    const struct notices    *notices;
    const struct progress   *progress;
    uint64_t                 bytes_done, bytes_total;   /* of the files */
    size_t                   n_requantised;   /* told once, by bind_finish */
};

/* Fill `base` from the table.  layer < 0: tensors outside the layers.  On error
 * what was opened so far is in `base`, for bind_close. */
enum err bind_open(struct binder *b, void *base, struct want_table wants,
                   int64_t layer, struct err_info *why);
void     bind_close(struct device *d, void *base, struct want_table wants);

/* The same checks without reading a weight: adds the bytes the weights will
 * take on the device. */
enum err bind_plan(struct binder *b, uint64_t *bytes, struct want_table wants,
                   int64_t layer, struct err_info *why);

/* True when a tensor outside the layers is there. */
bool     bind_has(const struct binder *b, const struct want *w);

#endif
