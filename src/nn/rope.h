/* Rotary frequencies of every scaling kind.
 *
 * Kinds whose frequencies depend on the length (dynamic, longrope) fix them when
 * a sequence is created, from its declared length: keys rotated by one set are
 * never compared with queries rotated by another. */
#ifndef OSMIA_NN_ROPE_H
#define OSMIA_NN_ROPE_H

#include "base/arena.h"
#include "base/err.h"
#include "format/keys.h"
#include <stdbool.h>
#include <stdint.h>

enum rope_kind {
    ROPE_DEFAULT, ROPE_LINEAR, ROPE_DYNAMIC, ROPE_LLAMA3, ROPE_YARN,
    ROPE_LONGROPE
};

struct rope_spec {
    enum rope_kind kind;
    uint32_t width;                  /* rotated elements of a head, even */
    double   theta;
    double   factor;                 /* s */
    double   low_freq, high_freq;    /* llama3 */
    double   beta_fast, beta_slow;   /* yarn */
    bool     truncate;               /* yarn: whole bounds */
    double   attention_factor;       /* amplitude; 0: by the kind's rule */
    double   attn_factor;            /* multiplies the amplitude */
    double   mscale, mscale_all_dim; /* gains of DeepSeek's yarn; 0: absent */
    uint32_t original_len;           /* L0 */
    uint32_t context_len;            /* M */
    const float *short_factor, *long_factor;   /* longrope [width / 2] */
    const float *divisor;            /* GGUF rope_freqs [width / 2], or NULL */
};

/* True when the frequencies depend on the declared length. */
static inline bool rope_by_length(const struct rope_spec *r)
{
    return r->kind == ROPE_DYNAMIC || r->kind == ROPE_LONGROPE;
}

/* The frequencies [width / 2] for a sequence of at most `declared_len`
 * positions (0: the context), and the amplitude of cosine and sine. */
void  rope_frequencies(float *freq, const struct rope_spec *r,
                       uint32_t declared_len);
float rope_amplitude(const struct rope_spec *r);

/* YaRN's gain: 1 + scale * ln(factor) / 10, and 1 where nothing is stretched. */
double rope_gain(double factor, double scale);

/* cos_sin [width]: width / 2 cosines, then as many sines, at position pos. */
void  rope_rotation(float *cos_sin, const float *freq, uint32_t n_pairs,
                    uint32_t pos, float amplitude);

/* Read theta and scaling from the keys; `width` and `theta` are set before to
 * the defaults, context_len too.  `layer_type` picks a dict of rope_parameters
 * that is keyed by layer type (NULL: "full_attention").  Unknown kinds and
 * values that make no sense are refused by the key's name. */
enum err rope_read(struct rope_spec *r, const struct keys *k,
                   const char *layer_type, struct arena *arena,
                   struct err_info *why);

#endif
