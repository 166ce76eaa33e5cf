#include "engine/pace.h"

#include <assert.h>

/* Steps differ, and the limit is to hold for nearly all of them; the first
 * step must be short, as nothing is known; what few tokens cost says more about
 * the rest of the step than about them. */
static const double aim = 0.75;
enum { FIRST = 32, LEAST = 8, TELLING = 4 };

void pace_init(struct pace *p, double limit_ms)
{
    *p = (struct pace){ .limit_ms = limit_ms };
}

size_t pace_chunk(const struct pace *p, size_t n_decoding, double share,
                  size_t most)
{
    size_t least = most < LEAST ? most : LEAST;
    assert(most > 0);
    if (p->limit_ms <= 0)
        return most;
    if (p->token_ms <= 0)
        return most < FIRST ? most : FIRST;
    double left = aim * share * p->limit_ms
                  - (n_decoding > 0 ? p->decode_ms : 0);
    double fit = left / p->token_ms;
    if (fit >= (double)most)
        return most;
    return fit > (double)least ? (size_t)fit : least;
}

/* Up at once, down slowly: a step that was too long once should not be followed
 * by more of them. */
static double follow(double old, double now)
{
    return now > old ? (old > 0 ? (old + now) / 2 : now)
                     : old + (now - old) / 8;
}

void pace_note(struct pace *p, size_t n_decoding, size_t n_prompt, double ms)
{
    if (n_prompt == 0) {
        p->decode_ms = follow(p->decode_ms, ms);
    } else if (n_prompt >= TELLING) {
        double rest = n_decoding > 0 ? p->decode_ms : 0;
        double each = (ms > rest ? ms - rest : 0) / (double)n_prompt;
        p->token_ms = follow(p->token_ms, each > 1e-6 ? each : 1e-6);
    }
}
