/* The safetensors reader: the reference's list of rules, one broken header for
 * each, and every byte of a good file cut off or changed. */
#include "support/check.h"

#include "format/safetensors.h"
#include "support/alloc_fail.h"
#include "support/edge.h"
#include "support/make_gguf.h"

#include <stdio.h>
#include <stdlib.h>

#define GOOD                                                                 \
    "{\"__metadata__\":{\"format\":\"pt\",\"by\":\"\\u0041\"},"              \
    "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[4,28]},"\
    "\"s\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]},"        \
    "\"n\\u0061me\":{\"shape\":[4],\"dtype\":\"F4\",\"extra\":[{}],"         \
    "\"data_offsets\":[2,4]},"                                               \
    "\"none\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[28,28]}}"

struct reading {
    struct arena       arena;
    struct safetensors s;
    struct file        file;
    struct err_info    why;
};

static enum err read_bytes(struct reading *r, struct slice bytes)
{
    *r = (struct reading){ 0 };
    r->file = (struct file){ .at = (const uint8_t *)bytes.at,
                             .size = bytes.len, .path = "x.safetensors" };
    return safetensors_read(&r->s, &r->file, &r->arena, &r->why);
}

static enum err read_header(struct reading *r, const char *header, size_t data)
{
    struct make m = { 0 };
    enum err e;

    make_safetensors(&m, header, data);
    e = read_bytes(r, strbuf_slice(&m.b));
    arena_drop(&r->arena);
    make_drop(&m);
    return e;
}

static void reads_tensors(void **state)
{
    struct make m = { 0 };
    struct reading r;
    const struct tensor_info *t;

    (void)state;
    make_safetensors(&m, GOOD, 28);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    assert_int_equal(r.s.n_tensors, 4);
    t = r.s.tensors;                            /* by place: s name a.w none */
    assert_true(slice_is(t[0].name, "s"));
    assert_int_equal(t[0].n_dims, 0);
    assert_int_equal(t[0].n_elements, 1);
    assert_true(slice_is(t[1].name, "name"));
    assert_int_equal(t[1].size, 2);
    assert_true(slice_is(t[2].name, "a.weight"));
    assert_int_equal(t[2].dims[0], 2);
    assert_int_equal(t[2].dims[1], 3);
    assert_int_equal(t[2].size, 24);
    assert_ptr_equal(t[2].data + 24, m.b.at + m.b.len);
    assert_int_equal(t[3].n_elements, 0);
    arena_drop(&r.arena);
    make_drop(&m);
}

static void accepts(void **state)
{
    struct reading r;

    (void)state;
    assert_int_equal(read_header(&r, "{}", 0), ERR_OK);
    assert_int_equal(read_header(&r, " \n{} \t\r\n", 0), ERR_OK);
    assert_int_equal(read_header(&r, "{\"__metadata__\":null}", 0), ERR_OK);
    assert_int_equal(read_header(&r, "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,"
                                 "18446744073709551615],\"data_offsets\":[0,0]"
                                 "}}", 0), ERR_OK);
}

#define T(dtype, shape, offsets)                                             \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":"      \
    offsets "}}"
#define TWO(a, b)                                                            \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"        \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"

struct wrong {
    const char *header;
    size_t      data;
    const char *says;
};

static const struct wrong wrongs[] = {
    { "{\"t\":", 0, "the text ends where" },
    { "[]", 0, "the header is no JSON object" },
    { "{}x", 0, "header (8 bytes into the file)" },
    { "{\"t\":{}}", 0, "tensor t: dtype is missing" },
    { "{\"t\":{\"dtype\":\"F32\"}}", 0, "tensor t: shape is missing" },
    { "{\"t\":{\"dtype\":\"F32\",\"shape\":[]}}", 0,
      "tensor t: data_offsets are missing" },
    { "{\"t\":1}", 0, "tensor t: is no object" },
    { T("3", "[]", "[0,1]"), 1, "dtype is no string" },
    { T("\"F33\"", "[]", "[0,1]"), 1, "dtype \"F33\" is not one of" },
    { T("\"U8\"", "1", "[0,1]"), 1, "shape is no array" },
    { T("\"U8\"", "[1.0]", "[0,1]"), 1, "shape and data_offsets hold integers"},
    { T("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "more than 8 dim" },
    { T("\"U8\"", "[1]", "{}"), 1, "data_offsets is no array" },
    { T("\"U8\"", "[1]", "[0]"), 1, "data_offsets has fewer than two" },
    { T("\"U8\"", "[1]", "[0,1,2]"), 1, "data_offsets has more than two" },
    { T("\"U8\"", "[1]", "[1,0]"), 1, "data_offsets end before they begin" },
    { "{\"t\":{\"shape\":[],\"shape\":[]}}", 0, "a field stands there twice" },
    { "{\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
      "\"\\u0074\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
      0, "the tensor t stands there twice" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
      "__metadata__ stands there twice" },
    { "{\"__metadata__\":[]}", 0, "__metadata__ is no object" },
    { "{\"__metadata__\":{\"k\":1}}", 0, "__metadata__: k: is no string" },
    { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0,
      "__metadata__: the key k stands there twice" },
    { TWO("[0,4]", "[5,9]"), 9, "tensor b: data_offsets begin at 5, exp" },
    { TWO("[0,4]", "[3,7]"), 7, "tensor b: data_offsets begin at 3, exp" },
    { TWO("[0,4]", "[0,4]"), 4, "tensor b: data_offsets begin at 0, exp" },
    { TWO("[1,5]", "[5,9]"), 9, "tensor a: data_offsets begin at 1, exp" },
    { T("\"U8\"", "[2,18446744073709551615,0]", "[0,0]"), 0,
      "product of the shape does not fit" },
    { T("\"F64\"", "[9223372036854775807]", "[0,0]"), 0,
      "more bits than 64 bits can count" },
    { T("\"F4\"", "[3]", "[0,1]"), 1, "3 elements of F4 do not fill" },
    { T("\"F6_E2M3\"", "[2]", "[0,1]"), 1, "2 elements of F6_E2M3 do not" },
    { T("\"F32\"", "[2]", "[0,7]"), 7, "span 7 bytes, shape and dtype need 8"},
    { T("\"U8\"", "[1]", "[0,1]"), 2, "2 bytes of data follow the header" },
    { T("\"U8\"", "[3]", "[0,3]"), 1, "1 bytes of data follow the header" },
    { "{}", 5, "5 bytes of data follow the header" },
};

enum { N_WRONGS = sizeof wrongs / sizeof wrongs[0] };

static void refuses_each_rule(void **state)
{
    static struct reading r[N_WRONGS];

    (void)state;
    for (size_t i = 0; i < N_WRONGS; i++)
        if (read_header(&r[i], wrongs[i].header, wrongs[i].data) != ERR_FORMAT
            || strstr(r[i].why.text, wrongs[i].says) == NULL
            || strncmp(r[i].why.text, "x.safetensors: ", 15) != 0)
            fail_msg("%s: %d %s", wrongs[i].header, r[i].why.code,
                     r[i].why.text);
    /* No sentence serves two rules (rows 2 is JSON's own "after the end"). */
    for (size_t i = 3; i < N_WRONGS; i++)
        for (size_t k = 3; k < N_WRONGS; k++)
            assert_int_equal(strstr(r[i].why.text, wrongs[k].says) != NULL,
                             i == k);
}

/* Numbers that are no unsigned 64-bit integers, wherever they may stand. */
static void refuses_other_numbers(void **state)
{
    static const char *const numbers[] = { "-1", "-0", "1e0", "1.5", "null",
                                           "\"1\"", "18446744073709551616",
                                           "true", "[]", "NaN" };
    char header[160];
    struct reading r;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(header, sizeof header, T("\"U8\"", "[%s]", "[0,1]"),
                 numbers[i]);
        assert_int_equal(read_header(&r, header, 1), ERR_FORMAT);
        snprintf(header, sizeof header, T("\"U8\"", "[1]", "[0,%s]"),
                 numbers[i]);
        assert_int_equal(read_header(&r, header, 1), ERR_FORMAT);
    }
}

static void refuses_the_frame(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    assert_int_equal(read_bytes(&r, SLICE("1234567")), ERR_FORMAT);
    assert_non_null(strstr(r.why.text, "the file has 7 bytes"));
    make_u64(&m, 100000001);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_LIMIT);
    assert_non_null(strstr(r.why.text, "100000001 bytes long, the limit"));
    make_drop(&m);
    make_u64(&m, 3);
    make_zeros(&m, 2);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_FORMAT);
    assert_non_null(strstr(r.why.text, "3 bytes long, but only 2 follow"));
    make_drop(&m);
    assert_int_equal(read_header(&r, "{\"\xff\":1}", 0), ERR_FORMAT);
    assert_non_null(strstr(r.why.text, "byte 10: the header is not UTF-8"));
}

/* 128 levels are the reference's limit. */
static void refuses_deep_nesting(void **state)
{
    char header[700] = "{\"t\":{\"x\":";
    struct reading r;

    (void)state;
    for (int i = 0; i < 200; i++)
        strcat(header, "[");
    for (int i = 0; i < 200; i++)
        strcat(header, "]");
    strcat(header, "}}");
    assert_int_equal(read_header(&r, header, 0), ERR_LIMIT);
}

static void refuses_every_prefix(void **state)
{
    struct make m = { 0 };
    struct edge edge;
    struct reading r;

    (void)state;
    make_safetensors(&m, GOOD, 28);
    edge_open(&edge, m.b.len);
    for (size_t n = 0; n < m.b.len; n++) {
        struct slice part = edge_put(&edge, (struct slice){ m.b.at, n });

        if (read_bytes(&r, part) != ERR_FORMAT)
            fail_msg("%zu bytes: %d %s", n, r.why.code, r.why.text);
        arena_drop(&r.arena);
    }
    edge_close(&edge);
    make_drop(&m);
}

static void survives_every_flip(void **state)
{
    struct make m = { 0 };
    struct edge edge;
    struct reading r;

    (void)state;
    make_safetensors(&m, GOOD, 28);
    edge_open(&edge, m.b.len);
    for (size_t n = 0; n < m.b.len - 28; n++) {
        for (int bit = 0; bit < 8; bit++) {
            m.b.at[n] = (char)(m.b.at[n] ^ (1 << bit));
            if (read_bytes(&r, edge_put(&edge, strbuf_slice(&m.b))) == ERR_OK)
                for (size_t i = 0; i < r.s.n_tensors; i++)
                    assert_true(r.s.tensors[i].size <= r.file.size
                                - r.s.tensors[i].file_offset);
            arena_drop(&r.arena);
            m.b.at[n] = (char)(m.b.at[n] ^ (1 << bit));
        }
    }
    edge_close(&edge);
    make_drop(&m);
}

static enum err read_good(void *arg)
{
    struct reading r;
    enum err e = read_bytes(&r, *(const struct slice *)arg);

    arena_drop(&r.arena);
    return e;
}

static void every_allocation_may_fail(void **state)
{
    struct make m = { 0 };
    struct slice bytes;

    (void)state;
    make_safetensors(&m, GOOD, 28);
    bytes = strbuf_slice(&m.b);
    assert_true(alloc_fail_each(read_good, &bytes) > 3);
    make_drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tensors),
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses_each_rule),
        cmocka_unit_test(refuses_other_numbers),
        cmocka_unit_test(refuses_the_frame),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(survives_every_flip),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
