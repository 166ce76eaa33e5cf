/* Tiny models on disk, made from a counter: the same weights and tokens as
 * tools/golden/generator.py makes, written as a Hugging Face directory or as a
 * GGUF file by a small writer of its own. */
#ifndef OSMIA_TESTS_TINY_H
#define OSMIA_TESTS_TINY_H

#include "tensor/dtype.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of a committed config.json. */
struct tiny {
    const char *name;              /* tests/golden/llama/NAME.json; with a
                                      folder: tests/golden/NAME.json, .list */
    uint64_t    seed;
    uint32_t    hidden, ffn, n_layer, n_head, n_kv, head_dim, vocab, context;
    bool        attention_bias, mlp_bias, tied;
    double      eps, theta;
    char        rope_type[16];
    double      rope_factor;
    uint32_t    rope_original;
    const float *divisors;         /* of a golden file, or NULL */
    size_t      n_divisors;
};

/* How the matrices of experts are stored. */
enum tiny_experts {
    EXPERTS_USUAL,       /* one tensor each; GGUF: three for all */
    EXPERTS_FUSED,       /* for all: gate and up in one, and down */
    EXPERTS_APART        /* one tensor each in GGUF, too */
};

/* How it is written. */
struct tiny_form {
    bool          gguf, old_gguf;  /* old: as converters first wrote it */
    bool          flat_heads;      /* stacks of heads as one matrix (GGUF) */
    enum dtype_id type;            /* of the matrices */
    enum tiny_experts experts;
    bool          old_config;      /* NAME-old.json */
    enum dtype_id rounded;         /* matrices are first rounded to this type */
    enum dtype_id rounded_odd;     /* those whose width does not divide */
    const char   *unrounded;       /* a tensor (HF name) that is not */
    const char   *huge;            /* one whose first value is huge_value */
    float         huge_value;
    const char   *leave_out;       /* a tensor (HF name) that is not written */
    const char   *wrong_shape;     /* one whose rows are one too many */
    const char   *short_stack;     /* a stack (HF name) of an expert less */
    const char   *replace_key;     /* "key": ... of config.json, or a key of
                                      NAME.list (GGUF), becomes */
    const char   *replace_by;      /*   this text */
};

void tiny_read(struct tiny *t, const char *name);
void tiny_tokens(const struct tiny *t, int32_t *token, size_t n);

/* Write it below a new directory; the path to open.  tiny_remove forgets it. */
struct tiny_path {
    char dir[64], open[96];
};
struct tiny_path tiny_write(const struct tiny *t, const struct tiny_form *form);
void             tiny_remove(const struct tiny_path *p);

#endif
