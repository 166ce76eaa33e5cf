/* A Llama of some 100,000 random weights as a GGUF file with a SentencePiece
 * vocabulary and a chat template: small enough to run in every test, whole
 * enough to go through every door. */
#ifndef OSMIA_TESTS_TINY_MODEL_H
#define OSMIA_TESTS_TINY_MODEL_H

#include "support/make_gguf.h"
#include "support/scratch.h"

enum {
    TINY_TOKENS = 320,          /* ids that have a token */
    TINY_ROWS   = 324,          /* rows of the output head */
    TINY_BOS = 1, TINY_EOS = 2
};

enum tiny_type { TINY_F32, TINY_Q8_0, TINY_Q4_0, TINY_Q4_1 };

struct tiny_options {
    uint32_t    seed;
    uint32_t    ctx;            /* 0: 512 */
    const char *architecture;   /* NULL: "llama" */
    const char *template;       /* NULL: a plain one; "": none */
    float       temperature;    /* general.sampling.temp; 0: not said */
    bool        no_weights;     /* keys only */
    enum tiny_type type;        /* of the matrices */
};

void tiny_make(struct make *m, const struct tiny_options *o);
/* Write it as "tiny.gguf" into the directory; returns its path. */
const char *tiny_put(struct scratch *s, const struct tiny_options *o);

#endif
