#include "support/check.h"

#include "golden/drift.h"

#include "base/cursor.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x444C4F47, SAMPLES = 6, HIDDEN_SAMPLES = 16, N_LENGTHS = 3,
    N_HIDDEN_AT = 3
};
static const size_t   lengths[N_LENGTHS] = { 1, 20, LONGEST };
static const uint32_t hidden_at[N_HIDDEN_AT] = { 0, 77, 199 };

/* ---- golden files (tools/golden/llama.py says what is in them) ---- */

struct golden {
    uint32_t n_divisors;
    float    divisors[64];
    float    logits[221][SAMPLES + 2];       /* positions of all lengths */
    float    hidden[N_HIDDEN_AT][LAYERS_MAX][HIDDEN_SAMPLES];
};

static void read_golden(struct golden *g, const char *name, uint32_t n_layer)
{
    char          path[128];
    struct file   f;
    struct cursor c;
    uint32_t      magic = 0;

    snprintf(path, sizeof path, "tests/golden/%s%s.bin",
             strchr(name, '/') == NULL ? "llama/" : "", name);
    assert_int_equal(file_open(&f, path, NULL), ERR_OK);
    c = (struct cursor){ f.at, (size_t)f.size };
    assert_true(cursor_u32(&c, &magic) && magic == MAGIC);
    assert_true(cursor_u32(&c, &g->n_divisors) && g->n_divisors <= 64);
    assert_true(cursor_take(&c, g->divisors, g->n_divisors * sizeof(float)));
    assert_true(cursor_take(&c, g->logits, sizeof g->logits));
    for (size_t p = 0; p < N_HIDDEN_AT; p++)
        for (uint32_t l = 0; l < n_layer; l++)
            assert_true(cursor_take(&c, g->hidden[p][l],
                                    sizeof g->hidden[p][l]));
    assert_int_equal(c.left, 0);
    file_close(&f);
}

/* ---- comparing ---- */

struct tap {
    const struct golden *golden;
    struct drift        *drift;
    uint32_t             hidden;
};

static void compare_hidden(void *arg, uint32_t layer, const float *x, size_t n)
{
    struct tap *t = arg;

    for (size_t p = 0; p < N_HIDDEN_AT; p++) {
        const float *want = t->golden->hidden[p][layer];
        float        least = want[0], most = want[0];
        double       worst = 0;
        if (hidden_at[p] >= n)
            continue;
        for (uint32_t j = 0; j < HIDDEN_SAMPLES; j++) {
            uint32_t at = (hidden_at[p] + j * t->hidden / HIDDEN_SAMPLES)
                        % t->hidden;
            double d = fabs((double)x[hidden_at[p] * t->hidden + at] - want[j]);
            worst = d > worst ? d : worst;
            least = want[j] < least ? want[j] : least;
            most = want[j] > most ? want[j] : most;
        }
        worst /= most - least;
        if (worst > t->drift->hidden[layer] || worst != worst)
            t->drift->hidden[layer] = worst;
        if (p == 0)
            t->drift->first[layer] = worst;
    }
}

static double row_drift(const float *row, const float *want, size_t pos,
                        size_t vocab)
{
    float  least = row[0], most = row[0];
    double worst = 0, range = (double)want[1] - want[0];

    for (size_t i = 1; i < vocab; i++) {
        least = row[i] < least ? row[i] : least;
        most = row[i] > most ? row[i] : most;
    }
    worst = fmax(fabs((double)least - want[0]), fabs((double)most - want[1]));
    for (size_t j = 0; j < SAMPLES; j++) {
        double d = fabs((double)row[(pos * 7 + j * 29) % vocab] - want[2 + j]);
        worst = d > worst || d != d ? d : worst;
    }
    return worst / range;
}

static struct drift compare(struct rig *r, const struct tiny *t,
                            const struct golden *g)
{
    static float logits[LONGEST * VOCAB_MAX];
    struct drift drift = { 0 };
    struct tap   tap = { g, &drift, t->hidden };
    int32_t      token[LONGEST];
    size_t       at = 0;

    assert_true(r->vocab <= VOCAB_MAX);
    tiny_tokens(t, token, LONGEST);
    for (size_t l = 0; l < N_LENGTHS; l++) {
        work_tap(r->work, lengths[l] == LONGEST ? compare_hidden : NULL, &tap);
        rig_logits(r, token, lengths[l], LONGEST, 0, logits);
        for (size_t pos = 0; pos < lengths[l]; pos++, at++) {
            double d = row_drift(logits + pos * r->vocab, g->logits[at], pos,
                                 r->vocab);
            drift.logits = d > drift.logits || d != d ? d : drift.logits;
        }
    }
    work_tap(r->work, NULL, NULL);
    return drift;
}

/* Says what drifted first; true when nothing drifted further than `most`. */
bool agrees(const struct drift *d, uint32_t n_layer, double most,
                   const char *name, bool quiet)
{
    for (uint32_t l = 0; l < n_layer; l++)
        if (!(d->hidden[l] <= most)) {
            if (!quiet)
                print_error("%s: drifts from layer %u on, by %g of the range, "
                            "at position 0 by %g\n", name, l, d->hidden[l],
                            d->first[l]);
            return false;
        }
    if (!(d->logits <= most) && !quiet)
        print_error("%s: the logits drift by %g of their range\n", name,
                    d->logits);
    return d->logits <= most;
}

/* ---- a variant in one form ---- */

struct drift drift_of(const struct variant *v,
                             const struct rig_options *o, uint32_t *n_layer)
{
    struct tiny      t;
    struct golden   *g = calloc(1, sizeof *g);
    struct rig       r;
    struct drift     d;
    struct err_info  why = { .text = "" };
    struct tiny_path p;

    tiny_read(&t, v->name);
    read_golden(g, v->golden, t.n_layer);
    t.divisors = g->divisors;
    t.n_divisors = g->n_divisors;
    *n_layer = t.n_layer;
    p = tiny_write(&t, &v->form);
    if (rig_open(&r, p.open, o, &why) != ERR_OK)
        fail_msg("%s: %s", v->name, why.text);
    d = compare(&r, &t, g);
    rig_close(&r);
    tiny_remove(&p);
    free(g);
    return d;
}

struct drift drift_of_file(const char *name, const struct tiny *t,
                           const struct rig_options *o)
{
    struct golden  *g = calloc(1, sizeof *g);
    struct rig      r;
    struct err_info why = { .text = "" };
    char            path[128];

    snprintf(path, sizeof path, "tests/golden/%s.gguf", name);
    read_golden(g, name, t->n_layer);
    if (rig_open(&r, path, o, &why) != ERR_OK)
        fail_msg("%s: %s", path, why.text);
    struct drift d = compare(&r, t, g);
    rig_close(&r);
    free(g);
    return d;
}

void expect_drift(const struct variant *v, const struct rig_options *o,
                         double most)
{
    uint32_t     n_layer;
    struct drift d = drift_of(v, o, &n_layer);

    if (!agrees(&d, n_layer, most, v->golden, false))
        fail_msg("%s (%s, %s) differs from the reference", v->golden,
                 v->form.gguf ? "gguf" : "safetensors",
                 dtype_get(v->form.type)->name);
}

/* ---- the same bytes ---- */

struct tiny_path write_variant(const struct variant *v, struct tiny *t)
{
    tiny_read(t, v->name);
    return tiny_write(t, &v->form);
}

float *run_with(const struct tiny_path *p, const struct tiny *t,
                       const struct rig_options *o, size_t chunk,
                       unsigned guests)
{
    float          *logits = calloc(LONGEST * VOCAB_MAX, sizeof *logits);
    struct err_info why = { .text = "" };
    int32_t         token[LONGEST];
    struct rig      r;

    tiny_tokens(t, token, LONGEST);
    if (rig_open(&r, p->open, o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    rig_logits(&r, token, LONGEST, chunk, guests, logits);
    rig_close(&r);
    return logits;
}

bool same_bytes(const float *a, const float *b)
{
    return memcmp(a, b, LONGEST * VOCAB_MAX * sizeof *a) == 0;
}

void invariant(const struct variant *v, struct rig_options o)
{
    static const struct {
        unsigned threads, guests;
        size_t   chunk;
    } ways[] = {
        { 1, 0, 1 }, { 1, 0, 7 }, { 2, 0, 64 }, { 3, 0, LONGEST },
        { 2, 3, 7 }, { 3, 3, 64 },
    };
    struct tiny      t;
    struct tiny_path p = write_variant(v, &t);
    o.threads = 1;
    float *alone = run_with(&p, &t, &o, LONGEST, 0);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        o.threads = ways[i].threads;
        float *other = run_with(&p, &t, &o, ways[i].chunk, ways[i].guests);
        if (!same_bytes(alone, other))
            fail_msg("%s, weights %s, cache %s: other bytes with %u threads, "
                     "chunks of %zu, %u guests", v->name,
                     dtype_get(v->form.type)->name, kv_type_name(o.kv),
                     ways[i].threads, ways[i].chunk, ways[i].guests);
        other[5] = nextafterf(other[5], 1e9f);
        assert_false(same_bytes(alone, other));
        free(other);
    }
    free(alone);
    tiny_remove(&p);
}
