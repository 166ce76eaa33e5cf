/* The floating-point control word of the calling thread.
 *
 * Every parallel region runs with round-to-nearest, no traps, denormals flushed
 * to zero (accumulators that fade away would else slow down a hundredfold).
 * An embedder's threads keep theirs: who enters leaves. */
#ifndef OSMIA_BASE_FPU_H
#define OSMIA_BASE_FPU_H

#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>

/* 0x1F80: all exceptions masked, nearest; 0x8040: flush results (FTZ) and
 * operands (DAZ). */
static inline uint64_t fpu_enter(void)
{
    uint64_t before = _mm_getcsr();
    _mm_setcsr(0x1F80u | 0x8040u);
    return before;
}

static inline void fpu_leave(uint64_t before)
{
    _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

/* FPCR: bit 24 flushes denormals; rounding mode 0 is nearest. */
static inline uint64_t fpu_enter(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)1 << 24));
    return before;
}

static inline void fpu_leave(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else

static inline uint64_t fpu_enter(void)
{
    return 0;
}

static inline void fpu_leave(uint64_t before)
{
    (void)before;
}

#endif

/* Tell the processor that this is a waiting loop. */
static inline void fpu_pause(void)
{
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
