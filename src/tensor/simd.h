/* Lanes: the vector operations that bodies under weights/ and kernels/ are
 * written in.  SIMD_HEADER names the file that implements them for the set
 * being compiled; every set has the same operations with the same results.
 *
 *   SIMD_N                 32-bit lanes in a vector: 1, 4, 8 or 16
 *   vf, vi                 vectors of f32; of int32 (or of 4 bytes a lane)
 *   vf_set1 load store     unaligned memory, SIMD_N values
 *   vf_load_f16 load_bf16  SIMD_N 16-bit values, widened exactly
 *   vf_add sub mul div     IEEE, nearest even
 *   vf_fma(a, b, c)        a * b + c, rounded once
 *   vf_max min(a, b)       a > b ? a : b;  a < b ? a : b  (NaN: b)
 *   vf_lt(a, b, x, y)      a < b ? x : y, lane by lane (NaN: y)
 *   vf_round(a)            nearest even integer; |a| < 2^22, else any value
 *   vf_from(i)             int32 to f32, nearest even
 *   vf_bits, vi_bits       the same 32 bits as the other type
 *   vi_set1 load store add sub mul and or xor
 *   vi_shl shr sra(a, n)   n constant; logical, logical, arithmetic
 *   vi_umax(a, b)          as unsigned
 *   vi_most(a)             the largest lane, as unsigned
 *   vi_load_i8 load_u8     SIMD_N bytes, extended
 *   vi_store_i8(p, a)      the low bytes of lanes that fit into them
 *   vi_lookup(table, i)    each byte of i (0 .. 15) replaced by table[it]
 *   vi_load_quad(p)        4 bytes at p, in every lane
 *
 * Dot products of bytes, four to a lane.  A `vd` gathers partial sums:
 *
 *   vd_start(bias)  vd_step(d, u, s)  vd_sum(d, bias)
 *                          bias + sum of u * s: u unsigned, s signed bytes.  At
 *                          most SIMD_STEPS(bits) steps between start and sum,
 *                          where u < 2^bits and -127 <= s; bits <= 6
 *   vd_step8(d, w, s)      for whole bytes: w = (signed weight) ^ SIMD_FLIP8;
 *                          the caller puts -SIMD_FLIP8 * sum(s) into the bias.
 *                          At most SIMD_STEPS(8) steps
 *
 *   SIMD_BF16              1: vf_dot_bf16(acc, a, b) adds the products of two
 *                          pairs of bf16 in each lane
 *   SIMD_TILE_V, _T        vectors and tokens of the integer register tile
 *   SIMD_DIRECT_T          tokens up to which packed codes are unpacked for
 *                          each register tile anew; beyond, once for all
 *   SIMD_FTILE_V, _T       the same of the f32 and bf16 tile */
#ifndef OSMIA_TENSOR_SIMD_H
#define OSMIA_TENSOR_SIMD_H

#include "tensor/isa.h"
#include "tensor/number.h"
#include SIMD_HEADER

/* Vectors that hold 16 lanes, the height of a group of rows. */
enum { SIMD_PARTS = 16 / SIMD_N };

/* The sum of 16 partial sums in the one fixed order: i + (i + 8), then + 4,
 * + 2, + 1.  `s` holds SIMD_PARTS vectors. */
static inline float simd_sum16(const vf *s)
{
    float a[16];

    for (int p = 0; p < SIMD_PARTS; p++)
        vf_store(a + p * SIMD_N, s[p]);
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a[i] += a[i + half];
    return a[0];
}

#endif
