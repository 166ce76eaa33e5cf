/* How many tokens of prompts a step may take so that it stays within a time.
 *
 * A step costs what its decoding jobs cost, plus so much for each token of a
 * prompt.  Both are learnt from the steps that were run: they differ by model
 * and machine, and by what else the machine does just now.  What a job answers
 * does not depend on how its prompt was cut, so guessing wrong costs time only.
 *
 * Owner: the scheduler. */
#ifndef OSMIA_ENGINE_PACE_H
#define OSMIA_ENGINE_PACE_H

#include <stddef.h>

struct pace {
    double limit_ms;        /* of a step; 0: there is none */
    double decode_ms;       /* a step without prompts; 0: not known yet */
    double token_ms;        /* a token of a prompt; 0: not known yet */
};

void   pace_init(struct pace *p, double limit_ms);

/* Tokens of prompts for the next step, at least 1, at most `most` (> 0).
 * `share`: of the limit that may be used, 1 beside others. */
size_t pace_chunk(const struct pace *p, size_t n_decoding, double share,
                  size_t most);
/* A step has been run. */
void   pace_note(struct pace *p, size_t n_decoding, size_t n_prompt, double ms);

#endif
