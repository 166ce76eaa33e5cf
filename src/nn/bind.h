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
/* One matrix for each expert, or each head. */
struct stack {
    struct matrix **at;              /* [n]; NULL: absent */
    uint32_t        n;
};

/* Over ranks a matrix may be split by outputs, by inputs, a stack by experts, or
 * nothing at all. */
enum split { SPLIT_NONE, SPLIT_ROWS, SPLIT_COLS, SPLIT_EXPERTS };

enum {
    WANT_OPTIONAL      = 1,     /* may be absent */
    WANT_BIAS          = 2,     /* has a bias: always; */
    WANT_BIAS_IF_THERE = 4,     /*   when the file has it; */
    WANT_BIAS_ATTN     = 8,     /*   when config.attention_bias says so, */
    WANT_BIAS_MLP      = 16,    /*   or mlp_bias (GGUF files, which have no such
                                     keys: when it is there) */
    WANT_NORM          = 32,    /* a norm's weight: see config.norm_plus_one */
    WANT_LOOKUP        = 64,    /* rows are looked up, too (tied embedding) */
    WANT_LOOKUP_ONLY   = 128,
    /* Worth a finer input (MATRIX_FINE): products that are added to the residual
     * stream, where their error stays for good.  On SmolLM2 Q4_1 this takes a
     * third off the KL divergence from the exact path. */
    WANT_FINE          = 256,
    WANT_F32           = 512,   /* a matrix that is f32 whatever was asked */
    WANT_SPARSE        = 1024,  /* only in layers with experts, */
    WANT_DENSE         = 2048,  /*   only in the others */
    /* A struct stack.  `hf` has a * where the expert's number goes and `gguf`
     * is the name of the tensor of all experts; other ways to store them are
     * known to bind_stack.c. */
    WANT_STACK         = 4096,
    WANT_BARE          = 8192,  /* a vector whose name has no ".weight" */
    WANT_HEADS         = 16384, /* with WANT_STACK: one for each head of
                                   attention; bind_heads.c knows the files */
    WANT_SERIAL        = 32768, /* only where the MLP follows attention: not
                                   with config.parallel; */
    WANT_QK_NORM       = 65536, /* only with config.qk_norm */
    WANT_BIAS_OUT      = 131072, /* as WANT_BIAS_ATTN, by config.output_bias */
    WANT_BIAS_CENTRED  = 262144  /* a norm that has a bias if it is LayerNorm */
};

/* A row whose dimensions are 0 is not wanted.  A vector whose `hf` has a * is
 * one for each head there, the head's number in place of the *; they are put
 * one behind the other, as GGUF files have them. */
struct want {
    const char *gguf, *hf;    /* without the layer's prefix and ".weight" */
    size_t      at;           /* AT(field) */
    enum dim    rows, cols;   /* cols DIM_NONE: a vector of `rows` */
    enum split  split;
    unsigned    flags;
    const char *hf_also;      /* another name that HF files use, or NULL */
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
    size_t                   n_requantised;   /* matrices that were quantised
                                                 already and were converted */
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

/* Bytes that the matrices take, in memory and in mapped files. */
size_t   bind_bytes(const struct device *d, const void *base,
                    struct want_table wants);

/* Is there such a vector in that layer, under one of its names? */
bool     bind_has_vector(const struct checkpoint *c, const struct want *w,
                         int64_t layer);

/* The rows of a tensor outside the layers; 0 when it is not there. */
uint64_t bind_rows(const struct checkpoint *c, const struct want *w);

/* `--weights NAME`: the format, or a refusal that lists those possible. */
enum err bind_target(const struct dtype **out, const char *name,
                     struct err_info *why);

#endif
