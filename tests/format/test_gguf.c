/* The GGUF reader: a file with everything in it, and the same file with one
 * field broken at a time.  Every refusal has its own sentence. */
#include "support/check.h"

#include "base/limits.h"
#include "format/gguf.h"
#include "support/alloc_fail.h"
#include "support/edge.h"
#include "support/make_gguf.h"

#include <stdio.h>
#include <time.h>

static void make_scalars(struct make *m)
{
    static const uint32_t sizes[13] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
    static const char *const keys[13] = {
        "k.u8", "k.i8", "k.u16", "k.i16", "k.u32", "k.i32", "k.f32", "k.bool",
        NULL, NULL, "k.u64", "k.i64", "k.f64" };

    for (uint32_t type = 0; type < 13; type++) {
        if (sizes[type] == 0)
            continue;
        make_key(m, keys[type], type);
        if (type == 6)
            make_f32(m, -1.5f);
        else if (type == 12)
            make_u64(m, 0x3FF8000000000000u);      /* 1.5 */
        else
            for (uint32_t i = 0; i < sizes[type]; i++)
                make_u8(m, type == 7 ? 1 : 0xFF);
    }
}

static void make_arrays(struct make *m)
{
    make_key(m, "k.words", 9);
    make_mark(m, "array type");
    make_u32(m, 8);
    make_mark(m, "array length");
    make_u64(m, 3);
    make_mark(m, "array string");
    make_string(m, "one");
    make_string(m, "");
    make_mark(m, "last array string");
    make_string(m, "three");
    make_key(m, "k.shorts", 9);
    make_u32(m, 2);
    make_mark(m, "numbers length");
    make_u64(m, 2);
    make_u32(m, 0xFFFE0001);
}

static void make_tensors(struct make *m)
{
    make_mark(m, "name");
    make_string(m, "t0");
    make_mark(m, "n_dims");
    make_u32(m, 2);
    make_mark(m, "dim 0");
    make_u64(m, 4);
    make_mark(m, "dim 1");
    make_u64(m, 2);
    make_mark(m, "type");
    make_u32(m, 0);
    make_mark(m, "offset");
    make_u64(m, 0);
    make_mark(m, "second name");
    make_string(m, "t1");
    make_u32(m, 1);
    make_mark(m, "block dim");
    make_u64(m, 64);
    make_mark(m, "block type");
    make_u32(m, 2);
    make_mark(m, "second offset");
    make_u64(m, 64);
    make_mark(m, "third name");
    make_string(m, "t2");
    make_u32(m, 0);
    make_u32(m, 1);
    make_mark(m, "third offset");
    make_u64(m, 128);
}

/* Alignment 64: t0 is 32 bytes, t1 36, t2 2, and no padding behind it. */
static void make_all(struct make *m)
{
    make_gguf_head(m, 3, 15);
    make_mark(m, "key");
    make_string(m, "general.architecture");
    make_mark(m, "value type");
    make_u32(m, 8);
    make_mark(m, "string");
    make_string(m, "llama");
    make_string(m, "general.alignment");
    make_mark(m, "alignment type");
    make_u32(m, 4);
    make_mark(m, "alignment");
    make_u32(m, 64);
    make_scalars(m);
    make_arrays(m);
    make_tensors(m);
    make_mark(m, "end of infos");
    make_align(m, 64);
    make_mark(m, "data");
    make_zeros(m, 64 + 64 + 2);
}

struct reading {
    struct slice    bytes;
    struct arena    arena;
    struct gguf     g;
    struct file     file;
    struct err_info why;
};

static enum err read_bytes(struct reading *r, struct slice bytes)
{
    *r = (struct reading){ .bytes = bytes };
    r->file = (struct file){ .at = (const uint8_t *)bytes.at,
                             .size = bytes.len, .path = "x.gguf" };
    return gguf_read(&r->g, &r->file, &r->arena, &r->why);
}

static void done(struct reading *r)
{
    arena_drop(&r->arena);
}

/* ---- what is right ---- */

static const struct gguf_value *get(const struct reading *r, const char *key)
{
    const struct gguf_value *v = gguf_find(&r->g.meta, slice_of(key));

    assert_non_null(v);
    return v;
}

static void reads_values(void **state)
{
    static const struct { const char *key; double number; bool whole; } is[] = {
        { "k.u8", 255, true }, { "k.i8", -1, true }, { "k.u16", 65535, true },
        { "k.i16", -1, true }, { "k.u32", 4294967295.0, true },
        { "k.i32", -1, true }, { "k.f32", -1.5, false },
        { "k.u64", 18446744073709551615.0, true }, { "k.i64", -1, true },
        { "k.f64", 1.5, false } };
    struct make m = { 0 };
    struct reading r;
    struct json_int whole;
    struct slice text;
    double number;
    bool truth = false;

    (void)state;
    make_all(&m);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    assert_int_equal(r.g.meta.n, 15);
    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++) {
        assert_true(gguf_number(get(&r, is[i].key), 0, &number));
        assert_true(number == is[i].number);
        assert_int_equal(gguf_int(get(&r, is[i].key), 0, &whole), is[i].whole);
    }
    assert_true(gguf_bool(get(&r, "k.bool"), 0, &truth) && truth);
    assert_false(gguf_int(get(&r, "k.bool"), 0, &whole));
    assert_true(gguf_string(get(&r, "k.words"), 2, &text));
    assert_true(slice_is(text, "three"));
    assert_true(gguf_string(get(&r, "k.words"), 1, &text));
    assert_int_equal(text.len, 0);
    assert_true(gguf_int(get(&r, "k.shorts"), 1, &whole));
    assert_int_equal(whole.magnitude, 65534);
    assert_null(gguf_find(&r.g.meta, SLICE("k.u")));
    done(&r);
    make_drop(&m);
}

static void places_tensors(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    make_all(&m);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    assert_int_equal(r.g.n_tensors, 3);
    assert_int_equal(r.g.tensors[0].n_dims, 2);
    assert_int_equal(r.g.tensors[0].dims[0], 2);     /* outermost first */
    assert_int_equal(r.g.tensors[0].dims[1], 4);
    assert_int_equal(r.g.tensors[0].size, 32);
    assert_int_equal(r.g.tensors[1].size, 36);
    assert_int_equal(r.g.tensors[1].dtype->id, DTYPE_Q4_0);
    assert_int_equal(r.g.tensors[2].n_elements, 1);
    assert_int_equal(r.g.tensors[2].file_offset, make_find(&m, "data") + 128);
    assert_ptr_equal(r.g.tensors[2].data,
                     r.file.at + r.g.tensors[2].file_offset);
    done(&r);
    /* Version 2 has the same layout; bytes behind the last tensor are fine. */
    make_patch(&m, "version", 2, 4);
    make_zeros(&m, 1000);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    done(&r);
    /* A size that is a multiple of the alignment gets no padding. */
    make_patch(&m, "block type", 0, 4);
    make_patch(&m, "block dim", 16, 8);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    assert_int_equal(r.g.tensors[1].size, 64);
    done(&r);
    make_drop(&m);
}

/* Twelve of the smallest pairs fill the file up to the data. */
static void takes_the_smallest_keys(void **state)
{
    struct make m = { 0 };
    struct reading r;
    bool truth = false;

    (void)state;
    make_gguf_head(&m, 0, 12);
    for (char c = 'a'; c <= 'l'; c++) {
        make_key(&m, (char[2]){ c }, 7);
        make_u8(&m, c == 'b' ? 2 : 0);
    }
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    assert_true(gguf_bool(get(&r, "b"), 0, &truth) && truth);
    assert_true(gguf_bool(get(&r, "c"), 0, &truth) && !truth);
    done(&r);
    make_drop(&m);
}

static void takes_the_longest_key(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    make_gguf_head(&m, 0, 1);
    make_mark(&m, "key");
    make_u64(&m, LIMIT_GGUF_KEY);
    for (int i = 0; i < LIMIT_GGUF_KEY; i++)
        make_u8(&m, 'k');
    make_u32(&m, 7);
    make_u8(&m, 1);
    make_align(&m, 32);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_OK);
    done(&r);
    make_patch(&m, "key", LIMIT_GGUF_KEY + 1, 8);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_FORMAT);
    done(&r);
    make_drop(&m);
}

/* ---- what is wrong ---- */

/* 2 rows of 16 are one block of 32 elements, and still half a block each. */
static void refuses_blocks_across_rows(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    make_all(&m);
    make_patch(&m, "dim 0", 16, 8);
    make_patch(&m, "type", 2, 4);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_FORMAT);
    assert_non_null(strstr(r.why.text, "the rows of tensor t0 have 16"));
    done(&r);
    make_drop(&m);
}

struct wrong {
    const char *field;
    uint64_t    value;
    size_t      size;
    enum err    code;
    const char *says;
};

static const struct wrong wrongs[] = {
    { "magic", 0x46554746, 4, ERR_FORMAT, "magic number is" },
    { "version", 0, 4, ERR_FORMAT, "version is 0" },
    { "version", 1, 4, ERR_UNKNOWN, "version 1 is too old" },
    { "version", 4, 4, ERR_UNKNOWN, "version 4 is newer" },
    { "version", 0x03000000, 4, ERR_UNKNOWN, "big-endian" },
    { "n_tensors", UINT64_MAX, 8, ERR_FORMAT, "tensors is negative" },
    { "n_tensors", 100, 8, ERR_FORMAT, "tensors is 100, but only" },
    { "n_tensors", INT64_MAX, 8, ERR_FORMAT, "tensors is 9223372036854775807" },
    { "n_keys", 1ull << 63, 8, ERR_FORMAT, "keys is negative" },
    { "n_keys", 1 << 20, 8, ERR_FORMAT, "keys is 1048576, but only" },
    { "key", 0, 8, ERR_FORMAT, "key 0 is empty" },
    { "key", 65536, 8, ERR_FORMAT, "key 0 is 65536 bytes long, at most" },
    { "key", 60000, 8, ERR_FORMAT, "key 0 is 60000 bytes long, but only" },
    { "value type", 13, 4, ERR_FORMAT, "general.architecture is of type 13" },
    { "string", (16 << 20) + 1, 8, ERR_LIMIT,
      "general.architecture is a string of 16777217 bytes, the limit" },
    { "string", 1 << 20, 8, ERR_FORMAT,
      "general.architecture is a string of 1048576 bytes, but only" },
    { "array type", 9, 4, ERR_UNKNOWN, "k.words is an array of arrays" },
    { "array type", 99, 4, ERR_FORMAT, "k.words is an array of type 99" },
    { "array length", 200, 8, ERR_FORMAT, "k.words is an array of 200 val" },
    { "array length", 1ull << 62, 8, ERR_FORMAT,
      "k.words is an array of 4611686018427387904 values" },
    { "array string", (16 << 20) + 1, 8, ERR_LIMIT,
      "string 0 of k.words has 16777217 bytes, the limit" },
    { "array string", UINT64_MAX >> 40, 8, ERR_FORMAT,
      "string 0 of k.words has 16777215 bytes, but only" },
    { "numbers length", 1 << 24, 8, ERR_FORMAT,
      "k.shorts is an array of 16777216 values" },
    { "alignment type", 5, 4, ERR_FORMAT, "alignment is of type i32" },
    { "alignment", 48, 4, ERR_FORMAT, "alignment is 48, expected a power" },
    { "alignment", 0, 4, ERR_FORMAT, "alignment is 0, expected a power" },
    { "alignment", 4, 4, ERR_FORMAT, "alignment is 4, expected a power" },
    { "alignment", 1 << 21, 4, ERR_FORMAT, "alignment is 2097152, expected" },
    { "name", 0, 8, ERR_FORMAT, "tensor 0 has an empty name" },
    { "name", 64, 8, ERR_FORMAT, "the name of tensor 0 is 64 bytes long" },
    { "n_dims", 5, 4, ERR_FORMAT, "tensor t0 has 5 dimensions" },
    { "dim 0", UINT64_MAX, 8, ERR_FORMAT, "dimension 0 of tensor t0 is neg" },
    { "dim 0", INT64_MAX, 8, ERR_FORMAT, "t0 multiply to more than 2^63" },
    { "type", 4, 4, ERR_UNKNOWN, "type 4 (Q4_2), which was removed" },
    { "type", 43, 4, ERR_UNKNOWN, "t0 is of the unsupported type 43" },
    { "type", 12, 4, ERR_FORMAT, "rows of tensor t0 have 4 elements" },
    { "dim 1", 1ull << 60, 8, ERR_FORMAT, "size of tensor t0 (" },
    { "offset", 1, 8, ERR_FORMAT, "t0 is 1, no multiple of the alignment" },
    { "second offset", 128, 8, ERR_FORMAT, "t1 is 128, expected 64" },
    { "dim 1", (1ull << 60) - 1, 8, ERR_FORMAT, "tensors up to t0 add up" },
    { "third offset", 0, 8, ERR_FORMAT, "t2 is 0, expected 128" },
    { "second name", 1, 8, ERR_FORMAT, "tensor t has" },
};

enum { N_WRONGS = sizeof wrongs / sizeof wrongs[0] };

static bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void refuses_each_field(void **state)
{
    static char texts[N_WRONGS][ERR_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < N_WRONGS; i++) {
        struct make m = { 0 };
        struct reading r;

        make_all(&m);
        make_patch(&m, wrongs[i].field, wrongs[i].value, wrongs[i].size);
        if (read_bytes(&r, strbuf_slice(&m.b)) != wrongs[i].code
            || !contains(r.why.text, wrongs[i].says)
            || strncmp(r.why.text, "x.gguf: byte ", 13) != 0)
            fail_msg("%s = %llu: %d %s", wrongs[i].field,
                     (unsigned long long)wrongs[i].value, r.why.code,
                     r.why.text);
        memcpy(texts[i], r.why.text, sizeof texts[i]);
        done(&r);
        make_drop(&m);
    }
    for (size_t i = 0; i < N_WRONGS; i++)
        for (size_t k = 0; k < N_WRONGS; k++)
            assert_int_equal(contains(texts[i], wrongs[k].says), i == k);
}

static void refuses_twins(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    make_all(&m);
    make_patch(&m, "third name", 2, 8);
    m.b.at[make_find(&m, "third name") + 9] = '0';
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_FORMAT);
    assert_true(contains(r.why.text, "the tensor t0 is there twice"));
    done(&r);
    make_drop(&m);

    make_gguf_head(&m, 0, 2);
    make_key_u32(&m, "a.b", 1);
    make_key_u32(&m, "a.b", 1);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_FORMAT);
    assert_true(contains(r.why.text, "byte 51: the key a.b is there twice"));
    done(&r);
    make_drop(&m);
}

/* An array of the right size for the bytes, but more than we take. */
static void refuses_long_lists(void **state)
{
    struct make m = { 0 };
    struct reading r;

    (void)state;
    make_gguf_head(&m, 0, 1);
    make_key(&m, "a", 9);
    make_u32(&m, 0);
    make_u64(&m, (16 << 20) + 1);
    strbuf_reserve(&m.b, (16 << 20) + 1);
    memset(m.b.at + m.b.len, 0, (16 << 20) + 1);
    m.b.len += (16 << 20) + 1;
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_LIMIT);
    assert_true(contains(r.why.text, "a is an array of 16777217 values, the"));
    done(&r);
    make_patch(&m, "n_keys", 65537, 8);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_LIMIT);
    assert_true(contains(r.why.text, "number of keys is 65537, the limit"));
    done(&r);
    make_patch(&m, "n_tensors", 65537, 8);
    assert_int_equal(read_bytes(&r, strbuf_slice(&m.b)), ERR_LIMIT);
    assert_true(contains(r.why.text, "number of tensors is 65537, the limit"));
    done(&r);
    make_drop(&m);
}

/* ---- every byte ---- */

/* The file may end nowhere but at its end; each sentence names a place. */
static void refuses_every_prefix(void **state)
{
    struct make m = { 0 };
    struct edge edge;
    struct reading r;

    (void)state;
    make_all(&m);
    edge_open(&edge, m.b.len);
    for (size_t n = 0; n < m.b.len; n++) {
        struct slice part = { m.b.at, n };

        if (read_bytes(&r, edge_put(&edge, part)) != ERR_FORMAT
            || !contains(r.why.text, "x.gguf: byte "))
            fail_msg("%zu bytes: %d %s", n, r.why.code, r.why.text);
        done(&r);
    }
    assert_int_equal(read_bytes(&r, edge_put(&edge, strbuf_slice(&m.b))),
                     ERR_OK);
    done(&r);
    edge_close(&edge);
    make_drop(&m);
}

/* Whatever is accepted must lie inside the file. */
static void check_inside(const struct reading *r)
{
    for (size_t i = 0; i < r->g.n_tensors; i++) {
        const struct tensor_info *t = &r->g.tensors[i];
        assert_true(t->file_offset <= r->file.size);
        assert_true(t->size <= r->file.size - t->file_offset);
    }
}

static void survives_every_flip(void **state)
{
    static const uint8_t flips[] = { 0xFF, 0x01, 0x80, 0x7F, 0x10 };
    struct make m = { 0 };
    struct edge edge;
    size_t accepted = 0, head;

    (void)state;
    make_all(&m);
    head = make_find(&m, "end of infos");
    edge_open(&edge, m.b.len);
    for (size_t n = 0; n < head; n++) {
        for (size_t i = 0; i < sizeof flips; i++) {
            struct reading r;

            m.b.at[n] = (char)(m.b.at[n] ^ flips[i]);
            if (read_bytes(&r, edge_put(&edge, strbuf_slice(&m.b))) == ERR_OK) {
                accepted++;
                check_inside(&r);
            } else {
                assert_true(r.why.text[0] != '\0');
            }
            done(&r);
            m.b.at[n] = (char)(m.b.at[n] ^ flips[i]);
        }
    }
    /* Letters of names and bits of values may change, structure may not. */
    assert_true(accepted > 0 && accepted < head * sizeof flips / 2);
    edge_close(&edge);
    make_drop(&m);
}

/* ---- cost ---- */

static enum err read_and_drop(void *arg)
{
    const struct make *m = arg;
    struct reading r;
    enum err e = read_bytes(&r, strbuf_slice(&m->b));

    done(&r);
    return e;
}

static void every_allocation_may_fail(void **state)
{
    struct make m = { 0 };

    (void)state;
    make_all(&m);
    assert_true(alloc_fail_each(read_and_drop, &m) > 0);
    make_drop(&m);
}

/* The most keys there may be, the last a twin of the first: found at once. */
static void many_keys_are_quick(void **state)
{
    struct make m = { 0 };
    char key[16];
    clock_t start = clock();

    (void)state;
    make_gguf_head(&m, 0, 65536);
    for (int i = 0; i < 65536; i++) {
        snprintf(key, sizeof key, "k%d", i == 65535 ? 0 : i);
        make_key(&m, key, 0);
        make_u8(&m, 0);
    }
    assert_int_equal(read_and_drop(&m), ERR_FORMAT);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 1.0);
    make_drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(places_tensors),
        cmocka_unit_test(takes_the_smallest_keys),
        cmocka_unit_test(takes_the_longest_key),
        cmocka_unit_test(refuses_blocks_across_rows),
        cmocka_unit_test(refuses_each_field),
        cmocka_unit_test(refuses_twins),
        cmocka_unit_test(refuses_long_lists),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(survives_every_flip),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(many_keys_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
