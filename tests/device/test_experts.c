/* A mixture of experts against f64, whatever the formats, the number of tokens
 * and threads; weights of experts that nobody chose are not touched. */
#include "support/check.h"

#include "device/device.h"
#include "kernels/dispatch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { EXPERTS = 6, USED = 2, HIDDEN = 64, WIDTH = 96, TOKENS = 70,
       STRIDE = HIDDEN, MATRICES = 3 };

struct rig {
    struct device *device;
    struct stream *stream;
    struct buf    *in, *out, *logits, *weight;
};

static float noise(size_t i)
{
    return (float)((double)((i + 1) * 2654435761u % 65536) / 32768.0 - 1.0);
}

/* Rows from the counter, beginning at `from`, into a buffer. */
static void fill(struct rig *r, struct buf *to, size_t width, size_t from)
{
    const struct device_ops *ops = r->device->ops;
    float               *table = malloc(TOKENS * width * sizeof *table);
    struct tensor_source src = {
        .name = "table", .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)table, .n_rows = TOKENS, .n_cols = width,
    };
    struct matrix_options o = { .use = MATRIX_LOOKUP };
    struct matrix        *m;
    int32_t               token[TOKENS];

    for (size_t i = 0; i < TOKENS * width; i++)
        table[i] = noise(from + i);
    for (int32_t t = 0; t < TOKENS; t++)
        token[t] = t;
    assert_int_equal(ops->matrix_open(r->device, &m, &src, &o, NULL, NULL),
                     ERR_OK);
    ops->embed(r->stream, to, m, token, TOKENS, 1.0f);
    ops->matrix_close(r->device, m);
    free(table);
}

static void rig_open(struct rig *r, unsigned threads)
{
    struct cpu_options   o = { .n_threads = threads };
    struct stream_limits l = {
        .n_tokens = TOKENS, .width = WIDTH, .n_head = 1,
        .layer = { .n_head_kv = 1, .k_width = 8, .v_width = 8 },
        .n_positions = 64, .n_expert = EXPERTS, .n_expert_used = USED,
        .expert_width = WIDTH,
    };

    assert_int_equal(device_cpu_open(&r->device, &o, NULL), ERR_OK);
    const struct device_ops *ops = r->device->ops;
    assert_int_equal(ops->stream_open(r->device, &r->stream, &l, NULL), ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->in, TOKENS, HIDDEN, NULL),
                     ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->out, TOKENS, HIDDEN, NULL),
                     ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->logits, TOKENS, EXPERTS,
                                   NULL), ERR_OK);
    assert_int_equal(ops->buf_open(r->device, &r->weight, TOKENS, 1, NULL),
                     ERR_OK);
    fill(r, r->in, HIDDEN, 0);
    fill(r, r->logits, EXPERTS, 100000);
}

static void rig_close(struct rig *r)
{
    const struct device_ops *ops = r->device->ops;

    ops->buf_close(r->device, r->in);
    ops->buf_close(r->device, r->out);
    ops->buf_close(r->device, r->logits);
    ops->buf_close(r->device, r->weight);
    ops->stream_close(r->stream);
    ops->close(r->device);
}

/* One expert's matrices: gate, up [WIDTH][HIDDEN], down [HIDDEN][WIDTH]. */
struct expert {
    uint8_t        file[MATRICES][WIDTH * HIDDEN * 4];
    float          value[MATRICES][WIDTH * HIDDEN];
    struct matrix *m[MATRICES];
};

struct form {
    const enum dtype_id *type;       /* of expert e: type[e % n_types] */
    size_t               n_types;
    bool                 exact;
    unsigned             down_use;
};

static void make_expert(struct expert *x, struct device *d, size_t e,
                        const struct form *form)
{
    enum dtype_id type = form->type[e % form->n_types];
    const struct weight_format *f = weight_find(isa_at(0)->weights, type);

    for (size_t k = 0; k < MATRICES; k++) {
        size_t cols = k == 2 ? WIDTH : HIDDEN;
        float  v[WIDTH * HIDDEN];
        struct tensor_source src = {
            .name = "expert", .dtype = dtype_get(type), .data = x->file[k],
            .n_rows = WIDTH * HIDDEN / cols, .n_cols = cols,
        };
        struct matrix_options o = { .use = MATRIX_MUL, .exact = form->exact };
        if (k == 2)
            o.use |= form->down_use;
        for (size_t i = 0; i < WIDTH * HIDDEN; i++)
            v[i] = 0.3f * noise((e * MATRICES + k) * 7919 + i);
        f->quantize(x->file[k], v, WIDTH * HIDDEN);
        f->expand(x->value[k], x->file[k], WIDTH * HIDDEN);
        assert_int_equal(d->ops->matrix_open(d, &x->m[k], &src, &o, NULL,
                                             NULL), ERR_OK);
    }
}

static const struct router rule = {
    .n_expert = EXPERTS, .n_used = USED, .renormalise = true, .scale = 1.5f,
};

static void run(struct rig *r, const struct expert *x, size_t n)
{
    struct matrix    *m[MATRICES][EXPERTS];
    struct experts_op op = {
        .out = r->out, .in = r->in, .logits = r->logits, .router = rule,
        .gate = m[0], .up = m[1], .down = m[2], .activation = ACTIVATION_SILU,
    };

    for (size_t e = 0; e < EXPERTS; e++)
        for (size_t k = 0; k < MATRICES; k++)
            m[k][e] = x[e].m[k];
    fill(r, r->out, HIDDEN, 777);
    r->device->ops->experts(r->stream, n, &op);
}

static const float *result(struct rig *r)
{
    return r->device->ops->buf_read(r->stream, r->out, TOKENS);
}

/* ---- the slow way ---- */

static void choose(uint32_t expert[USED], float weight[USED], size_t t)
{
    float score[3 * EXPERTS];

    for (size_t e = 0; e < EXPERTS; e++)
        score[e] = noise(100000 + t * EXPERTS + e);
    isa_at(0)->kernels->route(expert, weight, score, NULL, &rule);
}

static void slow_expert(double *y, const struct expert *x, size_t t, double w)
{
    double inner[WIDTH];

    for (size_t i = 0; i < WIDTH; i++) {
        double g = 0, u = 0;
        for (size_t c = 0; c < HIDDEN; c++) {
            g += (double)x->value[0][i * HIDDEN + c] * noise(t * HIDDEN + c);
            u += (double)x->value[1][i * HIDDEN + c] * noise(t * HIDDEN + c);
        }
        inner[i] = g / (1 + exp(-g)) * u;
    }
    for (size_t o = 0; o < HIDDEN; o++)
        for (size_t i = 0; i < WIDTH; i++)
            y[o] += w * inner[i] * x->value[2][o * WIDTH + i];
}

/* As a share of the largest.  `turn`: the chosen experts are others by so many,
 * a fault. */
static double row_error(const struct expert *x, const float *out, size_t t,
                        size_t turn)
{
    double   y[HIDDEN], worst = 0, most = 0;
    uint32_t expert[USED];
    float    weight[USED];

    for (size_t o = 0; o < HIDDEN; o++)
        y[o] = noise(777 + t * HIDDEN + o);
    choose(expert, weight, t);
    for (size_t k = 0; k < USED; k++)
        slow_expert(y, &x[(expert[k] + turn) % EXPERTS], t, weight[k]);
    for (size_t o = 0; o < HIDDEN; o++) {
        worst = fmax(worst, fabs(y[o] - out[t * STRIDE + o]));
        most = fmax(most, fabs(y[o]));
    }
    return worst / most;
}

static void check(const struct form *form, double most)
{
    struct rig     r;
    struct expert *x = calloc(EXPERTS, sizeof *x);
    float         *many = malloc(TOKENS * STRIDE * sizeof *many);

    for (unsigned threads = 1; threads <= 3; threads++) {
        rig_open(&r, threads);
        for (size_t e = 0; e < EXPERTS; e++)
            make_expert(&x[e], r.device, e, form);
        run(&r, x, TOKENS);
        for (size_t t = 0; t < TOKENS; t++) {
            double e = row_error(x, result(&r), t, 0);
            if (!(e <= most))
                fail_msg("%s: token %zu is off by %g",
                         dtype_get(form->type[0])->name, t, e);
            assert_true(row_error(x, result(&r), t, 1) > most);
        }
        if (threads > 1)
            assert_memory_equal(many, result(&r),
                                TOKENS * STRIDE * sizeof *many);
        memcpy(many, result(&r), TOKENS * STRIDE * sizeof *many);
        run(&r, x, 1);                            /* alone: the same bytes */
        assert_memory_equal(many, result(&r), STRIDE * sizeof *many);
        run(&r, x, 7);
        assert_memory_equal(many, result(&r), 7 * STRIDE * sizeof *many);
        for (size_t e = 0; e < EXPERTS; e++)
            for (size_t k = 0; k < MATRICES; k++)
                r.device->ops->matrix_close(r.device, x[e].m[k]);
        rig_close(&r);
    }
    free(x);
    free(many);
}

static void every_format(void **state)
{
    static const enum dtype_id types[] = {
        DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q5_1,
    };

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct form form = { &types[i], 1, true, 0 };
        check(&form, 2e-6);
        form.exact = false;
        check(&form, i < 2 ? 2e-6 : 0.03);
        form.down_use = MATRIX_FINE;
        check(&form, i < 2 ? 2e-6 : 0.03);
    }
}

/* As safetensors could have it, one expert in this type and one in that. */
static void formats_mixed(void **state)
{
    static const enum dtype_id types[] = {
        DTYPE_F16, DTYPE_Q8_0, DTYPE_BF16, DTYPE_F32,
    };
    struct form form = { types, 4, false, MATRIX_FINE };

    (void)state;
    check(&form, 0.02);
}

/* The rows of the others lie on a page that nobody may read. */
static void others_are_not_read(void **state)
{
    static const enum dtype_id type = DTYPE_F32;
    struct form    form = { &type, 1, true, 0 };
    size_t         size = MATRICES * WIDTH * HIDDEN * 4;
    struct expert *x = calloc(EXPERTS, sizeof *x);
    uint8_t       *map = mmap(NULL, size, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t       expert[USED];
    float          weight[USED];
    struct rig     r;

    (void)state;
    assert_true(map != MAP_FAILED);
    rig_open(&r, 2);
    choose(expert, weight, 0);
    for (uint32_t e = 0; e < EXPERTS; e++) {
        make_expert(&x[e], r.device, e, &form);
        for (size_t k = 0; e != expert[0] && e != expert[1] && k < MATRICES;
             k++) {
            struct tensor_source src = {
                .name = "expert", .dtype = dtype_get(type), .data = map,
                .n_rows = k == 2 ? HIDDEN : WIDTH,
                .n_cols = k == 2 ? WIDTH : HIDDEN,
            };
            struct matrix_options o = { .use = MATRIX_MUL, .exact = true };
            r.device->ops->matrix_close(r.device, x[e].m[k]);
            assert_int_equal(r.device->ops->matrix_open(r.device, &x[e].m[k],
                                                        &src, &o, NULL, NULL),
                             ERR_OK);
        }
    }
    run(&r, x, 1);
    assert_true(row_error(x, result(&r), 0, 0) < 2e-6);
    for (size_t e = 0; e < EXPERTS; e++)
        for (size_t k = 0; k < MATRICES; k++)
            r.device->ops->matrix_close(r.device, x[e].m[k]);
    rig_close(&r);
    munmap(map, size);
    free(x);
}

static void rows_are_weighed(void **state)
{
    struct rig   r;
    const float *out;

    (void)state;
    rig_open(&r, 2);
    fill(&r, r.out, HIDDEN, 777);
    fill(&r, r.weight, 1, 4321);
    r.device->ops->weigh(r.stream, r.out, r.weight, TOKENS);
    out = result(&r);
    for (size_t t = 0; t < TOKENS; t++)
        for (size_t o = 0; o < HIDDEN; o++) {
            double by = 1 / (1 + exp(-(double)noise(4321 + t)));
            double want = noise(777 + t * HIDDEN + o) * by;
            assert_true(fabs(out[t * STRIDE + o] - want) < 1e-6);
        }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(formats_mixed),
        cmocka_unit_test(others_are_not_read),
        cmocka_unit_test(rows_are_weighed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
