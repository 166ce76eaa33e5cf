/* The sampler: from one row of logits to one token.
 *
 * A chain of rows, in this order:
 *
 *   bias -> repetition -> frequency, presence -> never-ids, mask ->
 *   temperature -> top-k -> top-p -> min-p -> draw
 *
 * Each row sees what the one before it left.  top-k keeps exactly k (equal
 * logits: the lower id stays); top-p counts shares of what top-k left; at least
 * one token always stays.  Temperature 0 (below 1e-6) takes the best after the
 * mask; equal logits: the lowest id.
 *
 * The draw is a pure function of (logits, tokens so far, parameters): the
 * random number comes from a counter, Philox4x32-10 keyed by the seed and
 * counting the token's position (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", 2011).  It depends on nothing that ran before or beside
 * it.
 *
 * A struct sampler is scratch memory for one thread; it carries nothing from
 * one call to the next. */
#ifndef OSMIA_ENGINE_SAMPLER_H
#define OSMIA_ENGINE_SAMPLER_H

#include "engine/logprob.h"
#include "engine/sampling.h"

struct sampler;

/* n_rows: width of a logits row.  never: ids that must not come out, sorted,
 * unique, below n_rows (copied): those without a token, suppressed ones, rows
 * beyond the tokenizer.  At least one id must remain (ERR_FORMAT). */
enum err sampler_open(struct sampler **out, size_t n_rows,
                      const int32_t *never, size_t n_never,
                      struct err_info *why);
void     sampler_close(struct sampler *s);

struct sample_context {
    const float    *logits;       /* [n_rows], f32, as the model gave them */
    const int32_t  *tokens;       /* prompt and output so far, [n_tokens] */
    size_t          n_tokens;     /* also the position of the new token */
    size_t          n_prompt;     /* of these, the prompt */
    const uint64_t *mask;         /* a bit per id that is allowed, n_rows bits;
                                     NULL: all */
};

struct sample {
    int32_t            id;
    float              logprob;   /* when asked: of the model's own, */
    uint32_t           n_top;     /*   unchanged distribution over all rows */
    struct top_logprob top[SAMPLING_TOP_MAX];   /* best first, never-ids left
                                                   out */
};

/* Choose a token.  ERR_NUMBER: a logit is not finite; ERR_REQUEST: the mask
 * leaves no token.  `p` has passed sampling_check.  Never allocates. */
enum err sampler_draw(struct sampler *s, const struct sampling *p,
                      const struct sample_context *c, struct sample *out,
                      struct err_info *why);

/* The random number of (seed, position): uniform in [0, 1), 53 bits. */
double   sampler_uniform(uint64_t seed, uint64_t position);

#endif
