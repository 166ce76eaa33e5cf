/* CPUID and XGETBV by hand, and the table of instruction sets, the best last.
 *
 * Not __builtin_cpu_supports: it does not know AVX-VNNI in the compilers of
 * Debian 12, and says nothing of whether the system saves the wide registers.
 */
#include "kernels/dispatch.h"

#include "tensor/isa.h"
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* Bits of XCR0: the state that the system saves on a task switch. */
enum { XCR0_YMM = 0x06, XCR0_ZMM = 0xe6 };

static unsigned xcr0(void)
{
    unsigned lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

/* Intel's cores up to now start a dot product of bf16 pairs every other cycle
 * and two multiply-adds of f32 in each (measured: 93 against 191 GFLOPS on one
 * core); there bf16 weights are faster with f32 activations, and exact. */
static bool bf16_is_slow(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

unsigned cpu_features(void)
{
    unsigned a, b, c, d, have = 0, b7, c7, d7, a71;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    if ((xcr0() & XCR0_YMM) != XCR0_YMM)
        return 0;
    if (!(c & bit_FMA) || !(c & bit_F16C)
        || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7) || !(b7 & bit_AVX2))
        return 0;
    have = CPU_AVX2;
    if (!__get_cpuid_count(7, 1, &a71, &b, &c, &d))
        a71 = 0;
    if (a71 & 1u << 4)
        have |= CPU_AVXVNNI;
    if ((xcr0() & XCR0_ZMM) != XCR0_ZMM || !(b7 & bit_AVX512F)
        || !(b7 & bit_AVX512BW) || !(b7 & bit_AVX512DQ) || !(b7 & bit_AVX512VL))
        return have;
    have |= CPU_AVX512;
    if (c7 & bit_AVX512VNNI)
        have |= CPU_AVX512VNNI;
    if (a71 & 1u << 5)
        have |= CPU_AVX512BF16 | (bf16_is_slow() ? 0 : CPU_FAST_BF16);
    return have;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

unsigned cpu_features(void)
{
    unsigned have = 0;

    if (getauxval(AT_HWCAP) & 1ul << 20)        /* ASIMDDP */
        have |= CPU_DOTPROD;
    if (getauxval(AT_HWCAP2) & 1ul << 13)       /* I8MM */
        have |= CPU_I8MM;
    return have;
}

#else

unsigned cpu_features(void)
{
    return 0;
}

#endif

#define X(set)                                                               \
    extern const struct weight_table weight_table_##set;                     \
    extern const struct kernel_table kernel_table_##set;
ISA_LIST(X)
#undef X

/* The best last.  Rows of sets that this compiler cannot build are absent. */
static const struct isa_set sets[] = {
    { "scalar", 0, 0, &weight_table_scalar, &kernel_table_scalar },
    { "emu16", 0, 0, &weight_table_emu16, &kernel_table_emu16 },
#ifdef HAVE_ISA_avx2
    { "avx2", CPU_AVX2, 0, &weight_table_avx2, &kernel_table_avx2 },
#endif
#ifdef HAVE_ISA_avxvnni
    { "avxvnni", CPU_AVX2 | CPU_AVXVNNI, 0,
      &weight_table_avxvnni, &kernel_table_avxvnni },
#endif
#ifdef HAVE_ISA_avx512
    { "avx512", CPU_AVX2 | CPU_AVX512, 0,
      &weight_table_avx512, &kernel_table_avx512 },
#endif
#ifdef HAVE_ISA_avx512vnni
    { "avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI, 0,
      &weight_table_avx512vnni, &kernel_table_avx512vnni },
#endif
#ifdef HAVE_ISA_avx512bf16
    { "avx512bf16", CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI | CPU_AVX512BF16,
      CPU_FAST_BF16,
      &weight_table_avx512bf16, &kernel_table_avx512bf16 },
#endif
#ifdef HAVE_ISA_neon
    { "neon", CPU_DOTPROD, 0, &weight_table_neon, &kernel_table_neon },
#endif
#ifdef HAVE_ISA_neon_i8mm
    { "neon_i8mm", CPU_DOTPROD | CPU_I8MM, 0,
      &weight_table_neon_i8mm, &kernel_table_neon_i8mm },
#endif
};

enum { N_SETS = sizeof sets / sizeof *sets };

const struct isa_set *isa_at(size_t i)
{
    return i < N_SETS ? &sets[i] : NULL;
}

/* "a, b, c": the sets that would run. */
static void list_runnable(char *to, size_t size, unsigned features)
{
    size_t len = 0;

    to[0] = '\0';
    for (size_t i = 0; i < N_SETS && len < size; i++)
        if (!(sets[i].needs & ~features))
            len += (size_t)snprintf(to + len, size - len, "%s%s",
                                    len ? ", " : "", sets[i].name);
}

enum err isa_pick(const struct isa_set **out, const char *forced,
                  unsigned features, struct err_info *why)
{
    const struct isa_set *best = NULL;
    char runnable[160];

    for (size_t i = 0; i < N_SETS; i++)
        if (!(sets[i].needs & ~features)
            && (forced ? strcmp(forced, sets[i].name) == 0
                       : !(sets[i].likes & ~features)))
            best = &sets[i];
    if (!best) {
        list_runnable(runnable, sizeof runnable, features);
        return fail(why, ERR_REQUEST,
                    "this CPU cannot run the instruction set \"%.40s\"; it "
                    "can run: %s", forced, runnable);
    }
    *out = best;
    return ERR_OK;
}
