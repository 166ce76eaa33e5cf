#include "wsample.h"

#include "weights/act.h"
#include "tensor/number.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint32_t sample_bits(uint64_t stream, uint64_t n)
{
    uint64_t z = (stream << 32 ^ n) * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

float sample_f32(uint64_t stream, uint64_t n)
{
    return (float)((int32_t)sample_bits(stream, n) / 2147483648.0);
}

/* Where a block keeps its f16 scales; -1 ends the list. */
static const struct {
    enum dtype_id dtype;
    int at[3];
} scales_at[] = {
    { DTYPE_Q4_0, { 0, -1 } },      { DTYPE_Q4_1, { 0, 2, -1 } },
    { DTYPE_Q5_0, { 0, -1 } },      { DTYPE_Q5_1, { 0, 2, -1 } },
    { DTYPE_Q8_0, { 0, -1 } },      { DTYPE_IQ4_NL, { 0, -1 } },
    { DTYPE_Q2_K, { 80, 82, -1 } }, { DTYPE_Q3_K, { 108, -1 } },
    { DTYPE_Q4_K, { 0, 2, -1 } },   { DTYPE_Q5_K, { 0, 2, -1 } },
    { DTYPE_Q6_K, { 208, -1 } },    { DTYPE_IQ4_XS, { 0, -1 } },
    { DTYPE_IQ2_XXS, { 0, -1 } },   { DTYPE_IQ2_XS, { 0, -1 } },
    { DTYPE_IQ2_S, { 0, -1 } },     { DTYPE_IQ3_XXS, { 0, -1 } },
    { DTYPE_IQ3_S, { 0, -1 } },     { DTYPE_IQ1_S, { 0, -1 } },
    { DTYPE_TQ1_0, { 52, -1 } },    { DTYPE_TQ2_0, { 64, -1 } },
    { DTYPE_Q1_0, { 0, -1 } },      { DTYPE_Q2_0, { 0, -1 } },
};

static uint16_t moderate_f16(uint64_t stream, uint64_t n)
{
    uint32_t bits = sample_bits(stream ^ 0x5ca1e, n);

    return (uint16_t)((bits & 0x8000u) | (8 + (bits & 3u)) << 10
                      | (bits >> 4 & 0x3ffu));
}

static void tame(unsigned char *block, enum dtype_id dtype, uint64_t stream,
                 uint64_t n)
{
    for (size_t i = 0; i < sizeof scales_at / sizeof *scales_at; i++)
        for (int k = 0; scales_at[i].dtype == dtype && scales_at[i].at[k] >= 0;
             k++) {
            uint16_t h = moderate_f16(stream, 2 * n + (uint64_t)k);
            memcpy(block + scales_at[i].at[k], &h, 2);
        }
    if (dtype == DTYPE_MXFP4)
        block[0] = (unsigned char)(118 + block[0] % 8);
    if (dtype == DTYPE_NVFP4)
        for (int k = 0; k < 4; k++)
            block[k] = (unsigned char)(block[k] % 0x7f);
    if (dtype == DTYPE_IQ1_M)
        for (int k = 0; k < 4; k++)
            block[49 + 2 * k] = (unsigned char)((block[49 + 2 * k] & 15)
                                                | (k == 3 ? 0x20 : 0x50));
}

static void sample_floats(unsigned char *at, enum dtype_id dtype, size_t n,
                          uint64_t stream)
{
    for (size_t i = 0; i < n; i++) {
        float x = sample_f32(stream, i);
        uint16_t h = dtype == DTYPE_F16 ? f16_from_f32(x) : bf16_from_f32(x);
        if (dtype == DTYPE_F32)
            memcpy(at + 4 * i, &x, 4);
        else
            memcpy(at + 2 * i, &h, 2);
    }
}

void sample_row(void *to, const struct weight_format *f, size_t n,
                uint64_t stream)
{
    const struct dtype *t = dtype_get(f->dtype);
    unsigned char *at = to;

    if (f->dtype == DTYPE_F32 || f->dtype == DTYPE_F16
        || f->dtype == DTYPE_BF16) {
        sample_floats(at, f->dtype, n, stream);
        return;
    }
    for (size_t b = 0; b < n / t->block_len; b++) {
        for (size_t i = 0; i < t->block_size; i++) {
            at[i] = (unsigned char)sample_bits(stream, b * 1000 + i);
            if (f->dtype == DTYPE_F8_E4M3 && (at[i] & 0x7f) == 0x7f)
                at[i] = 0;
            if (f->dtype == DTYPE_F8_E5M2)
                at[i] &= 0xbf;
        }
        tame(at, f->dtype, stream, b);
        at += t->block_size;
    }
}

struct sample sample_make(const struct weight_format *f, size_t n_rows,
                          size_t n_cols)
{
    const struct dtype *t = dtype_get(f->dtype);
    struct sample s = { .format = f, .n_rows = n_rows, .n_cols = n_cols };

    s.row_size = n_cols / t->block_len * t->block_size;
    s.rows = malloc(n_rows * s.row_size);
    s.values = malloc(n_rows * n_cols * sizeof *s.values);
    for (size_t r = 0; r < n_rows; r++) {
        sample_row(s.rows + r * s.row_size, f, n_cols, 1000 + r);
        f->expand(s.values + r * n_cols, s.rows + r * s.row_size, n_cols);
    }
    return s;
}

void sample_drop(struct sample *s)
{
    free(s->rows);
    free(s->values);
}

void *sample_pack(const struct sample *s, const struct weight_format *f)
{
    size_t n_groups = weight_n_groups(s->n_rows);
    size_t size = f->group_size(s->n_cols);
    unsigned char *tiles = aligned_alloc(64, n_groups * size);

    for (size_t g = 0; g < n_groups; g++) {
        size_t left = s->n_rows - g * WEIGHT_GROUP;
        struct weight_rows rows = {
            .data = s->rows + g * WEIGHT_GROUP * s->row_size,
            .n_rows = left < WEIGHT_GROUP ? left : WEIGHT_GROUP,
            .row_stride = s->row_size, .n_cols = s->n_cols,
        };
        f->pack(tiles + g * size, &rows);
    }
    return tiles;
}

void *sample_acts(const struct weight_table *t, enum act_kind kind,
                  size_t n_tokens, size_t n_cols, uint64_t stream)
{
    size_t size = act_size(kind, n_cols);
    char *acts = aligned_alloc(64, n_tokens * size);
    float *x = malloc(n_cols * sizeof *x);

    memset(acts, 0xff, n_tokens * size);     /* NaN, where nothing is written */
    for (size_t i = 0; i < n_tokens; i++) {
        for (size_t k = 0; k < n_cols; k++)
            x[k] = sample_f32(stream + i, k);
        t->act_prepare(acts + i * size, kind, x, n_cols);
    }
    free(x);
    return acts;
}

double sample_act(const void *row, enum act_kind kind, size_t n_cols, size_t k)
{
    struct act_int8 a;

    if (kind == ACT_F32)
        return ((const float *)row)[k];
    if (kind == ACT_BF16)
        return (double)f32_from_bf16(((const uint16_t *)row)[k]);
    a = act_int8_at(row, n_cols);
    return (double)a.code[k] * (double)a.scale[k / ACT_BLOCK];
}

enum { SUMS = 8 };

/* Some sums side by side: one would wait for itself at every step. */
static void add_products(double *sum, double *size, const float *w,
                         const double *x, size_t n)
{
    double part[SUMS] = { 0 }, sizes[SUMS] = { 0 };

    for (size_t k = 0; k + SUMS <= n; k += SUMS)
        for (size_t i = 0; i < SUMS; i++) {
            double p = (double)w[k + i] * x[k + i];
            part[i] += p;
            sizes[i] += fabs(p);
        }
    for (size_t k = n - n % SUMS; k < n; k++) {
        part[0] += (double)w[k] * x[k];
        sizes[0] += fabs((double)w[k] * x[k]);
    }
    *sum = *size = 0;
    for (int i = 0; i < SUMS; i++) {
        *sum += part[i];
        *size += sizes[i];
    }
}

struct reference reference_make(const struct sample *s, const void *acts,
                                enum act_kind kind, size_t n_tokens)
{
    struct reference r = { .n_rows = s->n_rows, .n_tokens = n_tokens };
    double *x = malloc(s->n_cols * sizeof *x);
    size_t  n = s->n_rows * n_tokens;

    r.sum = malloc(n * sizeof *r.sum);
    r.size = malloc(n * sizeof *r.size);
    for (size_t t = 0; t < n_tokens; t++) {
        const char *row = (const char *)acts + t * act_size(kind, s->n_cols);
        for (size_t k = 0; k < s->n_cols; k++)
            x[k] = sample_act(row, kind, s->n_cols, k);
        for (size_t i = 0; i < s->n_rows; i++)
            add_products(&r.sum[t * s->n_rows + i], &r.size[t * s->n_rows + i],
                         s->values + i * s->n_cols, x, s->n_cols);
    }
    free(x);
    return r;
}

void reference_drop(struct reference *r)
{
    free(r->sum);
    free(r->size);
    *r = (struct reference){ 0 };
}

long reference_stray(const struct reference *r, const float *got,
                     size_t n_rows, size_t n_tokens, double tolerance)
{
    for (size_t t = 0; t < n_tokens; t++)
        for (size_t i = 0; i < n_rows; i++) {
            size_t at = t * r->n_rows + i;
            double y = (double)got[t * n_rows + i];
            if (!(fabs(y - r->sum[at]) <= tolerance * r->size[at]))
                return (long)(t * n_rows + i);
        }
    return -1;
}

long sample_stray(const struct sample *s, const void *acts, enum act_kind kind,
                  const float *got, size_t n_tokens, double tolerance)
{
    struct reference r = reference_make(s, acts, kind, n_tokens);
    long bad = reference_stray(&r, got, s->n_rows, n_tokens, tolerance);

    reference_drop(&r);
    return bad;
}
