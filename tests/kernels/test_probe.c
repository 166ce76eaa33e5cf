/* The loops that measure the machine do what they say they did. */
#include "support/check.h"

#include "kernels/dispatch.h"
#include "kernels/roofline.h"
#include <stdlib.h>
#include <string.h>

static void every_set_counts_its_work(void **state)
{
    uint8_t *at = aligned_alloc(64, PROBE_OPERANDS);
    float    sink = 0;

    (void)state;
    assert_non_null(at);
    memset(at, 1, PROBE_OPERANDS);
    for (size_t i = 0; isa_at(i) != NULL; i++) {
        const struct isa_set *set = isa_at(i);
        if (set->needs & ~cpu_features())
            continue;
        for (int k = PROBE_INT8; k < PROBES; k++) {
            uint64_t one = set->kernels->probe((enum probe)k, at, 1, &sink);
            uint64_t six = set->kernels->probe((enum probe)k, at, 6, &sink);
            assert_int_equal(six, 6 * one);
            assert_true(one > 0 || k == PROBE_BF16);
        }
        assert_int_equal(
            set->kernels->probe(PROBE_READ, at, PROBE_OPERANDS, &sink),
            PROBE_OPERANDS);
    }
    free(at);
}

static void limits_are_positive(void **state)
{
    const struct isa_set  *set;
    struct pool           *pool;
    struct roofline_probe *p;
    struct roofline        r;
    struct err_info        why;

    (void)state;
    assert_int_equal(isa_pick(&set, NULL, cpu_features(), &why), ERR_OK);
    assert_int_equal(pool_open(&pool, 2, &why), ERR_OK);
    assert_int_equal(roofline_open(&p, pool, set, &why), ERR_OK);
    roofline_measure(&r, p);
    for (int k = 0; k < PROBES; k++)
        assert_true(r.giga[k] > 0 || k == PROBE_BF16);
    roofline_close(p);
    pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_counts_its_work),
        cmocka_unit_test(limits_are_positive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
