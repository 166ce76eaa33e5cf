/* Arithmetic on values that came from a file: every sum and product of sizes
 * goes through these, and each says by its result whether it fitted. */
#ifndef OSMIA_BASE_CHECKED_H
#define OSMIA_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool checked_mul(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* The same for signed numbers (integers of templates). */
static inline bool checked_add_i64(int64_t *out, int64_t a, int64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool checked_sub_i64(int64_t *out, int64_t a, int64_t b)
{
    return !__builtin_sub_overflow(a, b, out);
}

static inline bool checked_mul_i64(int64_t *out, int64_t a, int64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* a rounded up to a multiple of `step`, which is a power of two. */
static inline bool checked_align(uint64_t *out, uint64_t a, uint64_t step)
{
    if (!checked_add(out, a, step - 1))
        return false;
    *out &= ~(step - 1);
    return true;
}

/* n * size for malloc; false when it does not fit into size_t. */
static inline bool checked_size(size_t *out, size_t n, size_t size)
{
    return !__builtin_mul_overflow(n, size, out);
}

/* True when [at, at + len) lies inside [0, total). */
static inline bool checked_range(uint64_t at, uint64_t len, uint64_t total)
{
    return at <= total && len <= total - at;
}

#endif
