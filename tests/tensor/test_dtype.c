/* The table of number formats: sizes against the published bits per weight,
 * and the three ways to find a row. */
#include "tensor/dtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void ids_are_unique(void **state)
{
    (void)state;
    for (int a = 0; a < DTYPE_COUNT; a++) {
        const struct dtype *t = dtype_get((enum dtype_id)a);
        assert_int_equal(t->id, a);
        assert_true(t->block_len > 0 && t->block_size > 0);
        assert_true(t->gguf_id >= 0 || t->st_name != NULL);
        for (int b = 0; b < a; b++) {
            const struct dtype *u = dtype_get((enum dtype_id)b);
            assert_string_not_equal(t->name, u->name);
            assert_true(t->gguf_id < 0 || t->gguf_id != u->gguf_id);
        }
    }
}

static void look_ups_agree(void **state)
{
    (void)state;
    for (int a = 0; a < DTYPE_COUNT; a++) {
        const struct dtype *t = dtype_get((enum dtype_id)a);
        assert_ptr_equal(dtype_by_name(t->name), t);
        if (t->gguf_id >= 0)
            assert_ptr_equal(dtype_by_gguf((uint32_t)t->gguf_id), t);
        if (t->st_name != NULL)
            assert_ptr_equal(dtype_by_safetensors(slice_of(t->st_name)), t);
    }
    assert_null(dtype_by_name("Q4_1"));             /* names are exact */
    assert_null(dtype_by_safetensors(SLICE("F3")));
    assert_null(dtype_by_safetensors(SLICE("")));
    assert_null(dtype_by_safetensors(SLICE("F8_E4M3\0")));
}

/* Every id from 0 to 300 is a type, a removed one or unknown, never two. */
static void gguf_ids_are_sorted_out(void **state)
{
    size_t known = 0, removed = 0;

    (void)state;
    for (uint32_t id = 0; id <= 300; id++) {
        known += dtype_by_gguf(id) != NULL;
        removed += dtype_removed_name(id) != NULL;
        assert_false(dtype_by_gguf(id) && dtype_removed_name(id));
    }
    assert_int_equal(known, 35);
    assert_int_equal(removed, 8);
    assert_string_equal(dtype_removed_name(4), "Q4_2");
    assert_null(dtype_by_gguf(UINT32_MAX));
}

static void bits_per_weight(void **state)
{
    static const struct { const char *name; double bits; } published[] = {
        { "f32", 32 }, { "bf16", 16 }, { "q4_0", 4.5 }, { "q4_1", 5 },
        { "q5_0", 5.5 }, { "q5_1", 6 }, { "q8_0", 8.5 }, { "q8_1", 9 },
        { "q2_k", 2.625 }, { "q3_k", 3.4375 }, { "q4_k", 4.5 },
        { "q5_k", 5.5 }, { "q6_k", 6.5625 }, { "q8_k", 9.125 },
        { "iq2_xxs", 2.0625 }, { "iq2_xs", 2.3125 }, { "iq3_xxs", 3.0625 },
        { "iq1_s", 1.5625 }, { "iq4_nl", 4.5 }, { "iq3_s", 3.4375 },
        { "iq2_s", 2.5625 }, { "iq4_xs", 4.25 }, { "iq1_m", 1.75 },
        { "tq1_0", 1.6875 }, { "tq2_0", 2.0625 }, { "mxfp4", 4.25 },
        { "nvfp4", 4.5 }, { "q1_0", 1.125 }, { "q2_0", 2.25 },
        { "f6_e2m3", 6 }, { "f4", 4 }, { "c64", 64 }, { "f8_e8m0", 8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const struct dtype *t = dtype_by_name(published[i].name);
        assert_non_null(t);
        assert_true(8.0 * t->block_size == published[i].bits * t->block_len);
    }
}

static void sizes_are_checked(void **state)
{
    uint64_t size = 0;

    (void)state;
    assert_true(dtype_size(dtype_get(DTYPE_Q4_K), 512, &size));
    assert_int_equal(size, 288);
    assert_true(dtype_size(dtype_get(DTYPE_F4), 10, &size));
    assert_int_equal(size, 5);
    assert_true(dtype_size(dtype_get(DTYPE_F6_E2M3), 0, &size));
    assert_int_equal(size, 0);
    assert_false(dtype_size(dtype_get(DTYPE_F4), 11, &size));
    assert_false(dtype_size(dtype_get(DTYPE_Q4_K), 128, &size));
    assert_true(dtype_size(dtype_get(DTYPE_F32), UINT64_MAX / 4, &size));
    assert_false(dtype_size(dtype_get(DTYPE_F32), UINT64_MAX / 4 + 1, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(look_ups_agree),
        cmocka_unit_test(gguf_ids_are_sorted_out),
        cmocka_unit_test(bits_per_weight),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
