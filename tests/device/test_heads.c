/* Products for each head, and matrices that lie the other way round in the
 * file: against f64, whatever the format, the number of tokens and threads. */
#include "support/check.h"

#include "device/device.h"
#include "kernels/dispatch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 3, ROWS = 20, COLS = 64, REST = 5, TOKENS_MAX = 70,
       IN = HEADS * (COLS + REST), OUT = HEADS * (ROWS + REST) };

struct rig {
    struct device *device;
    struct stream *stream;
    struct buf    *in, *out;
};

static float noise(size_t i)
{
    return (float)((double)((i + 1) * 2654435761u % 65536) / 32768.0 - 1.0);
}

/* Token t's input is row t of a table. */
static void fill(struct rig *r)
{
    const struct device_ops *ops = r->device->ops;
    float               *table = malloc(TOKENS_MAX * IN * sizeof *table);
    struct tensor_source src = {
        .name = "table", .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)table, .n_rows = TOKENS_MAX, .n_cols = IN,
    };
    struct matrix_options o = { .use = MATRIX_LOOKUP };
    struct matrix        *m;
    int32_t               token[TOKENS_MAX];

    for (size_t i = 0; i < TOKENS_MAX * IN; i++)
        table[i] = noise(i);
    for (int32_t t = 0; t < TOKENS_MAX; t++)
        token[t] = t;
    assert_int_equal(ops->matrix_open(r->device, &m, &src, &o, NULL, NULL),
                     ERR_OK);
    ops->embed(r->stream, r->in, m, token, TOKENS_MAX, 1.0f);
    ops->matrix_close(r->device, m);
    free(table);
}

static void rig_open(struct rig *r, unsigned threads)
{
    struct cpu_options   o = { .n_threads = threads };
    struct stream_limits l = {
        .n_tokens = TOKENS_MAX, .width = IN, .n_head = HEADS,
        .layer = { .form = KV_LATENT, .n_head_kv = 1, .k_width = 8,
                   .v_width = 2 },
        .n_positions = 64, .head_width = COLS,
    };

    assert_int_equal(device_cpu_open(&r->device, &o, NULL), ERR_OK);
    const struct device_ops *ops = r->device->ops;
    assert_int_equal(ops->stream_open(r->device, &r->stream, &l, NULL), ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->in, TOKENS_MAX, IN, NULL),
                     ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->out, TOKENS_MAX, OUT, NULL),
                     ERR_OK);
    fill(r);
}

static void rig_close(struct rig *r)
{
    const struct device_ops *ops = r->device->ops;

    ops->buf_close(r->device, r->in);
    ops->buf_close(r->device, r->out);
    ops->stream_close(r->stream);
    ops->close(r->device);
}

/* The weights of a head in a file, and what they mean. */
struct head {
    uint8_t        file[ROWS * COLS * 4];
    float          value[ROWS * COLS];     /* [ROWS][COLS] */
    struct matrix *m;
};

static void make_head(struct head *h, struct device *d, size_t number,
                      enum dtype_id type, bool transposed, bool is_exact)
{
    const struct weight_format *f = weight_find(isa_at(0)->weights, type);
    size_t rows = transposed ? COLS : ROWS, cols = transposed ? ROWS : COLS;
    float  x[ROWS * COLS], back[ROWS * COLS];
    struct tensor_source src = {
        .name = "head", .dtype = dtype_get(type), .data = h->file,
        .n_rows = ROWS, .n_cols = COLS, .transposed = transposed,
    };
    struct matrix_options o = { .use = MATRIX_MUL, .exact = is_exact };
    size_t bytes = 0;

    for (size_t i = 0; i < ROWS * COLS; i++)
        x[i] = noise(number * 7919 + i);
    f->quantize(h->file, x, rows * cols);
    f->expand(back, h->file, rows * cols);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            h->value[transposed ? c * COLS + r : r * COLS + c]
                = back[r * cols + c];
    assert_int_equal(d->ops->matrix_open(d, &h->m, &src, &o, NULL, NULL),
                     ERR_OK);
    assert_int_equal(d->ops->matrix_plan(d, &bytes, &src, &o, NULL), ERR_OK);
    assert_int_equal(bytes, d->ops->matrix_bytes(h->m));
}

/* The largest difference of a token's row; `shift`: of the weights, a fault. */
static double row_error(const struct head *head, const float *out, size_t t,
                        size_t shift)
{
    double worst = 0;

    for (size_t h = 0; h < HEADS; h++) {
        const float *y = out + h * (ROWS + REST);
        size_t       x = t * IN + h * (COLS + REST);
        for (size_t r = 0; r < ROWS; r++) {
            double want = 0;
            for (size_t c = 0; c < COLS; c++)
                want += (double)noise(x + c)
                      * head[h].value[(r + shift) % ROWS * COLS + c];
            worst = fmax(worst, fabs(want - y[r]));
        }
        for (size_t i = 0; i < REST; i++)
            worst = fmax(worst, fabs((double)y[ROWS + i]
                                     - noise(x + COLS + i)));
    }
    return worst;
}

static const float *run(struct rig *r, struct head *head, size_t n)
{
    struct matrix  *weight[HEADS];
    struct heads_op op = { .out = r->out, .in = r->in, .weight = weight,
                           .n_heads = HEADS };

    for (size_t h = 0; h < HEADS; h++)
        weight[h] = head[h].m;
    r->device->ops->mul_heads(r->stream, n, &op);
    return r->device->ops->buf_read(r->stream, r->out, 1);
}

static void check(enum dtype_id type, bool transposed, bool is_exact,
                  double most)
{
    enum { STRIDE = (OUT + 15) / 16 * 16 };
    struct rig   r;
    struct head *head = calloc(HEADS, sizeof *head);
    float       *many = malloc(TOKENS_MAX * STRIDE * sizeof *many);

    for (unsigned threads = 1; threads <= 3; threads++) {
        rig_open(&r, threads);
        for (size_t h = 0; h < HEADS; h++)
            make_head(&head[h], r.device, h, type, transposed, is_exact);
        const float *out = run(&r, head, TOKENS_MAX);
        for (size_t t = 0; t < TOKENS_MAX; t++) {
            double e = row_error(head, out + t * STRIDE, t, 0);
            if (!(e <= most))
                fail_msg("%s: off by %g", dtype_get(type)->name, e);
            assert_true(row_error(head, out + t * STRIDE, t, 1) > most);
        }
        if (threads > 1)
            assert_memory_equal(many, out, TOKENS_MAX * STRIDE * sizeof *many);
        memcpy(many, out, TOKENS_MAX * STRIDE * sizeof *many);
        out = run(&r, head, 1);                   /* alone: the same bytes */
        assert_memory_equal(many, out, STRIDE * sizeof *many);
        for (size_t h = 0; h < HEADS; h++)
            r.device->ops->matrix_close(r.device, head[h].m);
        rig_close(&r);
    }
    free(head);
    free(many);
}

static void every_form(void **state)
{
    (void)state;
    for (int is_exact = 0; is_exact < 2; is_exact++) {
        check(DTYPE_F32, false, is_exact, 1e-5);
        check(DTYPE_F16, false, is_exact, 1e-5);
        check(DTYPE_F32, true, is_exact, 1e-5);
        check(DTYPE_F16, true, is_exact, 1e-5);
    }
    check(DTYPE_Q8_0, false, true, 1e-5);
    check(DTYPE_Q8_0, false, false, 0.2);
    check(DTYPE_BF16, true, true, 1e-5);
    check(DTYPE_BF16, true, false, 0.1);
}

/* Blocks along the rows of the file: what is held is f16, or f32 if numbers are
 * to be exact. */
static void quantised_and_transposed(void **state)
{
    enum { N = 32 };
    const struct weight_format *f = weight_find(isa_at(0)->weights, DTYPE_Q8_0);
    struct cpu_options    o = { .n_threads = 1 };
    float                 x[N * N];
    uint8_t               file[N * 34];
    struct tensor_source  src = {
        .name = "k", .dtype = dtype_get(DTYPE_Q8_0), .data = file,
        .n_rows = N, .n_cols = N, .transposed = true,
    };
    struct matrix_options made = { .use = MATRIX_MUL };
    struct device *d;
    struct matrix *m;

    (void)state;
    for (size_t i = 0; i < N * N; i++)
        x[i] = noise(i);
    f->quantize(file, x, N * N);
    assert_int_equal(device_cpu_open(&d, &o, NULL), ERR_OK);
    assert_int_equal(d->ops->matrix_open(d, &m, &src, &made, NULL, NULL),
                     ERR_OK);
    assert_int_equal(d->ops->matrix_bytes(m), N * N * 2);
    d->ops->matrix_close(d, m);
    made.exact = true;
    assert_int_equal(d->ops->matrix_open(d, &m, &src, &made, NULL, NULL),
                     ERR_OK);
    assert_int_equal(d->ops->matrix_bytes(m), N * N * 4);
    d->ops->matrix_close(d, m);
    /* No f16 holds 70000. */
    for (size_t i = 0; i < N * N; i++)
        x[i] = 70000;
    f->quantize(file, x, N * N);
    made.exact = false;
    assert_int_equal(d->ops->matrix_open(d, &m, &src, &made, NULL, NULL),
                     ERR_FORMAT);
    d->ops->close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(quantised_and_transposed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
