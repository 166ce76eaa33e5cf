/* Products of one matrix on one thread: how near a kernel comes to what its
 * instructions allow.
 *
 *     bench_mul [FORMAT...]          OSMIA_ISA picks the instruction set
 *
 * Time is the thread's processor time and the best of many windows counts, so
 * a busy machine disturbs little.  Many tokens: the matrix stays in the
 * second-level cache.  One token: it comes from memory. */
#include "base/fpu.h"
#include "kernels/dispatch.h"
#include "weights/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLS = 2048, WINDOWS = 25, MOST_TOKENS = 192 };

struct subject {
    const struct isa_set       *isa;
    const struct weight_format *format;
    uint8_t *tiles, *x;
    float   *y;
    size_t   n_rows, x_stride;
};

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *lines(size_t size)
{
    void *at = aligned_alloc(2 << 20, (size + (2 << 20) - 1) >> 21 << 21);
    if (at == NULL)
        exit(1);
    return at;
}

static float noise(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (1 << 24) - 0.5f;
}

/* One group of real weights, copied to all others. */
static void make_tiles(struct subject *s)
{
    const struct weight_format *f = s->format;
    const struct dtype *t = dtype_get(f->dtype);
    size_t   row = COLS / t->block_len * t->block_size;
    size_t   group = f->group_size(COLS);
    uint8_t *rows = lines(16 * row);
    float    w[COLS];
    unsigned state = 1;

    for (size_t r = 0; r < 16; r++) {
        for (size_t i = 0; i < COLS; i++)
            w[i] = noise(&state);
        f->quantize(rows + r * row, w, COLS);
    }
    struct weight_rows from = { rows, 16, row, COLS };
    s->tiles = lines(group * weight_n_groups(s->n_rows));
    for (size_t g = 0; g < weight_n_groups(s->n_rows); g++)
        if (g == 0)
            f->pack(s->tiles, &from);
        else
            memcpy(s->tiles + g * group, s->tiles, group);
    free(rows);
}

static void make_tokens(struct subject *s)
{
    float    x[COLS];
    unsigned state = 2;

    s->x_stride = act_size(s->format->act, COLS);
    s->x = lines(MOST_TOKENS * s->x_stride);
    s->y = lines(MOST_TOKENS * s->n_rows * sizeof(float));
    for (size_t t = 0; t < MOST_TOKENS; t++) {
        for (size_t i = 0; i < COLS; i++)
            x[i] = noise(&state);
        s->isa->weights->act_prepare(s->x + t * s->x_stride, s->format->act,
                                     x, COLS);
    }
}

/* Seconds of one product with n tokens, in pieces of `groups` groups. */
static double best_seconds(const struct subject *s, size_t n, size_t groups,
                           int repeat)
{
    struct weight_view w = { .format = s->format, .layout = WEIGHT_TILES,
                             .data = s->tiles, .n_rows = s->n_rows,
                             .n_cols = COLS };
    double best = 1e9;

    for (int k = 0; k < WINDOWS; k++) {
        double start = cpu_seconds();
        for (int i = 0; i < repeat; i++)
            for (size_t g = 0; g < weight_n_groups(s->n_rows); g += groups) {
                struct mul_job job = {
                    .x = s->x, .x_stride = s->x_stride, .n_tokens = n,
                    .y = s->y, .y_stride = s->n_rows, .group = g,
                    .n_groups = groups,
                };
                weight_mul(s->isa->weights, &w, &job);
            }
        double took = (cpu_seconds() - start) / repeat;
        best = took < best ? took : best;
    }
    return best;
}

static void drop(struct subject *s)
{
    free(s->tiles);
    free(s->x);
    free(s->y);
}

static void show(const struct isa_set *isa, const struct weight_format *f)
{
    static const size_t tokens[] = { 1, 2, 4, 8, 16, 32, 192 };
    struct subject s = { .isa = isa, .format = f, .n_rows = 512 };

    make_tiles(&s);
    make_tokens(&s);
    printf("%-7s GOPS", f->name);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        size_t n = tokens[i];
        double t = best_seconds(&s, n, 16, n < 16 ? 8 : 2);
        printf(" %4zu: %4.0f", n, 2e-9 * COLS * 512 * (double)n / t);
    }
    drop(&s);
    s.n_rows = (size_t)(256 << 20) / f->group_size(COLS) * 16 / 256 * 256;
    make_tiles(&s);
    make_tokens(&s);
    double size = (double)s.n_rows / 16 * (double)f->group_size(COLS);
    printf("  memory: %.1f GB/s\n", size / best_seconds(&s, 1, 64, 1) / 1e9);
    drop(&s);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const struct isa_set *isa;
    struct err_info       why;

    if (isa_pick(&isa, getenv("OSMIA_ISA"), cpu_features(), &why) != ERR_OK) {
        fprintf(stderr, "bench_mul: %s\n", why.text);
        return 2;
    }
    fpu_enter();
    printf("%s, one thread, %d columns\n", isa->name, COLS);
    const struct weight_format *const *f = isa->weights->formats;
    for (; *f != NULL; f++) {
        bool wanted = argc == 1;
        for (int i = 1; i < argc; i++)
            wanted |= strcmp(argv[i], (*f)->name) == 0;
        if (wanted && (*f)->pack && (*f)->quantize)
            show(isa, *f);
    }
    return 0;
}
