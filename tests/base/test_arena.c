#include "support/check.h"

#include "base/arena.h"
#include "support/alloc_fail.h"
#include <string.h>

static void arena_pieces(void **state)
{
    struct arena a = { 0 };
    (void)state;

    for (size_t n = 0; n < 3000; n++) {
        char *piece = arena_take(&a, n, 3);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        memset(piece, 0xEE, n * 3);
    }
    const char *zero = arena_zero(&a, 100, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zero[i], 0);
    struct slice copy = arena_copy(&a, SLICE("copy"));
    assert_string_equal(copy.at, "copy");
    assert_int_equal(copy.len, 4);
    assert_null(arena_take(&a, SIZE_MAX, 1));
    assert_null(arena_take(&a, SIZE_MAX / 2, 3));
    assert_null(arena_take(&a, SIZE_MAX / 16, 16));
    arena_drop(&a);
    assert_int_equal(a.total, 0);
}

static void arena_limit(void **state)
{
    struct arena a = { .limit = 64 };
    (void)state;

    assert_non_null(arena_take(&a, 48, 1));
    assert_null(arena_take(&a, 17, 1));
    assert_non_null(arena_take(&a, 16, 1));
    assert_null(arena_take(&a, 1, 1));
    arena_drop(&a);
}

static enum err carve(void *arg)
{
    struct arena a = { 0 };
    enum err e = ERR_OK;
    (void)arg;

    for (int i = 0; i < 1000 && e == ERR_OK; i++) {
        if (arena_zero(&a, 10, 10) == NULL
            || arena_copy(&a, SLICE("copy")).at == NULL)
            e = ERR_NOMEM;
    }
    arena_drop(&a);
    return e;
}

/* Chunks grow: a thousand pieces of 128 bytes take few allocations. */
static void memory_fails(void **state)
{
    (void)state;
    size_t n = alloc_fail_each(carve, NULL);
    assert_in_range(n, 2, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_pieces),
        cmocka_unit_test(arena_limit),
        cmocka_unit_test(memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
