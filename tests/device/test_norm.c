/* Norms of whole rows and of pieces, which share their weights or have each its
 * own: against f64. */
#include "support/check.h"

#include "device/device.h"
#include <math.h>

enum { PIECES = 3, WIDTH = 16, ROW = PIECES * WIDTH, TOKENS = 5 };
static const float epsilon = 0.01f;

static float noise(size_t i)
{
    return (float)((double)((i + 1) * 2654435761u % 65536) / 32768.0 - 0.8);
}

struct rig {
    struct device *device;
    struct stream *stream;
    struct buf    *x;
    float          table[TOKENS * ROW];
    float          given[2 * ROW];     /* weights, then biases */
};

static void rig_open(struct rig *r)
{
    struct cpu_options   o = { .n_threads = 2 };
    struct stream_limits l = {
        .n_tokens = TOKENS, .width = ROW, .n_head = 1,
        .layer = { .form = KV_PAIR, .n_head_kv = 1, .k_width = 8,
                   .v_width = 8 },
        .n_positions = 16,
    };

    assert_int_equal(device_cpu_open(&r->device, &o, NULL), ERR_OK);
    const struct device_ops *ops = r->device->ops;
    assert_int_equal(ops->stream_open(r->device, &r->stream, &l, NULL), ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->x, TOKENS, ROW, NULL), ERR_OK);
    for (size_t i = 0; i < TOKENS * ROW; i++)
        r->table[i] = noise(i);
    for (size_t i = 0; i < 2 * ROW; i++)
        r->given[i] = noise(1000 + i);
}

static void rig_close(struct rig *r)
{
    r->device->ops->buf_close(r->device, r->x);
    r->device->ops->stream_close(r->stream);
    r->device->ops->close(r->device);
}

/* Row t of the buffer becomes row t of the table. */
static void fill(struct rig *r)
{
    const struct device_ops *ops = r->device->ops;
    const int32_t            token[TOKENS] = { 0, 1, 2, 3, 4 };
    struct tensor_source src = {
        .name = "table", .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)r->table, .n_rows = TOKENS, .n_cols = ROW,
    };
    struct matrix_options o = { .use = MATRIX_LOOKUP };
    struct matrix        *m;

    assert_int_equal(ops->matrix_open(r->device, &m, &src, &o, NULL, NULL),
                     ERR_OK);
    ops->embed(r->stream, r->x, m, token, TOKENS, 1.0f);
    ops->matrix_close(r->device, m);
}

/* Of the given weights and biases the first n are the vectors. */
struct form {
    size_t width, n;
    bool   centre, bias;
};

static struct vector *vector_of(struct rig *r, const float *at, size_t n)
{
    struct tensor_source src = {
        .name = "w", .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)at, .n_rows = 1, .n_cols = n,
    };
    struct vector *v;

    assert_int_equal(r->device->ops->vector_open(r->device, &v, &src, 0.0f,
                                                 NULL), ERR_OK);
    return v;
}

/* What element i of all becomes. */
static double expected(const struct rig *r, size_t i, const struct form *f)
{
    const float *x = r->table + i / f->width * f->width;
    double       mean = 0, squares = 0, y;

    for (size_t k = 0; k < f->width && f->centre; k++)
        mean += (double)x[k] / (double)f->width;
    for (size_t k = 0; k < f->width; k++)
        squares += ((double)x[k] - mean) * ((double)x[k] - mean);
    y = ((double)r->table[i] - mean)
      / sqrt(squares / (double)f->width + (double)epsilon);
    y *= (double)r->given[i % f->n];
    return y + (f->bias ? (double)r->given[ROW + i % f->n] : 0);
}

/* The largest difference between the norm of `run` and what `says` expects. */
static double difference(struct rig *r, const struct form *run,
                         const struct form *says)
{
    const struct device_ops *ops = r->device->ops;
    struct vector  *w = vector_of(r, r->given, run->n);
    struct vector  *b = run->bias ? vector_of(r, r->given + ROW, run->n) : NULL;
    struct norm_set set = { .weight = w, .bias = b, .eps = epsilon,
                            .centre = run->centre,
                            .width = run->width == ROW ? 0 : run->width };
    double          worst = 0;

    fill(r);
    ops->norm(r->stream, r->x, r->x, TOKENS, &set);
    const float *y = ops->buf_read(r->stream, r->x, TOKENS);
    for (size_t i = 0; i < TOKENS * ROW; i++)
        worst = fmax(worst, fabs((double)y[i] - expected(r, i, says)));
    ops->vector_close(r->device, w);
    ops->vector_close(r->device, b);
    return worst;
}

static void rows_and_pieces(void **state)
{
    static const size_t shapes[][2] = {
        { ROW, ROW }, { WIDTH, WIDTH }, { WIDTH, ROW },
    };
    struct rig r;

    (void)state;
    rig_open(&r);
    for (size_t s = 0; s < 3; s++)
        for (unsigned kind = 0; kind < 4; kind++) {
            struct form f = { shapes[s][0], shapes[s][1], kind & 1, kind & 2 };
            assert_true(difference(&r, &f, &f) < 1e-5);
        }
    rig_close(&r);
}

/* Weights of the first piece for all, no mean, another width: each is seen. */
static void other_norms_are_noticed(void **state)
{
    static const struct form own = { WIDTH, ROW, true, true };
    static const struct form wrong[] = {
        { WIDTH, WIDTH, true, true }, { WIDTH, ROW, false, true },
        { WIDTH, ROW, true, false }, { ROW, ROW, true, true },
    };
    struct rig r;

    (void)state;
    rig_open(&r);
    for (size_t i = 0; i < 4; i++)
        assert_true(difference(&r, &own, &wrong[i]) > 1e-2);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_pieces),
        cmocka_unit_test(other_norms_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
