#include "support/check.h"

#include "serve/auth.h"
#include "support/alloc_fail.h"
#include "support/scratch.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TOKEN "0123456789abcdef"
#define OTHER "fedcba9876543210"

static enum auth_verdict ask(const struct auth *a, const char *header,
                             uint32_t *principal)
{
    struct slice none = { 0 };

    return auth_check(a, header != NULL ? slice_of(header) : none, principal);
}

static void test_nobody_is_asked_without_tokens(void **state)
{
    struct auth a = { 0 };
    uint32_t principal = 7;

    (void)state;
    assert_int_equal(ask(&a, NULL, &principal), AUTH_GRANTED);
    assert_int_equal(principal, 0);
}

static void test_each_token_is_a_principal(void **state)
{
    struct auth a = { 0 };
    struct err_info why;
    uint32_t principal;

    (void)state;
    assert_int_equal(auth_add(&a, SLICE(TOKEN), &why), ERR_OK);
    assert_int_equal(auth_add(&a, SLICE(OTHER), &why), ERR_OK);
    assert_int_equal(ask(&a, "Bearer " TOKEN, &principal), AUTH_GRANTED);
    assert_int_equal(principal, 1);
    assert_int_equal(ask(&a, "Bearer \t " OTHER, &principal), AUTH_GRANTED);
    assert_int_equal(principal, 2);
    char label[AUTH_LABEL_SIZE];
    auth_label(&a, 1, label);
    /* The first digits of the SHA-256 of TOKEN. */
    assert_string_equal(label, "token:9f9f51");
    auth_drop(&a);
}

static void test_refusals(void **state)
{
    static const struct { const char *header; enum auth_verdict v; } rows[] = {
        { NULL, AUTH_MISSING }, { "", AUTH_MISSING },
        { "Bearer", AUTH_MISSING }, { "Bearer ", AUTH_MISSING },
        { "Bearer   ", AUTH_MISSING }, { "bearer " TOKEN, AUTH_MISSING },
        { TOKEN, AUTH_MISSING }, { "Bearer a\001b", AUTH_MISSING },
        { "Basic " TOKEN, AUTH_MISSING }, { "Bearer x", AUTH_WRONG },
        { "Bearer " TOKEN "x", AUTH_WRONG }, { "Bearer 0123456789abcde",
                                               AUTH_WRONG },
    };
    struct auth a = { 0 };
    struct err_info why;
    uint32_t principal;
    static char endless[9000] = "Bearer ";

    (void)state;
    auth_add(&a, SLICE(TOKEN), &why);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ask(&a, rows[i].header, &principal), rows[i].v);
        assert_int_equal(principal, 0);
    }
    /* Among so many some share the first byte of the digest. */
    for (int i = 0; i < 2000; i++) {
        char header[64];
        snprintf(header, sizeof header, "Bearer wrong-%d", i);
        assert_int_equal(ask(&a, header, &principal), AUTH_WRONG);
    }
    memset(endless + 7, 'x', sizeof endless - 8);
    assert_int_equal(ask(&a, endless, &principal), AUTH_MISSING);
    auth_drop(&a);
}

static void test_bad_tokens(void **state)
{
    static const char *const rows[] = {
        "", "short", "123456789012345", "0123456789 abcdef",
        "0123456789\tabcdef", "0123456789-\xc3\xa4-fedcb",
    };
    struct auth a = { 0 };
    struct err_info why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(auth_add(&a, slice_of(rows[i]), &why), ERR_REQUEST);
        if (rows[i][0] != '\0')
            assert_null(strstr(why.text, rows[i]));
    }
    assert_int_equal(a.n, 0);
    auth_drop(&a);
}

static void test_files(void **state)
{
    struct auth a = { 0 };
    struct err_info why;
    struct scratch room;

    (void)state;
    scratch_open(&room);
    const char *path = scratch_put(&room, "t",
                                   SLICE("\n" TOKEN "\r\n\n" OTHER " "));
    chmod(path, 0644);
    assert_int_equal(auth_add_file(&a, path, &why), ERR_REQUEST);
    chmod(path, 0600);
    assert_int_equal(auth_add_file(&a, path, &why), ERR_OK);
    assert_int_equal(a.n, 2);
    scratch_put(&room, "t", SLICE(TOKEN "\nshort\n"));
    assert_int_equal(auth_add_file(&a, path, &why), ERR_REQUEST);
    assert_non_null(strstr(why.text, "line 2"));
    scratch_put(&room, "t", SLICE(" \n"));
    assert_int_equal(auth_add_file(&a, path, &why), ERR_REQUEST);
    assert_int_equal(auth_add_file(&a, scratch_path(&room, "none"), &why),
                     ERR_IO);
    auth_drop(&a);
    scratch_close(&room);
}

static enum err add_two(void *arg)
{
    struct auth a = { 0 };
    struct err_info why;
    enum err e = auth_add(&a, SLICE(TOKEN), &why);

    (void)arg;
    if (e == ERR_OK)
        e = auth_add(&a, SLICE(OTHER), &why);
    auth_drop(&a);
    return e;
}

static void test_memory(void **state)
{
    (void)state;
    assert_int_equal(alloc_fail_each(add_two, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_asked_without_tokens),
        cmocka_unit_test(test_each_token_is_a_principal),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
