/* The number formats that files store: one table for GGUF and safetensors.
 *
 * A row says how a type is named and how many bytes a block of it takes; what
 * the bytes mean is the business of `weights`.  Types without a block are
 * blocks of one element; safetensors' sub-byte types are blocks of as many
 * elements as fill whole bytes (F4: 2 in 1 byte, F6: 4 in 3). */
#ifndef OSMIA_TENSOR_DTYPE_H
#define OSMIA_TENSOR_DTYPE_H

#include "base/slice.h"
#include <stdint.h>

/* X(id, name, GGUF id or -1, safetensors name or NULL, elements per block,
 *   bytes per block); facts: ggml's type table, the safetensors reference. */
#define DTYPE_LIST(X)                                                        \
    X(F32,      "f32",       0, "F32",      1,   4)                          \
    X(F16,      "f16",       1, "F16",      1,   2)                          \
    X(Q4_0,     "q4_0",      2, NULL,      32,  18)                          \
    X(Q4_1,     "q4_1",      3, NULL,      32,  20)                          \
    X(Q5_0,     "q5_0",      6, NULL,      32,  22)                          \
    X(Q5_1,     "q5_1",      7, NULL,      32,  24)                          \
    X(Q8_0,     "q8_0",      8, NULL,      32,  34)                          \
    X(Q8_1,     "q8_1",      9, NULL,      32,  36)                          \
    X(Q2_K,     "q2_k",     10, NULL,     256,  84)                          \
    X(Q3_K,     "q3_k",     11, NULL,     256, 110)                          \
    X(Q4_K,     "q4_k",     12, NULL,     256, 144)                          \
    X(Q5_K,     "q5_k",     13, NULL,     256, 176)                          \
    X(Q6_K,     "q6_k",     14, NULL,     256, 210)                          \
    X(Q8_K,     "q8_k",     15, NULL,     256, 292)                          \
    X(IQ2_XXS,  "iq2_xxs",  16, NULL,     256,  66)                          \
    X(IQ2_XS,   "iq2_xs",   17, NULL,     256,  74)                          \
    X(IQ3_XXS,  "iq3_xxs",  18, NULL,     256,  98)                          \
    X(IQ1_S,    "iq1_s",    19, NULL,     256,  50)                          \
    X(IQ4_NL,   "iq4_nl",   20, NULL,      32,  18)                          \
    X(IQ3_S,    "iq3_s",    21, NULL,     256, 110)                          \
    X(IQ2_S,    "iq2_s",    22, NULL,     256,  82)                          \
    X(IQ4_XS,   "iq4_xs",   23, NULL,     256, 136)                          \
    X(I8,       "i8",       24, "I8",       1,   1)                          \
    X(I16,      "i16",      25, "I16",      1,   2)                          \
    X(I32,      "i32",      26, "I32",      1,   4)                          \
    X(I64,      "i64",      27, "I64",      1,   8)                          \
    X(F64,      "f64",      28, "F64",      1,   8)                          \
    X(IQ1_M,    "iq1_m",    29, NULL,     256,  56)                          \
    X(BF16,     "bf16",     30, "BF16",     1,   2)                          \
    X(TQ1_0,    "tq1_0",    34, NULL,     256,  54)                          \
    X(TQ2_0,    "tq2_0",    35, NULL,     256,  66)                          \
    X(MXFP4,    "mxfp4",    39, NULL,      32,  17)                          \
    X(NVFP4,    "nvfp4",    40, NULL,      64,  36)                          \
    X(Q1_0,     "q1_0",     41, NULL,     128,  18)                          \
    X(Q2_0,     "q2_0",     42, NULL,      64,  18)                          \
    X(BOOL,     "bool",     -1, "BOOL",     1,   1)                          \
    X(U8,       "u8",       -1, "U8",       1,   1)                          \
    X(U16,      "u16",      -1, "U16",      1,   2)                          \
    X(U32,      "u32",      -1, "U32",      1,   4)                          \
    X(U64,      "u64",      -1, "U64",      1,   8)                          \
    X(C64,      "c64",      -1, "C64",      1,   8)                          \
    X(F8_E4M3,  "f8_e4m3",  -1, "F8_E4M3",  1,   1)                          \
    X(F8_E5M2,  "f8_e5m2",  -1, "F8_E5M2",  1,   1)                          \
    X(F8_E8M0,  "f8_e8m0",  -1, "F8_E8M0",  1,   1)                          \
    X(F8_E4M3FNUZ, "f8_e4m3fnuz", -1, "F8_E4M3FNUZ", 1, 1)                   \
    X(F8_E5M2FNUZ, "f8_e5m2fnuz", -1, "F8_E5M2FNUZ", 1, 1)                   \
    X(F6_E2M3,  "f6_e2m3",  -1, "F6_E2M3",  4,   3)                          \
    X(F6_E3M2,  "f6_e3m2",  -1, "F6_E3M2",  4,   3)                          \
    X(F4,       "f4",       -1, "F4",       2,   1)

enum dtype_id {
#define X(id, name, gguf_id, st_name, len, size) DTYPE_##id,
    DTYPE_LIST(X)
#undef X
    DTYPE_COUNT
};

struct dtype {
    enum dtype_id id;
    const char   *name;         /* ours, lower case: "q4_1", "f8_e4m3" */
    int           gguf_id;      /* -1: not in GGUF */
    const char   *st_name;      /* safetensors' name, or NULL: not in it */
    uint32_t      block_len;    /* elements of a block, along the row */
    uint32_t      block_size;   /* bytes of a block */
};

/* The row of an id; never NULL for id < DTYPE_COUNT. */
const struct dtype *dtype_get(enum dtype_id id);

/* NULL: no such type.  Names are compared exactly. */
const struct dtype *dtype_by_gguf(uint32_t gguf_id);
const struct dtype *dtype_by_name(const char *name);
const struct dtype *dtype_by_safetensors(struct slice name);

/* The name ("Q4_2") of a GGUF id that existed once and was removed, else NULL.
 * A file with one is old, not broken. */
const char *dtype_removed_name(uint32_t gguf_id);

/* Bytes that n elements take; false: n is no multiple of the block, or the
 * product does not fit into 64 bits. */
bool dtype_size(const struct dtype *t, uint64_t n, uint64_t *size);

#endif
