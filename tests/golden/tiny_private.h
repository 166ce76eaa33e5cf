/* The tensors of a tiny model: tiny_list.c says which and with what values,
 * tiny.c writes files of them. */
#ifndef OSMIA_TESTS_TINY_PRIVATE_H
#define OSMIA_TESTS_TINY_PRIVATE_H

#include "golden/tiny.h"

enum { TENSORS_MAX = 256, VALUES_MAX = 16, FP8_BLOCK = 128 };

struct tensor {
    char     hf[96], gguf[64];     /* hf: a * is the number of an expert */
    char     second[96];           /* of the second half of the rows, or "" */
    char     as[96];               /* the name in a file, if not hf */
    uint64_t rows, cols;           /* cols 0: a vector */
    uint64_t n_stacked;            /* GGUF: this many times the rows, in three
                                      dimensions; 0: once, in two */
    uint32_t permute_heads;        /* q, k in GGUF; 0: rows as they are */
    float    add;                  /* to each element in GGUF */
    bool     given;                /* GGUF alone has it, with these values */
    float    value[VALUES_MAX];
    /* part_rows > 0: of every run of part_rows rows of the HF tensor those from
     * part_from on, turned: as columns. */
    uint64_t part_rows, part_from;
    bool     turned;
    uint64_t scales;               /* FP8: scales of a matrix so wide; 0: none */
};

struct list {
    struct tensor at[TENSORS_MAX];
    size_t        n;
};

void tiny_golden_path(char path[128], const char *name, const char *suffix);
/* The line without its first word when that says "hf ", "old " or "new " (GGUF
 * converters); "" when it is not for this form. */
const char *tiny_line(const char *line, const struct tiny_form *form);
/* The HF name of an expert, or of anything else. */
void tiny_expert_name(char name[96], const char *hf, uint64_t e);
bool tiny_is_fp8(const struct tensor *one);
enum dtype_id tiny_type(const struct tensor *one, const struct tiny_form *form);
void tiny_list(struct list *l, const struct tiny *t,
               const struct tiny_form *form);
/* The bytes of a tensor as it is stored; how many. */
size_t tiny_put_tensor(uint8_t *to, const struct tiny *t,
                       const struct tensor *one, const struct tiny_form *form);

#endif
