/* How the next token is chosen: the parameters, their names and ranges, and
 * what is used when nobody says.
 *
 * One list makes the struct, the bits that say what was given, the validator
 * and the look-up by name; flags, requests, generation_config.json and GGUF
 * keys all go through it.
 *
 * Sources of the meaning: temperature, top-k, top-p, min-p and the repetition
 * penalty as transformers applies them; frequency and presence penalty and
 * logit bias as the OpenAI API describes them. */
#ifndef OSMIA_ENGINE_SAMPLING_H
#define OSMIA_ENGINE_SAMPLING_H

#include "base/err.h"
#include "base/slice.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(id, type, name, off, least, most)
 *   type   float, or u32: a whole number
 *   name   in requests and in generation_config.json
 *   off    the value that changes nothing (temperature: draws from the model's
 *          own distribution)
 * A repetition penalty of 0 would divide by zero, so its range is open below:
 * SAMPLING_TINY stands for it. */
#define SAMPLING_TINY 1e-6f
#define SAMPLING_LIST(X)                                                      \
    X(TEMPERATURE,        f32, temperature,        1, 0, 2)                   \
    X(TOP_K,              u32, top_k,              0, 0, UINT32_MAX)          \
    X(TOP_P,              f32, top_p,              1, 0, 1)                   \
    X(MIN_P,              f32, min_p,              0, 0, 1)                   \
    X(REPETITION_PENALTY, f32, repetition_penalty, 1, SAMPLING_TINY, 2)       \
    X(FREQUENCY_PENALTY,  f32, frequency_penalty,  0, -2, 2)                  \
    X(PRESENCE_PENALTY,   f32, presence_penalty,   0, -2, 2)                  \
    X(REPEAT_LAST_N,      u32, repeat_last_n,      0, 0, UINT32_MAX)

enum sampling_field {
#define X(id, type, name, off, least, most) SAMPLING_##id,
    SAMPLING_LIST(X)
#undef X
    SAMPLING_N_FIELDS
};

struct logit_bias {
    int32_t id;
    float   bias;             /* -100 .. 100, added to the logit */
};

enum { SAMPLING_TOP_MAX = 20 };      /* most alternatives per token */

struct sampling {
    float    temperature;     /* 0: greedy; ties go to the lowest id */
    uint32_t top_k;           /* keep the k best; 0: all */
    float    top_p;           /* keep the fewest whose share is >= top_p, at
                                 least one */
    float    min_p;           /* drop those below min_p times the best */
    float    repetition_penalty;  /* logits of tokens seen in prompt or output:
                                     > 0 divided, < 0 multiplied */
    float    frequency_penalty;   /* subtracted for each time in the output */
    float    presence_penalty;    /* subtracted once if in the output */
    uint32_t repeat_last_n;   /* the repetition penalty looks at this many last
                                 tokens; 0: at all */
    uint64_t seed;
    const struct logit_bias *bias;   /* ids unique; owned by the caller */
    size_t   n_bias;
    bool     logprobs;        /* compute the chosen token's, */
    uint32_t n_top;           /*   and those of the n_top best (<= 20) */
};

/* Every field off, seed 0: a draw from the model's own distribution. */
struct sampling sampling_off(void);

/* Some fields, and a bit (1u << enum sampling_field) for each one given. */
struct sampling_given {
    struct sampling values;
    unsigned        given;
};

/* The name of a field, as requests write it; and back (-1: no such field). */
const char *sampling_name(enum sampling_field f);
int         sampling_find(struct slice name);
/* Read or set one field as a number; setting marks it as given.  Whole-number
 * fields take whole numbers only.  ERR_REQUEST: not a number that the field
 * takes, with the field's name and range. */
double   sampling_get(const struct sampling *s, enum sampling_field f);
enum err sampling_set(struct sampling_given *g, enum sampling_field f,
                      double value, struct err_info *why);

/* Replace in `to` every field that is given in `from`. */
void sampling_override(struct sampling *to, const struct sampling_given *from);

/* Is every field within its range, every bias id below n_ids and unique?
 * ERR_REQUEST names the field, its value and its range. */
enum err sampling_check(const struct sampling *s, size_t n_ids,
                        struct err_info *why);

#endif
