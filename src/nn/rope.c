/* Two halves that meet in struct rope_spec: reading the spellings of
 * config.json (new, old, older) and GGUF into it, and computing frequencies
 * from it.
 *
 * Frequencies are computed in f64 and rounded once; the reference does some of
 * it in f32, and the differences stay below what a golden test can see. */
#include "nn/rope.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

/* ---- frequencies (architectures: RoPE scaling) ---- */

static const double pi = 3.14159265358979323846;

/* Llama 3.1: long waves are stretched, short ones kept, a band between. */
static double llama3(const struct rope_spec *r, double f)
{
    double wave = 2 * pi / f;

    if (wave < r->original_len / r->high_freq)
        return f;
    if (wave > r->original_len / r->low_freq)
        return f / r->factor;
    double t = (r->original_len / wave - r->low_freq)
             / (r->high_freq - r->low_freq);
    return (1 - t) * f / r->factor + t * f;
}

/* The pair that turns `turns` times over the original length (YaRN, Peng et
 * al. 2023, arXiv 2309.00071). */
static double yarn_pair(const struct rope_spec *r, double turns)
{
    return r->width * log(r->original_len / (2 * pi * turns))
         / (2 * log(r->theta));
}

static double yarn(const struct rope_spec *r, double f, uint32_t i)
{
    double low = yarn_pair(r, r->beta_fast), high = yarn_pair(r, r->beta_slow);

    if (r->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = low < 0 ? 0 : low;
    high = high > r->width - 1 ? r->width - 1 : high;
    if (low == high)
        high += 0.001;
    double ramp = (i - low) / (high - low);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    return f * (1 - ramp) + f / r->factor * ramp;
}

/* Dynamic NTK: the base grows with the length. */
static double dynamic_theta(const struct rope_spec *r, uint32_t len)
{
    double n = len > r->context_len ? len : r->context_len;
    double grown = r->factor * n / r->context_len - (r->factor - 1);

    return r->theta * pow(grown, r->width / (r->width - 2.0));
}

static double scaled(const struct rope_spec *r, double f, uint32_t i,
                     uint32_t len)
{
    switch (r->kind) {
    case ROPE_LINEAR: return f / r->factor;
    case ROPE_LLAMA3: return llama3(r, f);
    case ROPE_YARN:   return yarn(r, f, i);
    case ROPE_LONGROPE:
        return f / (len > r->original_len ? r->long_factor
                                          : r->short_factor)[i];
    default:          return f;
    }
}

void rope_frequencies(float *freq, const struct rope_spec *r,
                      uint32_t declared_len)
{
    uint32_t len = declared_len == 0 ? r->context_len : declared_len;
    double   theta = r->kind == ROPE_DYNAMIC ? dynamic_theta(r, len) : r->theta;

    for (uint32_t i = 0; i < r->width / 2; i++) {
        double f = scaled(r, pow(theta, -2.0 * i / r->width), i, len);
        freq[i] = (float)(r->divisor == NULL ? f : f / r->divisor[i]);
    }
}

double rope_gain(double factor, double scale)
{
    return factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1;
}

float rope_amplitude(const struct rope_spec *r)
{
    double m = 1;

    if (r->attention_factor != 0)
        m = r->attention_factor;
    else if (r->kind == ROPE_YARN && r->mscale != 0 && r->mscale_all_dim != 0)
        m = rope_gain(r->factor, r->mscale)
          / rope_gain(r->factor, r->mscale_all_dim);
    else if (r->kind == ROPE_YARN)
        m = rope_gain(r->factor, 1);
    else if (r->kind == ROPE_LONGROPE && r->factor > 1)
        m = sqrt(1 + log(r->factor) / log(r->original_len));
    return (float)(m * (r->attn_factor == 0 ? 1 : r->attn_factor));
}

/* The angle is rounded to f32 before its cosine is taken, and so was the
 * frequency: that is what the reference does, and at position 100,000 the
 * difference reaches the third digit. */
void rope_rotation(float *cos_sin, const float *freq, uint32_t n_pairs,
                   uint32_t pos, float amplitude)
{
    for (uint32_t i = 0; i < n_pairs; i++) {
        float angle = (float)pos * freq[i];
        cos_sin[i] = (float)cos((double)angle) * amplitude;
        cos_sin[n_pairs + i] = (float)sin((double)angle) * amplitude;
    }
}

/* ---- reading ---- */

/* The dict that holds the scaling: rope_parameters (by layer type or not),
 * else rope_scaling.  Keys inside it are spelt "DICT.key". */
struct reader {
    struct rope_spec  *r;
    const struct keys *k;
    char               dict[64];
    struct arena      *arena;
};

enum { SPELLING = 128 };

static struct key_name inside(const struct reader *d, char text[SPELLING],
                              const char *hf, const char *gguf)
{
    snprintf(text, SPELLING, "%s.%s", d->dict, hf);
    return (struct key_name){ hf == NULL ? NULL : text, gguf };
}

static enum err number(double *out, const struct reader *d, const char *hf,
                       const char *gguf, struct err_info *why)
{
    char text[SPELLING];
    return keys_float(out, d->k, inside(d, text, hf, gguf), 0.0, 1e12, why);
}

/* The same, and 0 is refused: it is divided by. */
static enum err positive(double *out, const struct reader *d, const char *hf,
                         const char *gguf, struct err_info *why)
{
    char            text[SPELLING];
    struct key_name name = inside(d, text, hf, gguf);
    enum err        e = keys_float(out, d->k, name, 0.0, 1e12, why);

    if (e == ERR_OK && !(*out > 0))
        return keys_fail(d->k, name, ERR_FORMAT, why, "is %g: expected more "
                         "than 0", *out);
    return e;
}

static void find_dict(struct reader *d, const char *layer_type)
{
    struct key_name by_type = { d->dict, NULL };

    snprintf(d->dict, sizeof d->dict, "rope_parameters.%.40s",
             layer_type == NULL ? "full_attention" : layer_type);
    if (keys_kind(d->k, by_type) == KEY_OBJECT)
        return;
    snprintf(d->dict, sizeof d->dict, "rope_parameters");
    if (keys_kind(d->k, by_type) != KEY_OBJECT)
        snprintf(d->dict, sizeof d->dict, "rope_scaling");
}

static const struct {
    const char    *name;
    enum rope_kind kind;
} kinds[] = {
    { "default", ROPE_DEFAULT },
    { "mrope", ROPE_DEFAULT },       /* of text alone: the same */
    { "none", ROPE_DEFAULT },
    { "linear", ROPE_LINEAR },
    { "dynamic", ROPE_DYNAMIC },
    { "llama3", ROPE_LLAMA3 },
    { "yarn", ROPE_YARN },
    { "longrope", ROPE_LONGROPE },
    { "su", ROPE_LONGROPE },
};

/* The first Phi-3 files say yarn, and hold the lists of longrope. */
static void correct_kind(struct reader *d)
{
    char            text[SPELLING];
    struct key_name lists = inside(d, text, "short_factor", NULL);

    if (d->r->kind == ROPE_YARN && keys_has(d->k, lists))
        d->r->kind = ROPE_LONGROPE;
}

/* rope_type wins over the older type. */
static enum err read_kind(struct reader *d, struct err_info *why)
{
    char            text[SPELLING];
    struct key_name name = inside(d, text, "rope_type", "A.rope.scaling.type");
    struct slice    kind = { NULL, 0 };
    enum err        e;

    if (!keys_has(d->k, name) && d->k->naming == NAMING_HF)
        name = inside(d, text, "type", NULL);
    if ((e = keys_string(&kind, d->k, name, why)) != ERR_OK)
        return e;
    d->r->kind = ROPE_DEFAULT;
    if (kind.at == NULL)
        return ERR_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_is(kind, kinds[i].name)) {
            d->r->kind = kinds[i].kind;
            correct_kind(d);
            return ERR_OK;
        }
    return keys_fail(d->k, name, ERR_UNKNOWN, why, "is \"%.*s\", a kind of "
                     "position scaling that is not supported", (int)kind.len,
                     kind.at);
}

static enum err read_theta(struct reader *d, struct err_info *why)
{
    char            text[SPELLING];
    struct key_name name = inside(d, text, "rope_theta", "A.rope.freq_base");
    enum err        e;

    if (!keys_has(d->k, name) && d->k->naming == NAMING_HF)
        name = (struct key_name){ "rope_theta", NULL };
    e = keys_float(&d->r->theta, d->k, name, 0.0, 1e15, why);
    if (e == ERR_OK && !(d->r->theta > 1))
        return keys_fail(d->k, name, ERR_FORMAT, why, "is %g: expected more "
                         "than 1", d->r->theta);
    return e;
}

/* A top-level original length wins over the one inside; without any it is the
 * context. */
static enum err read_original_len(struct reader *d, struct err_info *why)
{
    static const char *const hf = "original_max_position_embeddings";
    char              text[SPELLING];
    struct uint_range range = { 1, UINT32_MAX };
    struct key_name   top = { hf, "A.rope.scaling.original_context_length" };
    enum err          e;

    d->r->original_len = d->r->context_len;
    if ((e = keys_uint(&d->r->original_len, d->k, inside(d, text, hf, NULL),
                       range, why)) != ERR_OK)
        return e;
    return keys_uint(&d->r->original_len, d->k, top, range, why);
}

static const struct key_name key_gguf_kind = { NULL, "A.rope.scaling.type" };

static enum err read_factor(struct reader *d, struct err_info *why)
{
    struct rope_spec *r = d->r;
    double            over = (double)r->context_len / r->original_len;
    bool              by_len = r->kind == ROPE_YARN || r->kind == ROPE_LONGROPE;
    static const struct key_name old = { NULL, "A.rope.scale_linear" };
    enum err          e;

    char            text[SPELLING];
    struct key_name name = inside(d, text, "factor", "A.rope.scaling.factor");
    r->factor = by_len && d->k->naming == NAMING_HF ? over : 1;
    if (r->kind != ROPE_DEFAULT && !by_len && d->k->naming == NAMING_HF
        && (e = keys_require(d->k, name, why)) != ERR_OK)
        return e;
    if ((e = keys_float(&r->factor, d->k, old, 0.0, 1e12, why))
        || (e = number(&r->factor, d, "factor", "A.rope.scaling.factor", why)))
        return e;
    if (r->factor == 0 && d->k->naming == NAMING_GGUF)
        r->factor = 1;
    if (r->kind != ROPE_DEFAULT && !(r->factor > 0))
        return keys_fail(d->k, name, ERR_FORMAT, why, "is %g: expected more "
                         "than 0", r->factor);
    /* A GGUF file that names no kind means linear; llama.cpp does so, too. */
    if (d->k->naming == NAMING_GGUF && r->kind == ROPE_DEFAULT
        && r->factor != 1 && !keys_has(d->k, key_gguf_kind))
        r->kind = ROPE_LINEAR;
    return ERR_OK;
}

static enum err read_llama3(struct reader *d, struct err_info *why)
{
    char            text[SPELLING];
    struct key_name low = inside(d, text, "low_freq_factor", NULL);
    enum err        e;

    if ((e = keys_require(d->k, low, why))
        || (e = positive(&d->r->low_freq, d, "low_freq_factor", NULL, why)))
        return e;
    struct key_name high = inside(d, text, "high_freq_factor", NULL);
    if ((e = keys_require(d->k, high, why))
        || (e = positive(&d->r->high_freq, d, "high_freq_factor", NULL, why)))
        return e;
    if (d->r->high_freq <= d->r->low_freq)
        return keys_fail(d->k, high, ERR_FORMAT, why, "is %g: expected more "
                         "than low_freq_factor, %g", d->r->high_freq,
                         d->r->low_freq);
    return ERR_OK;
}

static enum err read_yarn(struct reader *d, struct err_info *why)
{
    struct rope_spec *r = d->r;
    char              text[SPELLING];
    enum err          e;

    r->beta_fast = 32;
    r->beta_slow = 1;
    r->truncate = true;
    if ((e = positive(&r->beta_fast, d, "beta_fast",
                      "A.rope.scaling.yarn_beta_fast", why))
        || (e = positive(&r->beta_slow, d, "beta_slow",
                         "A.rope.scaling.yarn_beta_slow", why)))
        return e;
    return keys_bool(&r->truncate, d->k, inside(d, text, "truncate", NULL),
                     why);
}

static enum err read_factors(const float **out, struct reader *d,
                             const char *hf, struct err_info *why)
{
    char            text[SPELLING];
    struct key_name name = inside(d, text, hf, NULL);
    uint32_t        n = d->r->width / 2;
    float          *at;

    if (d->k->naming == NAMING_GGUF)
        return ERR_OK;               /* they are tensors there */
    if (keys_len(d->k, name) != n)
        return keys_fail(d->k, name, ERR_FORMAT, why, "has %zu numbers: "
                         "expected %u", keys_len(d->k, name), n);
    if ((at = arena_take(d->arena, n, sizeof *at)) == NULL)
        return fail_nomem(why);
    for (uint32_t i = 0; i < n; i++) {
        double   value = 0;
        enum err e = keys_float_at(&value, d->k, name, i, why);
        if (e != ERR_OK)
            return e;
        if (!(value > 0) || value > 1e12)
            return keys_fail(d->k, name, ERR_FORMAT, why, "[%u] is %g: "
                             "expected more than 0", i, value);
        at[i] = (float)value;
    }
    *out = at;
    return ERR_OK;
}

static enum err read_by_kind(struct reader *d, struct err_info *why)
{
    enum err e;

    switch (d->r->kind) {
    case ROPE_LLAMA3:
        return read_llama3(d, why);
    case ROPE_YARN:
        return read_yarn(d, why);
    case ROPE_LONGROPE:
        if ((e = read_factors(&d->r->short_factor, d, "short_factor", why)))
            return e;
        return read_factors(&d->r->long_factor, d, "long_factor", why);
    default:
        return ERR_OK;
    }
}

/* What made a head as wide as it is. */
static struct key_name width_key(const struct keys *k)
{
    struct key_name head = { "head_dim", "A.attention.key_length" };
    struct key_name hidden = { "hidden_size", "A.embedding_length" };

    return keys_has(k, head) ? head : hidden;
}

enum err rope_read(struct rope_spec *r, const struct keys *k,
                   const char *layer_type, struct arena *arena,
                   struct err_info *why)
{
    struct reader d = { .r = r, .k = k, .arena = arena };
    enum err      e;

    find_dict(&d, layer_type);
    if ((e = read_theta(&d, why))
        || (e = read_kind(&d, why))
        || (e = read_original_len(&d, why))
        || (e = read_factor(&d, why))
        || (e = read_by_kind(&d, why))
        || (e = number(&r->mscale, &d, "mscale", NULL, why))
        || (e = number(&r->mscale_all_dim, &d, "mscale_all_dim", NULL, why))
        || (e = number(&r->attention_factor, &d, "attention_factor", NULL, why))
        || (e = number(&r->attn_factor, &d, "attn_factor",
                       "A.rope.scaling.attn_factor", why)))
        return e;
    if (r->width == 0 || r->width % 2 != 0)
        return keys_fail(k, width_key(k), ERR_FORMAT, why, "makes %u elements "
                         "of a head to rotate: expected pairs", r->width);
    if (r->kind == ROPE_DYNAMIC && r->width < 4)
        return keys_fail(k, width_key(k), ERR_FORMAT, why, "makes heads of %u "
                         "elements: dynamic position scaling needs 4", r->width);
    return ERR_OK;
}
