/* Many tokens at a slab of unpacked weights: the second half of the product
 * for batches (int_mul.h unpacks).  A body is one function specialised by
 * constants (struct slab_case); for every element it does the operations of
 * weight.h in their order, so that a token gets the same bits as alone. */
#include "weights/int_slab.h"

enum { MAX_TOKENS = SIMD_TILE_T, VECTORS = SIMD_TILE_V };

/* Up to MAX_TOKENS tokens at one slab. */
struct token_tile {
    const int8_t *code[MAX_TOKENS];
    const float  *scale[MAX_TOKENS];
    const float  *fsum[MAX_TOKENS];
    float        *y[MAX_TOKENS];
    int32_t       bias[MAX_TOKENS][2 * SLAB_BLOCKS];
};

static void token_tile_init(struct token_tile *t, const struct slab_span *span,
                            const struct mul_job *job, size_t first, int n,
                            int sub)
{
    size_t per = (size_t)(ACT_BLOCK / sub), at = span->block * per;

    for (int i = 0; i < n; i++) {
        size_t token = first + (size_t)i;
        struct act_int8 x = act_int8_at(job_row(job, token), span->n_cols);
        const int32_t *sum = (sub == 16 ? x.sum16 : x.sum32) + at;

        t->code[i] = x.code + span->block * ACT_BLOCK;
        t->scale[i] = x.scale + span->block;
        t->fsum[i] = (sub == 16 ? x.fsum16 : x.fsum32) + at;
        t->y[i] = job->y + token * job->y_stride + span->row;
        /* All of a slab's, whether there are so many blocks or not: behind
         * the sums other parts of the row may be read (act.h). */
        for (size_t k = 0; k < SLAB_BLOCKS * per; k += SIMD_N)
            vi_store(&t->bias[i][k],
                     vi_mul(vi_load(sum + k), vi_set1(span->bias_factor)));
    }
}

/* Everything a body is specialised by; constants where it is inlined. */
struct slab_case {
    int  sub, bits, n_tokens;
    bool min;
};

/* Integer sums of one sub-block.
 *
 * (The analyzer does not see that token_tile fills the rows of n_tokens.) */
TILE_INLINE void slab_dots(vi isum[VECTORS][MAX_TOKENS], struct slab_case k,
                           const struct int_slab *slab,
                           struct slab_place at, const struct token_tile *t)
{
    int b = at.b, h = at.h;
    int n = k.sub / 4, steps = SIMD_STEPS(k.bits);

    for (int c0 = 0; c0 < n; c0 += steps) {
        vd d[VECTORS][MAX_TOKENS];

        for (int i = 0; i < k.n_tokens; i++)
            for (int v = 0; v < VECTORS; v++)
                // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
                d[v][i] = vd_start(c0 ? 0 : t->bias[i][b * 32 / k.sub + h]);
        for (int c = c0; c < n && c < c0 + steps; c++) {
            const uint8_t *w = &slab->code[b][h * n + c][0][at.v0 * SIMD_N * 4];
            for (int i = 0; i < k.n_tokens; i++) {
                vi x = vi_load_quad(t->code[i] + b * ACT_BLOCK
                                    + 4 * (h * n + c));
                for (int v = 0; v < VECTORS; v++) {
                    vi u = vi_load(w + v * SIMD_N * 4);
                    d[v][i] = k.bits == 8 ? vd_step8(d[v][i], u, x)
                                          : vd_step(d[v][i], u, x);
                }
            }
        }
        for (int i = 0; i < k.n_tokens; i++)
            for (int v = 0; v < VECTORS; v++)
                isum[v][i] = c0 ? vi_add(isum[v][i], vd_sum(d[v][i], 0))
                                : vd_sum(d[v][i],
                                         t->bias[i][b * 32 / k.sub + h]);
    }
}

/* VECTORS vectors of rows from v0 on, n_tokens tokens. */
TILE_INLINE void slab_tile(struct slab_case k, const struct slab_span *span,
                           const struct token_tile *t, int v0)
{
    const struct int_slab *slab = span->slab;
    vf acc[VECTORS][MAX_TOKENS];
    vi isum[VECTORS][MAX_TOKENS];
    ptrdiff_t valid = (ptrdiff_t)span->n_rows - v0 * SIMD_N;

    for (int i = 0; i < k.n_tokens; i++)
        for (int v = 0; v < VECTORS; v++)
            acc[v][i] = span->block == 0
                ? vf_set1(0.0f)
                // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
                : acc_load(t->y[i] + (v0 + v) * SIMD_N, valid - v * SIMD_N);
    for (int b = 0; b < span->n_block; b++)
        for (int h = 0; h < ACT_BLOCK / k.sub; h++) {
            const float *ws = &slab->scale[b][h][0][v0 * SIMD_N];
            const float *wm = &slab->min[b][h][0][v0 * SIMD_N];

            slab_dots(isum, k, slab, (struct slab_place){ v0, b, h }, t);
            for (int i = 0; i < k.n_tokens; i++)
                for (int v = 0; v < VECTORS; v++) {
                    vf s = vf_mul(vf_load(ws + v * SIMD_N),
                                  vf_set1(t->scale[i][b]));
                    acc[v][i] = vf_fma(s, vf_from(isum[v][i]), acc[v][i]);
                    if (k.min)
                        acc[v][i] = vf_fma(
                            vf_load(wm + v * SIMD_N),
                            vf_set1(t->fsum[i][b * 32 / k.sub + h]),
                            acc[v][i]);
                }
        }
    for (int i = 0; i < k.n_tokens; i++)
        for (int v = 0; v < VECTORS; v++)
            acc_store(t->y[i] + (v0 + v) * SIMD_N, acc[v][i],
                      valid - v * SIMD_N);
}

/* All rows of the slab for n tokens; n is a constant, at most MAX_TOKENS. */
TILE_INLINE void slab_rows(struct slab_case k, int n,
                           const struct slab_span *span,
                           const struct token_tile *t)
{
    k.n_tokens = n < MAX_TOKENS ? n : MAX_TOKENS;
    for (int v0 = 0; (size_t)(v0 * SIMD_N) < span->n_rows; v0 += VECTORS)
        slab_tile(k, span, t, v0);
}

TILE_INLINE void slab_tokens(struct slab_case k, const struct slab_span *span,
                             const struct mul_job *job)
{
    struct token_tile t;
    size_t n;

    for (size_t i = 0; i < job->n_tokens; i += n) {
        n = tile_tokens(job->n_tokens - i, MAX_TOKENS);
        token_tile_init(&t, span, job, i, (int)n, k.sub);
        /* A body for each number; those beyond MAX_TOKENS vanish. */
        if (n == MAX_TOKENS)
            slab_rows(k, MAX_TOKENS, span, &t);
        else if (n == 1)
            slab_rows(k, 1, span, &t);
        else if (n == 2)
            slab_rows(k, 2, span, &t);
        else if (MAX_TOKENS > 4 && n == 4)
            slab_rows(k, 4, span, &t);
        else if (MAX_TOKENS > 5 && n == 5)
            slab_rows(k, 5, span, &t);
        else if (MAX_TOKENS > 3)
            slab_rows(k, 3, span, &t);
    }
}

#define X(name, s, m, b)                                                     \
    static void mul_##name(const struct slab_span *span,                     \
                           const struct mul_job *job)                        \
    {                                                                        \
        slab_tokens((struct slab_case){ .sub = s, .min = m, .bits = b },     \
                    span, job);                                              \
    }
SLAB_KINDS(X)
#undef X

void WEIGHT(slab_mul)(const struct slab_span *span, enum slab_kind kind,
                      const struct mul_job *job)
{
    static void (*const mul[])(const struct slab_span *,
                               const struct mul_job *) = {
#define X(name, s, m, b) mul_##name,
        SLAB_KINDS(X)
#undef X
    };

    mul[kind](span, job);
}
