#include "tensor/simd.h"
#include "weights/act.h"
#include "weights/parts.h"

enum { MAX_ROWS = WEIGHT_SCRATCH_ROWS, MAX_TOKENS = 4 };

/* A tile of outputs: expanded rows of `width` floats (a multiple of 16, padded
 * with zeros) times prepared f32 rows. */
struct row_tile {
    const float *w;
    size_t       width;
    const float *x[MAX_TOKENS];
    float       *y[MAX_TOKENS];
};

/* n_rows and n_tokens are constants where this is inlined.  A lane of the
 * accumulator is k mod 16: the order does not depend on SIMD_N. */
static inline __attribute__((always_inline)) void
tile(const struct row_tile *t, int n_rows, int n_tokens)
{
    vf acc[MAX_ROWS][MAX_TOKENS][SIMD_PARTS];

    for (int r = 0; r < n_rows; r++)
        for (int i = 0; i < n_tokens; i++)
            for (int p = 0; p < SIMD_PARTS; p++)
                acc[r][i][p] = vf_set1(0.0f);
    for (size_t k = 0; k < t->width; k += 16)
        for (int p = 0; p < SIMD_PARTS; p++)
            for (int i = 0; i < n_tokens; i++) {
                vf x = vf_load(t->x[i] + k + p * SIMD_N);
                for (int r = 0; r < n_rows; r++)
                    acc[r][i][p] = vf_fma(
                        vf_load(t->w + (size_t)r * t->width + k + p * SIMD_N),
                        x, acc[r][i][p]);
            }
    for (int i = 0; i < n_tokens; i++)
        for (int r = 0; r < n_rows; r++)
            t->y[i][r] = simd_sum16(acc[r][i]);
}

static void tile_rows4(const struct row_tile *t, size_t n_tokens)
{
    switch (n_tokens) {
    case 1: tile(t, 4, 1); break;
    case 2: tile(t, 4, 2); break;
    case 3: tile(t, 4, 3); break;
    default: tile(t, 4, 4);
    }
}

/* Rows that are left over go one by one. */
static void tile_rows(struct row_tile t, size_t n_rows, size_t n_tokens)
{
    if (n_rows == MAX_ROWS) {
        tile_rows4(&t, n_tokens);
        return;
    }
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t i = 0; i < n_tokens; i++) {
            struct row_tile one = { t.w, t.width, { t.x[i] }, { t.y[i] + r } };
            tile(&one, 1, 1);
        }
        t.w += t.width;
    }
}

static void mul_expanded(const struct mul_job *job, size_t width, size_t row,
                         size_t n_rows)
{
    for (size_t i = 0; i < job->n_tokens; i += MAX_TOKENS) {
        struct row_tile t = { .w = job->scratch, .width = width };
        size_t n = job->n_tokens - i < MAX_TOKENS ? job->n_tokens - i
                                                  : MAX_TOKENS;

        for (size_t k = 0; k < n; k++) {
            size_t at = job->x_index ? job->x_index[i + k] : i + k;
            t.x[k] = (const float *)(const void *)((const char *)job->x
                                                   + at * job->x_stride);
            t.y[k] = job->y + (i + k) * job->y_stride + row;
        }
        tile_rows(t, n_rows, n);
    }
}

void WEIGHT(mul_rows)(const struct weight_view *w, const struct mul_job *job)
{
    size_t width = (w->n_cols + 15) / 16 * 16;
    size_t row = job->group * WEIGHT_GROUP;
    size_t end = (job->group + job->n_groups) * WEIGHT_GROUP;

    for (size_t i = 0; i < MAX_ROWS * width; i += width)
        for (size_t k = w->n_cols; k < width; k++)
            job->scratch[i + k] = 0.0f;
    if (end > w->n_rows)
        end = w->n_rows;
    for (size_t n; row < end; row += n) {
        n = end - row < MAX_ROWS ? end - row : MAX_ROWS;
        for (size_t r = 0; r < n; r++)
            weight_expand_row(job->scratch + r * width, w, row + r);
        mul_expanded(job, width, row, n);
    }
}
