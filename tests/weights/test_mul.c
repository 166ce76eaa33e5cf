/* Every product of every format on every instruction set that this machine
 * runs, against expand and a plain f64 sum; and the promise that an output has
 * the same bits whatever is computed beside it. */
#include "weights/act.h"
#include "wsample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 33, TOKENS = 33, WHOLE_TO = 64 };

/* Rounding of f32 sums grows with their length. */
static const double tolerance = 2e-6;

/* Asked once: in a virtual machine the question costs as much as a product. */
static bool runs(const struct isa_set *set)
{
    static unsigned features;

    if (features == 0)
        features = cpu_features();
    return !(set->needs & ~features);
}

static struct weight_view tiles_view(const struct sample *s,
                                     const struct weight_format *f,
                                     const void *tiles)
{
    return (struct weight_view){
        .format = f, .layout = WEIGHT_TILES, .data = tiles,
        .n_rows = s->n_rows, .n_cols = s->n_cols,
    };
}

static void multiply(const struct weight_table *t, const struct weight_view *w,
                     const void *acts, size_t n_tokens, float *y)
{
    struct mul_job job = {
        .x = acts, .x_stride = act_size(weight_act(w), w->n_cols),
        .n_tokens = n_tokens, .y = y, .y_stride = w->n_rows,
        .n_groups = weight_n_groups(w->n_rows),
    };
    void *scratch = aligned_alloc(64, weight_scratch_size(w));

    job.scratch = scratch;
    weight_mul(t, w, &job);
    free(scratch);
}

/* Canaries around y show writes outside of it. */
static float *guarded(size_t n)
{
    float *y = malloc((n + 2) * sizeof *y);

    y[0] = y[n + 1] = 12345.0f;
    return y + 1;
}

static void unguard(float *y, size_t n)
{
    assert_true(y[-1] == 12345.0f && y[n] == 12345.0f);
    free(y - 1);
}

/* One width of one format: the matrix, and for each kind of activation that a
 * set may want the prepared tokens and the product, made when first wanted. */
struct width {
    struct sample    s;
    void            *acts[ACT_KINDS];
    struct reference product[ACT_KINDS];
};

static void width_drop(struct width *w)
{
    for (int k = 0; k < ACT_KINDS; k++) {
        free(w->acts[k]);
        reference_drop(&w->product[k]);
    }
    sample_drop(&w->s);
}

/* Tokens as this set prepares them: the same bytes as another's. */
static void *acts_of(struct width *w, const struct isa_set *set,
                     enum act_kind kind, size_t n_tokens)
{
    size_t n_cols = w->s.n_cols;
    bool   is_first = w->acts[kind] == NULL;
    size_t n = is_first ? TOKENS : n_tokens;
    void  *acts = sample_acts(set->weights, kind, n, n_cols, 7);

    if (is_first) {
        w->product[kind] = reference_make(&w->s, acts, kind, TOKENS);
        return w->acts[kind] = acts;
    }
    if (memcmp(acts, w->acts[kind], n * act_size(kind, n_cols)))
        fail_msg("%s prepares tokens in its own way", set->name);
    free(acts);
    return w->acts[kind];
}

/* A rectangle of the reference: the first rows and tokens of it. */
struct part { size_t rows, tokens; };

static void check_width(const struct isa_set *set,
                        const struct weight_format *f, struct width *width,
                        struct part part)
{
    struct sample *s = &width->s;
    void *tiles = sample_pack(s, f);
    void *acts = acts_of(width, set, f->act, part.tokens);
    struct weight_view w = tiles_view(s, f, tiles);
    size_t n = part.rows * part.tokens;
    float *y = guarded(n), *one = malloc(part.rows * sizeof *one);
    long bad;

    w.n_rows = part.rows;
    multiply(set->weights, &w, acts, part.tokens, y);
    bad = reference_stray(&width->product[f->act], y, part.rows, part.tokens,
                          tolerance);
    if (bad >= 0)
        fail_msg("%s %s: width %zu, place %ld of %zu x %zu: %g", set->name,
                 f->name, s->n_cols, bad, part.tokens, part.rows,
                 (double)y[bad]);
    for (size_t t = 0; t < part.tokens; t++) {
        multiply(set->weights, &w, (const char *)acts
                                   + t * act_size(f->act, s->n_cols), 1, one);
        if (memcmp(one, y + t * part.rows, sizeof *one * part.rows))
            fail_msg("%s %s: width %zu: token %zu differs alone", set->name,
                     f->name, s->n_cols, t);
    }
    unguard(y, n);
    free(one);
    free(tiles);
}

/* Sets in plain C take long for long rows: a rectangle with a row group begun
 * and fewer tokens than fill a tile is what they are given there. */
static struct part part_for(const struct isa_set *set, size_t n_cols)
{
    bool is_whole = set->needs != 0 || n_cols <= WHOLE_TO;
    return is_whole ? (struct part){ ROWS, TOKENS } : (struct part){ 17, 3 };
}

static void check_format(const struct weight_format *f, const size_t *widths)
{
    for (; f->pack != NULL && *widths > 0; widths++) {
        struct width w = { .s = { 0 } };

        if (*widths % f->block_len != 0)
            continue;
        w.s = sample_make(f, ROWS, *widths);
        for (size_t set = 0; isa_at(set); set++)
            if (runs(isa_at(set)))
                check_width(isa_at(set),
                            weight_find(isa_at(set)->weights, f->dtype), &w,
                            part_for(isa_at(set), *widths));
        width_drop(&w);
    }
}

/* All legal widths to 512, then a dozen: models' own, odd ones, and one that
 * is no multiple of 256 where a format has blocks of 32. */
static void tiles_agree_with_expand(void **state)
{
    static const size_t long_widths[] = {
        544, 576, 768, 1056, 1536, 2048, 2816, 3584, 4864, 8192, 11008, 14336,
        0,
    };
    const struct weight_table *plain = isa_at(0)->weights;
    size_t short_widths[513];

    (void)state;
    for (size_t n = 0; n < 512; n++)
        short_widths[n] = n + 1;
    short_widths[512] = 0;
    for (size_t k = 0; plain->formats[k]; k++) {
        check_format(plain->formats[k], short_widths);
        check_format(plain->formats[k], long_widths);
    }
}

/* Every number of tokens, every number of rows, tokens through an index. */
static void check_shapes(const struct isa_set *set,
                         const struct weight_format *f, const struct sample *s)
{
    void *tiles = sample_pack(s, f);
    struct weight_view w = tiles_view(s, f, tiles);
    void *acts = sample_acts(set->weights, f->act, TOKENS, s->n_cols, 7);
    float *all = guarded(TOKENS * ROWS), *y;
    uint32_t index[TOKENS];

    multiply(set->weights, &w, acts, TOKENS, all);
    for (size_t n = 1; n <= TOKENS; n++) {
        y = guarded(n * ROWS);
        multiply(set->weights, &w, acts, n, y);
        assert_memory_equal(y, all, n * ROWS * sizeof *y);
        unguard(y, n * ROWS);
        index[n - 1] = (uint32_t)(n * 7 % TOKENS);
    }
    for (w.n_rows = 1; w.n_rows <= ROWS; w.n_rows++) {
        y = guarded(7 * w.n_rows);
        multiply(set->weights, &w, acts, 7, y);
        for (size_t t = 0; t < 7; t++)
            assert_memory_equal(y + t * w.n_rows, all + t * ROWS,
                                w.n_rows * sizeof *y);
        unguard(y, 7 * w.n_rows);
    }
    w.n_rows = ROWS;
    y = guarded(TOKENS * ROWS);
    for (size_t g = 0; g < weight_n_groups(ROWS); g++)
        f->mul(&w, &(struct mul_job){
            .x = acts, .x_stride = act_size(f->act, s->n_cols),
            .x_index = index, .n_tokens = TOKENS, .y = y, .y_stride = ROWS,
            .group = g, .n_groups = 1 });
    for (size_t t = 0; t < TOKENS; t++)
        assert_memory_equal(y + t * ROWS, all + index[t] * ROWS,
                            ROWS * sizeof *y);
    unguard(y, TOKENS * ROWS);
    unguard(all, TOKENS * ROWS);
    free(acts);
    free(tiles);
}

static void shapes_do_not_change_bits(void **state)
{
    const struct weight_table *plain = isa_at(0)->weights;

    (void)state;
    for (size_t k = 0; plain->formats[k]; k++) {
        const struct weight_format *f = plain->formats[k];
        struct sample s = sample_make(f, ROWS, f->block_len < 64 ? 544 : 768);

        for (size_t set = 0; isa_at(set) && f->pack; set++)
            if (runs(isa_at(set)))
                check_shapes(isa_at(set),
                             weight_find(isa_at(set)->weights, f->dtype), &s);
        sample_drop(&s);
    }
}

static void integer_formats_are_equal_on_all_sets(void **state)
{
    const struct weight_table *plain = isa_at(0)->weights;

    (void)state;
    for (size_t k = 0; plain->formats[k]; k++) {
        const struct weight_format *f = plain->formats[k];
        struct sample s = sample_make(f, ROWS, 1024);
        float first[3 * ROWS], y[3 * ROWS];

        for (size_t set = 0; isa_at(set) && f->pack && f->act == ACT_INT8;
             set++) {
            const struct weight_table *t = isa_at(set)->weights;
            const struct weight_format *g = weight_find(t, f->dtype);
            void *tiles, *acts;

            if (!runs(isa_at(set)))
                continue;
            tiles = sample_pack(&s, g);
            acts = sample_acts(t, ACT_INT8, 3, 1024, 99);
            struct weight_view w = tiles_view(&s, g, tiles);
            multiply(t, &w, acts, 3, set ? y : first);
            if (set && memcmp(y, first, sizeof y))
                fail_msg("%s on %s differs from scalar", f->name, t->isa);
            free(acts);
            free(tiles);
        }
        sample_drop(&s);
    }
}

/* The ROWS layout, every format, with the scales that fp8 files carry. */
static void rows_agree_with_expand(void **state)
{
    const struct weight_table *plain = isa_at(0)->weights;
    static const float scales[] = { 0.5f, 3.0f, -0.25f, 7.0f, 1.5f, 2.0f };

    (void)state;
    for (size_t k = 0; plain->formats[k]; k++) {
        const struct weight_format *f = plain->formats[k];
        size_t n = f->block_len == 1 ? 413 : 512;
        struct sample s = sample_make(f, ROWS, n);
        float y[7 * ROWS], first[7 * ROWS];
        struct weight_view w = {
            .format = f, .data = s.rows, .n_rows = ROWS, .n_cols = n,
            .row_stride = s.row_size,
            .scale = { scales, 16, 256, 2 },
        };
        void *acts = sample_acts(plain, ACT_F32, 7, n, 5);

        for (size_t i = 0; i < ROWS * n; i++)
            s.values[i] *= scales[i / n / 16 * 2 + i % n / 256];
        for (size_t set = 0; isa_at(set); set++) {
            if (!runs(isa_at(set)))
                continue;
            w.format = weight_find(isa_at(set)->weights, f->dtype);
            multiply(isa_at(set)->weights, &w, acts, 7, set ? y : first);
            if (set && memcmp(y, first, sizeof y))
                fail_msg("rows of %s on %s", f->name, isa_at(set)->name);
        }
        if (sample_stray(&s, acts, ACT_F32, first, 7, 1e-6) >= 0)
            fail_msg("rows of %s stray", f->name);
        for (size_t t = 0; t < 7; t++) {
            multiply(isa_at(0)->weights, &w, (const char *)acts
                     + t * act_size(ACT_F32, n), 1, y);
            assert_memory_equal(y, first + t * ROWS, ROWS * sizeof *y);
        }
        free(acts);
        sample_drop(&s);
    }
}

/* The comparison itself must see a kernel that drops one value, swaps two
 * nibbles or shifts a row by one. */
static void planted_faults_are_seen(void **state)
{
    const struct weight_table *t = isa_at(0)->weights;
    const struct weight_format *f = weight_find(t, DTYPE_Q4_0);
    struct sample s = sample_make(f, ROWS, 512);
    unsigned char *tiles = sample_pack(&s, f);
    struct weight_view w = tiles_view(&s, f, tiles);
    void *acts = sample_acts(t, f->act, 5, 512, 7);
    float y[5 * ROWS], old;

    (void)state;
    multiply(t, &w, acts, 5, y);
    assert_int_equal(sample_stray(&s, acts, f->act, y, 5, tolerance), -1);
    old = y[3];
    y[3] += s.values[3 * 512 + 511] * 0.01f;
    assert_int_equal(sample_stray(&s, acts, f->act, y, 5, tolerance), 3);
    y[3] = old;
    memmove(y + 1, y, 4 * ROWS);
    assert_int_not_equal(sample_stray(&s, acts, f->act, y, 5, tolerance), -1);
    for (size_t i = 32; tiles[i] >> 4 == (tiles[i] & 15) || i == 32; i++)
        tiles[i + 1] = (unsigned char)(tiles[i + 1] >> 4 | tiles[i + 1] << 4);
    multiply(t, &w, acts, 5, y);
    assert_int_not_equal(sample_stray(&s, acts, f->act, y, 5, tolerance), -1);
    free(acts);
    free(tiles);
    sample_drop(&s);
}

/* Zeros, infinities, NaN and subnormal scales: any bytes may come from a file;
 * nothing may crash, on any set. */
static void extreme_blocks_do_no_harm(void **state)
{
    (void)state;
    for (size_t set = 0; isa_at(set); set++) {
        const struct weight_table *t = isa_at(set)->weights;

        if (!runs(isa_at(set)))
            continue;
        for (size_t k = 0; t->formats[k]; k++) {
            static const unsigned char fill[] = { 0, 0xff, 0x7c, 0x80, 0x01 };
            struct sample s = sample_make(t->formats[k], 17, 256);

            for (size_t i = 0; i < sizeof fill; i++) {
                float y[3 * 17];
                void *tiles, *acts;

                memset(s.rows, fill[i], 17 * s.row_size);
                s.format->expand(s.values, s.rows, 256);
                if (!s.format->pack)
                    continue;
                tiles = sample_pack(&s, s.format);
                struct weight_view w = tiles_view(&s, s.format, tiles);
                acts = sample_acts(t, s.format->act, 3, 256, 3);
                multiply(t, &w, acts, 3, y);
                multiply(t, &w, acts, 1, y);
                free(acts);
                free(tiles);
            }
            sample_drop(&s);
        }
    }
}

/* Codes of a block: the greatest is 127, what is smaller in proportion; a block
 * that is all but zero has no codes. */
static void activations_are_in_proportion(void **state)
{
    uint8_t         *room = aligned_alloc(64, act_align64(act_size(ACT_INT8,
                                                                   64)));
    struct act_int8  a = act_int8_at(room, 64);
    float            x[64] = { 254.0f, -128.0f, 3.0f };

    (void)state;
    x[32] = 1e-32f;
    for (size_t i = 0; isa_at(i) != NULL; i++) {
        if (!runs(isa_at(i)))
            continue;
        isa_at(i)->weights->act_prepare(room, ACT_INT8, x, 64);
        assert_true(a.scale[0] == 2.0f && a.scale[1] == 0.0f);
        assert_int_equal(a.code[0], 127);
        assert_int_equal(a.code[1], -64);
        assert_int_equal(a.code[2], 2);        /* 1.5: to even */
        assert_int_equal(a.code[32], 0);
        assert_int_equal(a.sum32[0], 65);
        assert_int_equal(a.sum32[1], 0);
    }
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_agree_with_expand),
        cmocka_unit_test(shapes_do_not_change_bits),
        cmocka_unit_test(integer_formats_are_equal_on_all_sets),
        cmocka_unit_test(rows_agree_with_expand),
        cmocka_unit_test(planted_faults_are_seen),
        cmocka_unit_test(activations_are_in_proportion),
        cmocka_unit_test(extreme_blocks_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
