/* Attention over latents against f64, on every instruction set that runs here;
 * the sets must agree to the bit, and so must one query alone and many. */
#include "support/check.h"

#include "kernels/dispatch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 1100, N_BLOCKS = (POSITIONS + KV_BLOCK - 1) / KV_BLOCK };

struct scene {
    struct attn_shape shape;
    uint32_t          n, block[N_BLOCKS];
    size_t            rank, part, width;      /* latent, rotated, both */
    float            *key, *q;                /* [n][width], [n][head][width] */
    uint8_t          *memory;
    size_t            memory_size;
};

static void random_floats(float *x, size_t n, uint64_t state)
{
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)((double)(state >> 40) / 8388608.0 - 1.0);
    }
}

static const struct isa_set *runnable(size_t i)
{
    unsigned features = cpu_features();

    for (size_t k = 0; isa_at(k) != NULL; k++)
        if ((isa_at(k)->needs & ~features) == 0 && i-- == 0)
            return isa_at(k);
    return NULL;
}

static void scene_open(struct scene *s, struct attn_shape shape, uint32_t n)
{
    s->shape = shape;
    s->shape.layer.offset = 64;
    s->n = n;
    s->rank = shape.layer.k_width;
    s->part = shape.layer.v_width;
    s->width = s->rank + s->part;
    s->memory_size = (64 + kv_layer_size(&shape.layer)) * N_BLOCKS;
    s->memory = malloc(s->memory_size);
    for (uint32_t b = 0; b < N_BLOCKS; b++)
        s->block[b] = (b * 11 + 3) % N_BLOCKS;
    s->key = malloc(n * s->width * sizeof(float));
    s->q = malloc(n * s->width * shape.n_head * sizeof(float));
    random_floats(s->key, n * s->width, 1);
    random_floats(s->q, n * s->width * shape.n_head, 2);
}

static void scene_close(struct scene *s)
{
    free(s->memory);
    free(s->key);
    free(s->q);
}

static struct kv_view view_of(struct scene *s)
{
    return (struct kv_view){ .base = s->memory, .block = s->block,
                             .block_size = s->memory_size / N_BLOCKS };
}

static void fill_cache(struct scene *s, const struct kernel_table *k)
{
    struct kv_view view = view_of(s);

    memset(s->memory, 0xFF, s->memory_size);      /* NaN in every type */
    for (uint32_t p = 0; p < s->n; p++)
        k->kv_store(&view, &s->shape.layer, p, s->key + p * s->width,
                    s->key + p * s->width + s->rank);
}

struct room {
    struct attn_part *part;
    float            *acc, *scratch;
};

/* One tile of queries over all its segments, merged into room->part[0 ..]. */
static void attend_tile(struct scene *s, const struct kernel_table *k,
                        const struct attn_rows *r, uint32_t run,
                        const struct room *m)
{
    uint32_t last = (r->pos + r->n - 1) / ATTN_SEGMENT;
    size_t   n = r->n * attn_group(&s->shape.layer, s->shape.n_head);

    k->attend_latent(&s->shape, r, run, 0, m->part, m->acc, m->scratch);
    for (uint32_t seg = 1; seg <= last; seg++) {
        k->attend_latent(&s->shape, r, run, seg, m->part + 32,
                         m->acc + 32 * s->rank, m->scratch);
        for (size_t i = 0; i < n; i++)
            k->attn_merge(&m->part[i], m->acc + i * s->rank, &m->part[32 + i],
                          m->acc + (32 + i) * s->rank, s->rank);
    }
}

/* out [n][n_head][rank] of queries [from, from + n), `tile` at a time. */
static void attend_all(struct scene *s, const struct kernel_table *k,
                       uint32_t from, uint32_t n, uint32_t tile, float *out)
{
    uint32_t    heads = s->shape.n_head;
    uint32_t    group = attn_group(&s->shape.layer, heads);
    size_t      q_width = heads * s->width;
    struct room m = {
        malloc(64 * sizeof(struct attn_part)),
        malloc(64 * s->rank * sizeof(float)),
        malloc(attn_scratch_size(&s->shape.layer, heads) * sizeof(float)),
    };

    for (uint32_t i = from; i < from + n; i += tile)
        for (uint32_t run = 0; run < heads / group; run++) {
            struct attn_rows r = {
                .q = s->q + i * q_width, .q_stride = q_width, .pos = i,
                .n = from + n - i < tile ? from + n - i : tile,
                .view = view_of(s),
            };
            attend_tile(s, k, &r, run, &m);
            for (size_t x = 0; x < (size_t)r.n * group; x++)
                for (size_t d = 0; d < s->rank; d++)
                    out[((i - from + x / group) * heads + run * group
                         + x % group) * s->rank + d]
                        = m.acc[x * s->rank + d] / m.part[x].sum;
        }
    free(m.part);
    free(m.acc);
    free(m.scratch);
}

/* In f64: head h of query i over keys [0, end). */
static void reference(const struct scene *s, uint32_t i, uint32_t h,
                      uint32_t end, double *out)
{
    const float *q = s->q + (i * s->shape.n_head + h) * s->width;
    double       score[POSITIONS], most = -INFINITY, sum = 0;

    memset(out, 0, s->rank * sizeof *out);
    for (uint32_t p = 0; p < end; p++) {
        score[p] = 0;
        for (size_t d = 0; d < s->width; d++)
            score[p] += (double)q[d] * s->key[p * s->width + d];
        score[p] *= s->shape.scale;
        if (s->shape.softcap > 0)
            score[p] = s->shape.softcap * tanh(score[p] / s->shape.softcap);
        most = fmax(most, score[p]);
    }
    for (uint32_t p = 0; p < end; p++) {
        double w = exp(score[p] - most);
        sum += w;
        for (size_t d = 0; d < s->rank; d++)
            out[d] += w * s->key[p * s->width + d];
    }
    for (size_t d = 0; d < s->rank; d++)
        out[d] /= sum;
}

/* The largest difference; `more` keys than there should be, as a fault. */
static double worst_error(const struct scene *s, const float *out,
                          uint32_t from, uint32_t n, int more)
{
    double want[512], worst = 0;

    for (uint32_t i = from; i < from + n; i++)
        for (uint32_t h = 0; h < s->shape.n_head; h++) {
            reference(s, i, h, (uint32_t)((int)i + 1 + more), want);
            for (size_t d = 0; d < s->rank; d++) {
                double e = fabs(want[d] - out[((i - from) * s->shape.n_head
                                               + h) * s->rank + d]);
                worst = e > worst || e != e ? e : worst;
            }
        }
    return worst;
}

static const double type_error[KV_N_TYPES] = {
    [KV_F16] = 1e-3, [KV_F32] = 2e-6, [KV_BF16] = 8e-3, [KV_Q8_0] = 2e-2,
};

static void check_scene(struct attn_shape shape, uint32_t n)
{
    const uint32_t count = n < 9 ? n : 9, from = n - count;
    uint32_t group = attn_group(&shape.layer, shape.n_head);
    size_t   size = (size_t)count * shape.n_head * shape.layer.k_width;
    float   *first = calloc(size, sizeof(float));
    float   *other = malloc(size * sizeof(float));
    struct scene s;

    scene_open(&s, shape, n);
    for (size_t i = 0; runnable(i) != NULL; i++) {
        const struct kernel_table *k = runnable(i)->kernels;
        float *out = i == 0 ? first : other;
        fill_cache(&s, k);
        attend_all(&s, k, from, count, attn_tile_rows(group), out);
        double e = i > 0 ? 0 : worst_error(&s, out, from, count, 0);
        if (!(e <= type_error[shape.layer.type]))
            fail_msg("%s: off by %g", k->isa, e);
        if (i > 0 && memcmp(first, other, size * sizeof(float)) != 0)
            fail_msg("%s and %s differ", runnable(0)->name, k->isa);
        attend_all(&s, k, from, count, 1, other);
        if (memcmp(first, other, size * sizeof(float)) != 0)
            fail_msg("%s: one query at a time differs", k->isa);
    }
    /* Seeing one key less must be noticed. */
    if (n > 9 && shape.layer.type == KV_F32)
        assert_true(worst_error(&s, first, from, count, -1)
                    > 10 * type_error[KV_F32]);
    scene_close(&s);
    free(first);
    free(other);
}

static struct attn_shape shape_of(enum kv_type type, uint32_t heads,
                                  uint32_t rank, uint32_t part)
{
    return (struct attn_shape){
        .layer = { .form = KV_LATENT, .type = type, .n_head_kv = 1,
                   .k_width = rank, .v_width = part },
        .n_head = heads, .scale = 2.0f / sqrtf((float)rank),
    };
}

static void every_type(void **state)
{
    (void)state;
    for (int type = 0; type < KV_N_TYPES; type++) {
        check_scene(shape_of((enum kv_type)type, 4, 64, 16), 130);
        check_scene(shape_of((enum kv_type)type, 20, 37, 6), 75);
        check_scene(shape_of((enum kv_type)type, 1, 8, 2), 1);
    }
}

static void heads_segments_softcap(void **state)
{
    struct attn_shape shape = shape_of(KV_F32, 2, 24, 8);

    (void)state;
    check_scene(shape, 1100);                    /* three segments */
    check_scene(shape, 516);                     /* across an edge */
    check_scene(shape_of(KV_F32, 64, 16, 4), 70);
    check_scene(shape_of(KV_F32, 37, 16, 4), 70);     /* a prime: one by one */
    check_scene(shape_of(KV_F16, 16, 512, 64), 70);   /* as in the files */
    shape.softcap = 1.5f;
    check_scene(shape, 100);
}

/* The most heads of a tile that divide all of them. */
static void groups(void **state)
{
    static const uint32_t rows[][2] = { { 128, 32 }, { 16, 16 }, { 40, 20 },
                                        { 37, 1 }, { 1, 1 }, { 48, 24 } };
    struct kv_layer l = { .form = KV_LATENT, .n_head_kv = 1 };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(attn_group(&l, rows[i][0]), rows[i][1]);
    l = (struct kv_layer){ .form = KV_PAIR, .n_head_kv = 4 };
    assert_int_equal(attn_group(&l, 12), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(heads_segments_softcap),
        cmocka_unit_test(groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
