/* Norms, rotation, gates and sums of single rows against f64, for all lengths to
 * 70, on every instruction set that runs here; the sets agree to the bit. */
#include "support/check.h"

#include "kernels/dispatch.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 70 };

/* Values between -3 and 3. */
static void fill(float *x, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((i * 7919 + seed * 104729u) % 1201) / 200.0f - 3.0f;
}

/* Largest deviation as a share of the largest value wanted, or of 1; NaN
 * counts. */
static double deviation(const float *got, const double *want, size_t n)
{
    double worst = 0, most = 1;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - want[i]);
        worst = d > worst || isnan(d) ? d : worst;
        most = fmax(most, fabs(want[i]));
    }
    return worst / most;
}

static void deviations_are_seen(void **state)
{
    float  x[3] = { 1, 2, 3 };
    double y[3] = { 1, 2, 3 };

    (void)state;
    assert_true(deviation(x, y, 3) == 0);
    y[2] = 3.001;
    assert_true(deviation(x, y, 3) > 1e-4);
    x[1] = NAN;
    assert_true(isnan(deviation(x, y, 3)));
}

/* What a set computed, to be compared with the others. */
struct results {
    size_t n;
    float  at[1200];
};

static void keep(struct results *r, const float *y, size_t n)
{
    assert_true(r->n + n <= sizeof r->at / sizeof *r->at);
    memcpy(r->at + r->n, y, n * sizeof *y);
    r->n += n;
}

/* body for every set and length. */
static void everywhere(void (*body)(const struct kernel_table *k, size_t n,
                                    struct results *r))
{
    for (size_t n = 1; n <= LONGEST; n++) {
        struct results first, r;
        for (size_t i = 0; isa_at(i) != NULL; i++) {
            if ((isa_at(i)->needs & ~cpu_features()) != 0)
                continue;
            r.n = 0;
            body(isa_at(i)->kernels, n, &r);
            if (i == 0)
                first = r;
            assert_memory_equal(first.at, r.at, r.n * sizeof *r.at);
        }
    }
}

/* ---- norms ---- */

static void norm_f64(double *y, const float *x, size_t n,
                     const struct norm_args *a)
{
    double mean = 0, square = 0;

    for (size_t i = 0; i < n && a->centre; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++) {
        y[i] = ((double)x[i] - mean) / sqrt(square + (double)a->eps);
        y[i] *= a->weight == NULL ? 1 : (double)a->weight[i];
        y[i] += a->bias == NULL ? 0 : (double)a->bias[i];
    }
}

/* eps is a large part of the sum, so that its place matters. */
static void check_norm(const struct kernel_table *k, size_t n,
                       struct results *r)
{
    float  x[LONGEST], w[LONGEST], b[LONGEST], y[LONGEST];
    double want[LONGEST];

    fill(x, n, 1);
    fill(w, n, 2);
    fill(b, n, 3);
    for (unsigned form = 0; form < 8; form++) {
        struct norm_args a = {
            .eps = 0.5f, .centre = form & 1,
            .weight = form & 2 ? w : NULL, .bias = form & 4 ? b : NULL,
        };
        norm_f64(want, x, n, &a);
        k->norm(y, x, n, &a);
        if (!(deviation(y, want, n) < 2e-6))
            fail_msg("%s: norm of %zu, form %u", k->isa, n, form);
        keep(r, y, n);
        memcpy(y, x, n * sizeof *x);            /* in place */
        k->norm(y, y, n, &a);
        assert_true(deviation(y, want, n) < 2e-6);
    }
}

static void norms(void **state)
{
    (void)state;
    everywhere(check_norm);
}

/* ---- rotation ---- */

/* Heads of 2 n + 1 elements, the last of which is not rotated. */
static void check_rope(const struct kernel_table *k, size_t n,
                       struct results *r)
{
    enum { HEADS = 2, WIDTH = 2 * LONGEST + 1 };
    float  x[HEADS * WIDTH], y[HEADS * WIDTH], cs[2 * LONGEST];
    double want[HEADS * WIDTH];
    size_t width = 2 * n + 1;

    for (size_t i = 0; i < n; i++) {
        cs[i] = (float)cos((double)i + 0.5);
        cs[n + i] = (float)sin((double)i + 0.5);
    }
    for (int pairing = 0; pairing < 2; pairing++) {
        struct rope_args a = { cs, (uint32_t)n,
                               pairing ? ROPE_NEIGHBOURS : ROPE_HALVES };
        fill(x, HEADS * width, 4);
        for (size_t h = 0; h < HEADS; h++) {
            const float *from = x + h * width;
            double      *to = want + h * width;
            to[2 * n] = (double)from[2 * n];
            for (size_t i = 0; i < n; i++) {
                size_t p = pairing ? 2 * i : i, q = pairing ? p + 1 : i + n;
                double c = (double)cs[i], s = (double)cs[n + i];
                to[p] = (double)from[p] * c - (double)from[q] * s;
                to[q] = (double)from[q] * c + (double)from[p] * s;
            }
        }
        memcpy(y, x, sizeof x);
        k->rope(y, HEADS, width, &a);
        if (!(deviation(y, want, HEADS * width) < 1e-6))
            fail_msg("%s: rotation of %zu pairs, %d", k->isa, n, pairing);
        keep(r, y, HEADS * width);
    }
}

static void rotations(void **state)
{
    (void)state;
    everywhere(check_rope);
}

/* ---- gates ---- */

static double activation_f64(double x, enum activation kind)
{
    switch (kind) {
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / 3.14159265358979323846)
                                 * (x + 0.044715 * x * x * x)));
    default:
        return x / 2 * (1 + erf(x / sqrt(2)));
    }
}

static void check_gate(const struct kernel_table *k, size_t n,
                       struct results *r)
{
    float  x[LONGEST + 1], u[LONGEST], y[LONGEST + 1];
    double want[LONGEST];

    fill(x, n, 5);
    fill(u, n, 6);
    for (size_t i = 3; i < n; i += 5)
        x[i] *= 30;
    for (int kind = 0; kind < 3; kind++)
        for (int with = 0; with < 2; with++) {
            for (size_t i = 0; i < n; i++)
                want[i] = activation_f64((double)x[i], (enum activation)kind)
                        * (with ? (double)u[i] : 1);
            memcpy(y, x, sizeof x);
            y[n] = 77;
            k->gate(y, with ? u : NULL, n, (enum activation)kind);
            if (!(deviation(y, want, n) < 1e-6) || y[n] != 77)
                fail_msg("%s: gate of %zu, activation %d", k->isa, n, kind);
            keep(r, y, n);
        }
}

static void gates(void **state)
{
    (void)state;
    everywhere(check_gate);
}

/* ---- the rest ---- */

static void check_rest(const struct kernel_table *k, size_t n,
                       struct results *r)
{
    float  x[LONGEST], y[LONGEST];
    double added[LONGEST], weighted[LONGEST], scaled[LONGEST], capped[LONGEST],
           curved[LONGEST];

    fill(x, n, 7);
    for (size_t i = 0; i < n; i++) {
        added[i] = 2 * (double)x[i];
        weighted[i] = (double)x[i] * 1.5;
        scaled[i] = (double)x[i] * 0.75;
        capped[i] = 2 * tanh((double)x[i] / 2);
        curved[i] = 1 / (1 + exp(-(double)x[i]));
    }
    memcpy(y, x, sizeof x);
    k->add(y, x, n);
    assert_true(deviation(y, added, n) < 1e-6);
    keep(r, y, n);
    memcpy(y, x, sizeof x);
    k->add_scaled(y, x, 0.5f, n);
    assert_true(deviation(y, weighted, n) < 1e-6);
    keep(r, y, n);
    memcpy(y, x, sizeof x);
    k->scale(y, 0.75f, n);
    assert_true(deviation(y, scaled, n) < 1e-6);
    keep(r, y, n);
    memcpy(y, x, sizeof x);
    k->softcap(y, 2, n);
    assert_true(deviation(y, capped, n) < 1e-6);
    keep(r, y, n);
    memcpy(y, x, sizeof x);
    k->sigmoid(y, n);
    assert_true(deviation(y, curved, n) < 1e-6);
    keep(r, y, n);
}

static void the_rest(void **state)
{
    (void)state;
    everywhere(check_rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deviations_are_seen),
        cmocka_unit_test(norms),
        cmocka_unit_test(rotations),
        cmocka_unit_test(gates),
        cmocka_unit_test(the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
