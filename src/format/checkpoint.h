/* A model on disk, opened: what it says about itself, its tensors, what its
 * tokenizer is made of.  GGUF (split or not), a safetensors file and a Hugging
 * Face directory all become this; nobody above knows which it was, except for
 * one fact: `naming`, the column of the tables of names that it follows.
 *
 * Everything is mapped, nothing is copied that need not be.  A checkpoint does
 * not change after it was opened and may be read by several threads. */
#ifndef OSMIA_FORMAT_CHECKPOINT_H
#define OSMIA_FORMAT_CHECKPOINT_H

#include "base/err.h"
#include "base/file.h"
#include "base/notice.h"
#include "base/slice.h"
#include "format/keys.h"
#include "tensor/dtype.h"
#include "text/tok_source.h"

enum { TENSOR_DIMS_MAX = 8 };

struct tensor_info;

/* What an FP8 weight has to be multiplied by: element [o][i] of the weight
 * belongs to scale [o / block_rows][i / block_cols] of `values`, row-major.
 * One scale for the whole tensor or for each row are blocks, too. */
struct tensor_scale {
    const struct tensor_info *values;      /* NULL: there is none */
    uint64_t                  block_rows, block_cols;
    uint64_t                  n_rows, n_cols;    /* of the grid of scales */
};

struct tensor_info {
    struct slice        name;       /* HF: wrappers' prefixes are taken off */
    const struct dtype *dtype;
    uint32_t            n_dims;     /* 0: one element */
    uint64_t            dims[TENSOR_DIMS_MAX];  /* outermost first: [out, in] */
    uint64_t            n_elements; /* may be 0: such a tensor is no weight */
    const uint8_t      *data;       /* mapped, little-endian, any alignment */
    uint64_t            size;       /* bytes; inside the file (checked) */
    const struct file  *file;
    uint64_t            file_offset;
    struct tensor_scale scale;
};

/* A value that a file may or may not give. */
struct given {
    bool   set;
    double value;
};

/* How the makers of the model want it sampled: generation_config.json or
 * general.sampling.*.  Checked: finite and in range. */
struct generation_defaults {
    struct given do_sample;            /* 0 or 1 */
    struct given temperature;          /* >= 0 */
    struct given top_k;                /* 0: off */
    struct given top_p, min_p;         /* 0 .. 1 */
    struct given repetition_penalty;   /* > 0 */
    struct given max_new_tokens;       /* >= 1 */
};

/* The names a model gives its architecture, empty where it says nothing.  The
 * first known one decides, in this order. */
struct arch_names {
    struct slice gguf;              /* general.architecture */
    struct slice model_type;        /* config.json: model_type */
    struct slice text_model_type;   /*   text_config.model_type */
    struct slice class_name;        /*   architectures[0] */
};

struct checkpoint {
    enum naming                naming;
    const char                *format;     /* "gguf" or "safetensors" */
    const char                *path;       /* what MODEL was resolved to */
    struct arch_names          arch;
    struct keys                keys;
    const struct file *const  *files;      /* the files that hold tensors */
    size_t                     n_files;
    const struct tensor_info  *tensors;    /* in the order of the files */
    size_t                     n_tensors;
    struct tok_source          tok;
    struct generation_defaults generation;
};

struct checkpoint_options {
    bool                  no_weights;   /* tokenizer, template and keys only: a
                                           model without weight files is fine */
    const struct notices *notices;      /* NULL: nobody listens */
    const char           *hf_home;      /* NULL: $HF_HOME, else
                                           ~/.cache/huggingface */
};

/* Open MODEL: a GGUF file (the first one of a split), a .safetensors file with
 * config.json beside it, a Hugging Face directory, a directory with one GGUF
 * model in it, or owner/repo in the local Hugging Face cache.  What a file is
 * shows in its content, not in its name.  o may be NULL.
 *
 * Errors name file, place and field: ERR_IO (cannot be read), ERR_FORMAT
 * (breaks its own rules), ERR_UNKNOWN (lawful but foreign: big-endian, pickles,
 * GPTQ), ERR_LIMIT, ERR_NOMEM.  Nothing is left behind on error.
 * Cost: the headers are read, no tensor data is touched. */
enum err checkpoint_open(struct checkpoint **out, const char *model,
                         const struct checkpoint_options *o,
                         struct err_info *why);
void     checkpoint_close(struct checkpoint *c);     /* NULL is fine */

/* The tensor of this name, or NULL.  O(log n). */
const struct tensor_info *checkpoint_tensor(const struct checkpoint *c,
                                            struct slice name);

#endif
