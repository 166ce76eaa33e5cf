/* Sources under weights/ and kernels/ are compiled once per instruction set,
 * with -DISA=<name> and -DSIMD_HEADER="tensor/simd_<name>.h".  What such a file
 * exports carries the set in its name, so that all sets link side by side.
 *
 * The trap of this scheme: everything that these files share must be `static
 * inline`.  A plain inline function compiled for AVX-512 may win at link time
 * and then run on a machine without it. */
#ifndef OSMIA_TENSOR_ISA_H
#define OSMIA_TENSOR_ISA_H

/* X(name): every set, the plainest first.  Which of them exist in a build is
 * the business of meson.build and kernels/dispatch.c. */
#define ISA_LIST(X)                                                          \
    X(scalar)                                                                \
    X(emu16)                                                                 \
    X(avx2)                                                                  \
    X(avxvnni)                                                               \
    X(avx512)                                                                \
    X(avx512vnni)                                                            \
    X(avx512bf16)                                                            \
    X(neon)                                                                  \
    X(neon_i8mm)

#define WEIGHT_PASTE_(a, b) weight_##a##_##b
#define WEIGHT_PASTE(a, b)  WEIGHT_PASTE_(a, b)
#define WEIGHT(name)        WEIGHT_PASTE(name, ISA)

#define KERNEL_PASTE_(a, b) kernel_##a##_##b
#define KERNEL_PASTE(a, b)  KERNEL_PASTE_(a, b)
#define KERNEL(name)        KERNEL_PASTE(name, ISA)

#endif
