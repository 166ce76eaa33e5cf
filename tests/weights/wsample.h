/* Random matrices of any weight format, and the plain product to compare
 * with. */
#ifndef OSMIA_TESTS_WSAMPLE_H
#define OSMIA_TESTS_WSAMPLE_H

#include "kernels/dispatch.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A small counter-based generator: the n-th number of a stream. */
uint32_t sample_bits(uint64_t stream, uint64_t n);
/* Between -1 and 1. */
float sample_f32(uint64_t stream, uint64_t n);

/* Bytes of n values of the format; scales are moderate, all else is random. */
void sample_row(void *to, const struct weight_format *f, size_t n,
                uint64_t stream);

/* A matrix with its mapped form, its packed form and its expanded values. */
struct sample {
    const struct weight_format *format;
    size_t n_rows, n_cols, row_size;
    unsigned char *rows;
    float *values;                  /* [n_rows][n_cols] */
};

struct sample sample_make(const struct weight_format *f, size_t n_rows,
                          size_t n_cols);
void sample_drop(struct sample *s);

/* Packed with the format (of any instruction set); free() it. */
void *sample_pack(const struct sample *s, const struct weight_format *f);

/* n_tokens prepared rows of random activations; free() it. */
void *sample_acts(const struct weight_table *t, enum act_kind kind,
                  size_t n_tokens, size_t n_cols, uint64_t stream);

/* What prepared activation k of a row stands for. */
double sample_act(const void *row, enum act_kind kind, size_t n_cols, size_t k);

/* The product in f64, and the sum of the magnitudes of its terms. */
struct reference {
    size_t  n_rows, n_tokens;
    double *sum, *size;             /* [n_tokens][n_rows] */
};
struct reference reference_make(const struct sample *s, const void *acts,
                                enum act_kind kind, size_t n_tokens);
void reference_drop(struct reference *r);
/* Where `got`, the first n_rows and n_tokens of the product, [n_tokens][n_rows],
 * strays from it by more than `tolerance` times the magnitudes: the place in
 * `got`, or -1. */
long reference_stray(const struct reference *r, const float *got,
                     size_t n_rows, size_t n_tokens, double tolerance);

/* Where `got` [n_tokens][stride] strays from the f64 product by more than
 * `tolerance` times the sum of the products' magnitudes: the place as token *
 * n_rows + row, or -1. */
long sample_stray(const struct sample *s, const void *acts, enum act_kind kind,
                  const float *got, size_t n_tokens, double tolerance);

#endif
