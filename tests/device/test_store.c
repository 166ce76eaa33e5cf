/* A device that finds its weights in a cache computes what it would without. */
#include "support/check.h"

#include "device/device.h"
#include "base/file.h"
#include "kernels/dispatch.h"
#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 40, COLS = 256, KINDS = 5 };

static struct scratch scratch;
static char           said[4096];       /* notices since the last look */

static void on_notice(void *arg, const char *sentence)
{
    (void)arg;
    strncat(said, sentence, sizeof said - strlen(said) - 1);
    strncat(said, "\n", sizeof said - strlen(said) - 1);
}

static const struct notices notices = { on_notice, NULL };

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

/* A matrix of each way through: packed, of floats, converted and packed,
 * converted only (exact), turned. */
static const struct kind {
    enum dtype_id type, convert_to;
    bool          exact, transposed;
} kinds[KINDS] = {
    { DTYPE_Q4_0, DTYPE_Q4_0, false, false },
    { DTYPE_F32, DTYPE_F32, false, false },
    { DTYPE_F32, DTYPE_Q4_K, false, false },
    { DTYPE_F32, DTYPE_Q8_0, true, false },
    { DTYPE_F32, DTYPE_F32, false, true },
};

struct rig {
    struct device *device;
    struct matrix *m[KINDS + 1];
    float          y[KINDS][ROWS];
};

static float noise(size_t i)
{
    return (float)((double)((i + 1) * 2654435761u % 65536) / 32768.0 - 1.0);
}

static void open_matrix(struct rig *r, size_t i, const struct kind *k)
{
    static float   x[ROWS * COLS];
    static uint8_t bytes[ROWS * COLS * 4];
    struct tensor_source src = {
        .name = "w", .place = i, .dtype = dtype_get(k->type), .data = bytes,
        .n_rows = ROWS, .n_cols = COLS, .transposed = k->transposed,
    };
    struct matrix_options o = { .use = MATRIX_MUL, .exact = k->exact };

    for (size_t n = 0; n < ROWS * COLS; n++)
        x[n] = noise(n + i);
    weight_find(isa_at(0)->weights, k->type)->quantize(bytes, x, ROWS * COLS);
    if (k->convert_to != k->type)
        o.convert_to = dtype_get(k->convert_to);
    assert_int_equal(r->device->ops->matrix_open(r->device, &r->m[i], &src, &o,
                                                 NULL, NULL), ERR_OK);
}

static void multiply(struct rig *r)
{
    const struct device_ops *ops = r->device->ops;
    struct stream_limits     l = {
        .n_tokens = 1, .width = COLS, .n_head = 1, .n_positions = 32,
        .layer = { .n_head_kv = 1, .k_width = 8, .v_width = 8 },
    };
    struct stream *s;
    struct buf    *in, *out;
    float          x[COLS];
    struct tensor_source  src = { .name = "x", .dtype = dtype_get(DTYPE_F32),
                                  .data = (const uint8_t *)x, .n_rows = 1,
                                  .n_cols = COLS };
    struct matrix_options look = { .use = MATRIX_LOOKUP };
    struct matrix        *table;

    for (size_t i = 0; i < COLS; i++)
        x[i] = noise(7 * i);
    ops->stream_open(r->device, &s, &l, NULL);
    ops->buf_open(r->device, &in, 1, COLS, NULL);
    ops->buf_open(r->device, &out, 1, ROWS, NULL);
    ops->matrix_open(r->device, &table, &src, &look, NULL, NULL);
    ops->embed(s, in, table, &(int32_t){ 0 }, 1, 1.0f);
    for (size_t i = 0; i < KINDS; i++) {
        struct product_set set = { .in = in, .n = 1,
                                   .at = { { .out = out, .weight = r->m[i] } } };
        ops->mul(s, 1, &set);
        memcpy(r->y[i], ops->buf_read(s, out, 1), sizeof r->y[i]);
    }
    ops->matrix_close(r->device, table);
    ops->buf_close(r->device, in);
    ops->buf_close(r->device, out);
    ops->stream_close(s);
}

/* How to start: with a cache or not, on which code, how many matrices. */
struct start {
    bool        cached;
    const char *isa;
    uint64_t    source, max_size;
    size_t      n;
    bool        broken_off;
};

static void run(struct rig *r, const struct start *how)
{
    struct cpu_options  o = { .n_threads = 2, .isa = how->isa };
    struct pack_options p = {
        .folder = scratch_path(&scratch, "cache"), .notices = &notices,
        .source = how->source, .expected = KINDS * ROWS * COLS * 4,
        .max_size = how->max_size > 0 ? how->max_size : 1 << 30,
    };
    char folder[512];

    memset(r, 0, sizeof *r);
    said[0] = '\0';
    snprintf(folder, sizeof folder, "%s", p.folder);
    p.folder = folder;
    assert_int_equal(device_cpu_open(&r->device, &o, NULL), ERR_OK);
    if (how->cached)
        r->device->ops->store_begin(r->device, &p);
    for (size_t i = 0; i < how->n; i++)
        open_matrix(r, i, &kinds[i % KINDS]);
    r->device->ops->store_end(r->device, !how->broken_off);
    if (how->n >= KINDS)
        multiply(r);
}

static bool stop(struct rig *r)
{
    bool mapped = r->device->ops->store_file(r->device) != NULL;

    for (size_t i = 0; i <= KINDS; i++)
        r->device->ops->matrix_close(r->device, r->m[i]);
    r->device->ops->close(r->device);
    return mapped;
}

/* True when the weights were mapped. */
static bool start(const struct start *how, float y[KINDS][ROWS])
{
    struct rig r;

    run(&r, how);
    if (y != NULL)
        memcpy(y, r.y, sizeof r.y);
    return stop(&r);
}

/* The only file in the folder. */
static const char *cached_file(void)
{
    struct dir_list list;
    static char     name[300];

    assert_int_equal(dir_list(&list, scratch_path(&scratch, "cache/packed"),
                              NULL), ERR_OK);
    assert_int_equal(list.n, 1);
    snprintf(name, sizeof name, "cache/packed/%s", list.names[0]);
    dir_list_drop(&list);
    return name;
}

static void forget_all(void)
{
    struct dir_list list;
    char            name[300];

    if (dir_list(&list, scratch_path(&scratch, "cache/packed"), NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < list.n; i++) {
        snprintf(name, sizeof name, "cache/packed/%s", list.names[i]);
        scratch_remove(&scratch, name);
    }
    dir_list_drop(&list);
}

static void the_second_start_maps(void **state)
{
    float plain[KINDS][ROWS], first[KINDS][ROWS], second[KINDS][ROWS];
    struct start how = { .cached = true, .source = 5, .n = KINDS };

    (void)state;
    assert_false(start(&(struct start){ .n = KINDS }, plain));
    assert_false(start(&how, first));
    assert_true(start(&how, second));
    assert_string_equal(said, "");
    assert_memory_equal(plain, first, sizeof plain);
    assert_memory_equal(plain, second, sizeof plain);
    second[3][7] += 1;
    assert_int_not_equal(memcmp(plain, second, sizeof plain), 0);
}

static void other_sources_and_code_have_their_own(void **state)
{
    struct start how = { .cached = true, .source = 5, .n = KINDS };

    (void)state;
    forget_all();
    assert_false(start(&how, NULL));
    how.isa = "scalar";
    assert_false(start(&how, NULL));
    assert_true(start(&how, NULL));
    how.source = 6;
    assert_false(start(&how, NULL));
}

static void damage_is_told_and_mended(void **state)
{
    struct start how = { .cached = true, .source = 5, .n = KINDS };
    float        plain[KINDS][ROWS], y[KINDS][ROWS];
    const char  *name;
    struct stat  st;

    (void)state;
    forget_all();
    assert_false(start(&how, plain));
    name = cached_file();
    assert_int_equal(stat(scratch_path(&scratch, name), &st), 0);
    const struct slice bad[] = {
        SLICE(""), SLICE("what is this doing here?"),
    };
    for (size_t i = 0; i < 2; i++) {
        scratch_put(&scratch, name, bad[i]);
        assert_false(start(&how, y));
        assert_non_null(strstr(said, "it is made anew"));
        assert_memory_equal(plain, y, sizeof y);
        assert_true(start(&how, y));
        assert_string_equal(said, "");
        assert_memory_equal(plain, y, sizeof y);
    }
    FILE *f = fopen(scratch_path(&scratch, name), "r+b");
    fseek(f, st.st_size / 2, SEEK_SET);
    fwrite("!?", 1, 2, f);
    fclose(f);
    assert_false(start(&how, y));
    assert_non_null(strstr(said, "damaged"));
    assert_memory_equal(plain, y, sizeof y);
    assert_true(start(&how, NULL));
}

static void what_lacks_a_matrix_goes(void **state)
{
    struct start less = { .cached = true, .source = 5, .n = KINDS };
    struct start more = { .cached = true, .source = 5, .n = KINDS + 1 };

    (void)state;
    forget_all();
    start(&less, NULL);
    assert_true(start(&more, NULL));      /* what it has is used, all the same */
    assert_non_null(strstr(said, "lacks"));
    assert_false(start(&more, NULL));
    assert_true(start(&more, NULL));
    assert_string_equal(said, "");
}

static void what_was_broken_off_leaves_nothing(void **state)
{
    struct start how = { .cached = true, .source = 9, .n = KINDS,
                         .broken_off = true };
    struct dir_list list;

    (void)state;
    forget_all();
    assert_false(start(&how, NULL));
    assert_int_equal(dir_list(&list, scratch_path(&scratch, "cache/packed"),
                              NULL), ERR_OK);
    assert_int_equal(list.n, 0);
    dir_list_drop(&list);
}

static void a_file_may_go_while_it_is_mapped(void **state)
{
    struct start how = { .cached = true, .source = 5, .n = KINDS };
    float        plain[KINDS][ROWS];
    struct rig   r;

    (void)state;
    forget_all();
    start(&how, plain);
    run(&r, &how);
    forget_all();
    multiply(&r);
    assert_memory_equal(plain, r.y, sizeof plain);
    assert_true(stop(&r));
}

static void too_much_for_the_bound_is_told(void **state)
{
    struct start how = { .cached = true, .source = 5, .n = KINDS,
                         .max_size = 1000 };

    (void)state;
    forget_all();
    assert_false(start(&how, NULL));
    assert_non_null(strstr(said, "may hold"));
    assert_false(start(&how, NULL));
}

/* Where a folder cannot be made, weights are packed as ever. */
static void no_folder_stops_nothing(void **state)
{
    struct start how = { .cached = true, .source = 5, .n = KINDS };
    float        plain[KINDS][ROWS], y[KINDS][ROWS];

    (void)state;
    start(&(struct start){ .n = KINDS }, plain);
    forget_all();
    rmdir(scratch_path(&scratch, "cache/packed"));
    scratch_remove(&scratch, "cache");
    scratch_text(&scratch, "cache", "a file");
    assert_false(start(&how, y));
    assert_non_null(strstr(said, "is not used"));
    assert_memory_equal(plain, y, sizeof y);
    scratch_remove(&scratch, "cache");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_start_maps),
        cmocka_unit_test(other_sources_and_code_have_their_own),
        cmocka_unit_test(damage_is_told_and_mended),
        cmocka_unit_test(what_lacks_a_matrix_goes),
        cmocka_unit_test(what_was_broken_off_leaves_nothing),
        cmocka_unit_test(a_file_may_go_while_it_is_mapped),
        cmocka_unit_test(too_much_for_the_bound_is_told),
        cmocka_unit_test(no_folder_stops_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
