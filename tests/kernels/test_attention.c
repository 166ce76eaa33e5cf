/* Attention against f64, on every instruction set that runs here; the sets must
 * agree to the bit, and so must one query alone and many together. */
#include "support/check.h"

#include "kernels/dispatch.h"
#include "tensor/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void random_floats(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)(next(&seed) >> 40) / 8388608.0 - 1.0);
}

/* The sets that this machine runs; NULL past the end. */
static const struct isa_set *runnable(size_t i)
{
    unsigned features = cpu_features();

    for (size_t k = 0; isa_at(k) != NULL; k++)
        if ((isa_at(k)->needs & ~features) == 0 && i-- == 0)
            return isa_at(k);
    return NULL;
}

/* ---- a cache of one sequence, blocks out of order ---- */

enum { POSITIONS = 1100, N_BLOCKS = (POSITIONS + KV_BLOCK - 1) / KV_BLOCK };

struct scene {
    struct attn_shape shape;
    uint32_t          n;             /* positions */
    float            *k, *v, *q;     /* [n][..] */
    uint32_t          block[N_BLOCKS];
    uint8_t          *memory;
    size_t            memory_size;
};

static void scene_open(struct scene *s, struct attn_shape shape, uint32_t n)
{
    struct kv_layer *l = &s->shape.layer;

    s->shape = shape;
    s->n = n;
    l->offset = 64;
    s->memory_size = (64 + kv_layer_size(l)) * N_BLOCKS;
    s->memory = malloc(s->memory_size);
    memset(s->memory, 0xFF, s->memory_size);     /* NaN in every type */
    for (uint32_t b = 0; b < N_BLOCKS; b++)
        s->block[b] = (b * 11 + 3) % N_BLOCKS;    /* no common factor */
    s->k = malloc((size_t)n * l->n_head_kv * l->k_width * sizeof(float));
    s->v = malloc((size_t)n * l->n_head_kv * l->v_width * sizeof(float));
    s->q = malloc((size_t)n * shape.n_head * l->k_width * sizeof(float));
    random_floats(s->k, (size_t)n * l->n_head_kv * l->k_width, 1);
    random_floats(s->v, (size_t)n * l->n_head_kv * l->v_width, 2);
    random_floats(s->q, (size_t)n * shape.n_head * l->k_width, 3);
}

static void scene_close(struct scene *s)
{
    free(s->memory);
    free(s->k);
    free(s->v);
    free(s->q);
}

static struct kv_view view_of(struct scene *s)
{
    return (struct kv_view){
        .base = s->memory, .block = s->block,
        .block_size = s->memory_size / N_BLOCKS,
    };
}

static void fill_cache(struct scene *s, const struct kernel_table *k)
{
    const struct kv_layer *l = &s->shape.layer;
    struct kv_view         view = view_of(s);

    for (uint32_t p = 0; p < s->n; p++)
        k->kv_store(&view, l, p, s->k + (size_t)p * l->n_head_kv * l->k_width,
                    s->v + (size_t)p * l->n_head_kv * l->v_width);
}

/* out [n][n_head][v_width] of queries [from, from + n), `tile` at a time. */
static void attend_all(struct scene *s, const struct kernel_table *k,
                       uint32_t from, uint32_t n, uint32_t tile, float *out)
{
    const struct kv_layer *l = &s->shape.layer;
    uint32_t group = s->shape.n_head / l->n_head_kv;
    size_t   rows = (size_t)attn_tile_rows(group) * group, w = l->v_width;
    size_t   q_width = (size_t)s->shape.n_head * l->k_width;
    float   *acc = malloc(2 * rows * w * sizeof *acc);
    struct attn_part *part = malloc(2 * rows * sizeof *part);
    float   *scratch = malloc(attn_scratch_size(l, s->shape.n_head) * 4);

    for (uint32_t i = from; i < from + n; i += tile)
        for (uint32_t h = 0; h < l->n_head_kv; h++) {
            struct attn_rows r = {
                .q = s->q + i * q_width, .q_stride = q_width, .pos = i,
                .n = from + n - i < tile ? from + n - i : tile,
                .view = view_of(s),
            };
            uint32_t last = (i + r.n - 1) / ATTN_SEGMENT;
            uint32_t seg = attn_first_key(s->shape.window, i) / ATTN_SEGMENT;
            k->attend(&s->shape, &r, h, seg, part, acc, scratch);
            while (++seg <= last) {
                k->attend(&s->shape, &r, h, seg, part + rows, acc + rows * w,
                          scratch);
                for (size_t x = 0; x < (size_t)r.n * group; x++)
                    k->attn_merge(&part[x], acc + x * w, &part[rows + x],
                                  acc + (rows + x) * w, w);
            }
            for (size_t x = 0; x < (size_t)r.n * group; x++)
                for (size_t d = 0; d < w; d++)
                    out[((i - from + x / group) * s->shape.n_head
                         + h * group + x % group) * w + d]
                        = acc[x * w + d] / part[x].sum;
        }
    free(acc);
    free(part);
    free(scratch);
}

/* ---- the reference, in f64 ---- */

static double score(const struct scene *s, uint32_t i, uint32_t h, uint32_t p)
{
    const struct kv_layer *l = &s->shape.layer;
    uint32_t     kv = h / (s->shape.n_head / l->n_head_kv);
    const float *q = s->q + ((size_t)i * s->shape.n_head + h) * l->k_width;
    const float *k = s->k + ((size_t)p * l->n_head_kv + kv) * l->k_width;
    double       dot = 0;

    for (uint32_t d = 0; d < l->k_width; d++)
        dot += (double)q[d] * k[d];
    dot *= s->shape.scale;
    return s->shape.softcap == 0 ? dot
         : s->shape.softcap * tanh(dot / s->shape.softcap);
}

static void reference(const struct scene *s, uint32_t i, uint32_t h,
                      double *out)
{
    const struct kv_layer *l = &s->shape.layer;
    uint32_t kv = h / (s->shape.n_head / l->n_head_kv);
    uint32_t first = s->shape.window == 0 || i < s->shape.window
                   ? 0 : i - s->shape.window + 1;
    double   most = -INFINITY, sum = 0;

    for (uint32_t p = first; p <= i; p++)
        most = fmax(most, score(s, i, h, p));
    memset(out, 0, l->v_width * sizeof *out);
    for (uint32_t p = first; p <= i; p++) {
        double       w = exp(score(s, i, h, p) - most);
        const float *v = s->v + ((size_t)p * l->n_head_kv + kv) * l->v_width;
        sum += w;
        for (uint32_t d = 0; d < l->v_width; d++)
            out[d] += w * v[d];
    }
    for (uint32_t d = 0; d < l->v_width; d++)
        out[d] /= sum;
}

/* The largest difference; `shift` moves the reference's window, as a fault. */
static double worst_error(const struct scene *s, const float *out,
                          uint32_t from, uint32_t n, int shift)
{
    struct scene wrong = *s;
    uint32_t     w = s->shape.layer.v_width;
    double       want[512], worst = 0;

    if (shift != 0)
        wrong.shape.window = (uint32_t)((int)(s->shape.window == 0 ? from
                             : s->shape.window) + shift);
    for (uint32_t i = from; i < from + n; i++)
        for (uint32_t h = 0; h < s->shape.n_head; h++) {
            reference(&wrong, i, h, want);
            for (uint32_t d = 0; d < w; d++) {
                double e = fabs(want[d] - out[((i - from) * s->shape.n_head
                                               + h) * w + d]);
                worst = e > worst || e != e ? e : worst;
            }
        }
    return worst;
}

/* ---- the tests ---- */

static const double type_error[KV_N_TYPES] = {
    [KV_F16] = 1e-3, [KV_F32] = 2e-6, [KV_BF16] = 8e-3, [KV_Q8_0] = 2e-2,
};

static void check_scene(struct attn_shape shape, uint32_t n)
{
    const uint32_t count = n < 40 ? n : 40, from = n - count;
    uint32_t group = shape.n_head / shape.layer.n_head_kv;
    size_t   size = (size_t)count * shape.n_head * shape.layer.v_width;
    float   *first = malloc(size * sizeof(float));
    float   *other = malloc(size * sizeof(float));
    struct scene s;

    scene_open(&s, shape, n);
    for (size_t i = 0; runnable(i) != NULL; i++) {
        const struct kernel_table *k = runnable(i)->kernels;
        float *out = i == 0 ? first : other;
        memset(s.memory, 0xFF, s.memory_size);
        fill_cache(&s, k);
        attend_all(&s, k, from, count, attn_tile_rows(group), out);
        double e = worst_error(&s, out, from, count, 0);
        if (!(e <= type_error[shape.layer.type]))
            fail_msg("%s: off by %g", k->isa, e);
        if (i > 0 && memcmp(first, other, size * sizeof(float)) != 0)
            fail_msg("%s and %s differ", runnable(0)->name, k->isa);
        attend_all(&s, k, from, count, 1, other);
        if (memcmp(first, other, size * sizeof(float)) != 0)
            fail_msg("%s: one query at a time differs", k->isa);
    }
    /* Seeing one key more or less must be noticed. */
    if (n > 1 && shape.layer.type == KV_F32)
        assert_true(worst_error(&s, first, from, count, -1)
                    > 10 * type_error[KV_F32]);
    scene_close(&s);
    free(first);
    free(other);
}

static struct attn_shape shape_of(enum kv_type type, uint32_t heads,
                                  uint32_t kv, uint32_t width)
{
    return (struct attn_shape){
        .layer = { .type = type, .n_head_kv = kv, .k_width = width,
                   .v_width = width },
        .n_head = heads, .scale = 2.0f / sqrtf((float)width),
    };
}

static void attention_of_every_type(void **state)
{
    (void)state;
    for (int type = 0; type < KV_N_TYPES; type++) {
        check_scene(shape_of((enum kv_type)type, 6, 2, 64), 200);
        check_scene(shape_of((enum kv_type)type, 4, 1, 20), 75);
        check_scene(shape_of((enum kv_type)type, 1, 1, 8), 1);
    }
}

static void windows_softcap_segments(void **state)
{
    struct attn_shape shape = shape_of(KV_F32, 2, 1, 32);

    (void)state;
    check_scene(shape, 1100);        /* three segments */
    shape.window = 32;
    check_scene(shape, 200);
    shape.window = 33;
    check_scene(shape, 130);
    shape.window = 600;
    check_scene(shape, 1100);
    shape.window = 0;
    shape.softcap = 1.5f;
    check_scene(shape, 100);
    shape.layer.v_width = 24;        /* values of another width */
    check_scene(shape, 100);
}

/* Each code is the nearest one for the scale that stands beside it. */
static void q8_codes_fit_their_scale(void **state)
{
    struct attn_shape shape = shape_of(KV_Q8_0, 1, 1, 64);
    struct scene s;
    double worst = 0;

    (void)state;
    scene_open(&s, shape, 200);
    fill_cache(&s, runnable(0)->kernels);
    struct kv_view view = view_of(&s);
    for (uint32_t p = 0; p < s.n; p++) {
        const uint8_t *row = kv_v_at(&shape.layer, kv_head_at(&view,
                                         &s.shape.layer, 0, p));
        row += p % KV_BLOCK * kv_row_size(KV_Q8_0, 64);
        for (uint32_t i = 0; i < 64; i++) {
            const uint8_t *run = row + i / KV_QUANTS * 34;
            uint16_t half;
            memcpy(&half, run, sizeof half);
            double code = (int8_t)run[2 + i % KV_QUANTS];
            double off = fabs((double)s.v[p * 64 + i]
                              / (double)f32_from_f16(half) - code);
            /* The largest value may lie a little beyond the last code. */
            worst = fabs(code) < 127 && off > worst ? off : worst;
        }
    }
    assert_true(worst > 0.4 && worst < 0.5001);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q8_codes_fit_their_scale),
        cmocka_unit_test(attention_of_every_type),
        cmocka_unit_test(windows_softcap_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
