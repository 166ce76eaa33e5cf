#include "kernels/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct isa_set *pick(const char *forced, unsigned features)
{
    const struct isa_set *set = NULL;
    struct err_info why;

    return isa_pick(&set, forced, features, &why) == ERR_OK ? set : NULL;
}

static void the_best_set_wins(void **state)
{
    (void)state;
    assert_string_equal(pick(NULL, 0)->name, "emu16");
#if defined(HAVE_ISA_avx512bf16)
    assert_string_equal(pick(NULL, CPU_AVX2)->name, "avx2");
    assert_string_equal(pick(NULL, CPU_AVX2 | CPU_AVXVNNI)->name, "avxvnni");
    assert_string_equal(
        pick(NULL, CPU_AVX2 | CPU_AVXVNNI | CPU_AVX512 | CPU_AVX512VNNI)->name,
        "avx512vnni");
    unsigned all = CPU_AVX2 | CPU_AVX512 | CPU_AVX512VNNI | CPU_AVX512BF16;
    assert_string_equal(pick(NULL, all | CPU_FAST_BF16)->name, "avx512bf16");
    assert_string_equal(pick(NULL, all)->name, "avx512vnni");
    assert_string_equal(pick("avx512bf16", all)->name, "avx512bf16");
    /* AVX-512 bits without AVX2 (a masked CPUID) must not run avx512. */
    assert_string_equal(pick(NULL, CPU_AVX512 | CPU_AVX512VNNI)->name, "emu16");
#endif
}

static void a_forced_set_is_taken_or_refused(void **state)
{
    const struct isa_set *set = NULL;
    struct err_info why;

    (void)state;
    assert_string_equal(pick("scalar", ~0u)->name, "scalar");
    assert_null(pick("avx1024", ~0u));
    assert_int_equal(isa_pick(&set, "avx2", 0, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "avx2"));
    assert_non_null(strstr(why.text, "scalar, emu16"));
    assert_null(set);
}

static void tables_carry_the_name_of_their_set(void **state)
{
    (void)state;
    for (size_t i = 0; isa_at(i); i++) {
        assert_string_equal(isa_at(i)->weights->isa, isa_at(i)->name);
        assert_string_equal(isa_at(i)->kernels->isa, isa_at(i)->name);
    }
    assert_non_null(pick(NULL, cpu_features()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_set_wins),
        cmocka_unit_test(a_forced_set_is_taken_or_refused),
        cmocka_unit_test(tables_carry_the_name_of_their_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
