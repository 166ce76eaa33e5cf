#include "engine/cut.h"

#include <assert.h>
#include <string.h>

/* Eleven bits a level: the sums (16 KiB) stay in the first cache, three levels
 * cover a float. */
enum { DIGITS = 2048 };

/* Bits of a float in the order of its values: negative ones are turned round,
 * the sign is flipped.  -0 goes with +0: equal logits must be equal keys. */
static inline uint32_t key_of(float v)
{
    uint32_t bits;
    v += 0.0f;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

/* Its inverse. */
static inline float value_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000 ? key & 0x7FFFFFFF : ~key;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct level {
    unsigned shift, bits;
};

struct descent {
    const float *logit, *mass;
    size_t       n;
    double       target, above;
    uint32_t     prefix;           /* the digits found so far */
};

/* Add up mass per digit over the elements that begin with the prefix. */
static void add_up(double *sum, const struct descent *d, struct level at)
{
    uint32_t mask = (1u << at.bits) - 1;
    unsigned whole = at.shift + at.bits;
    memset(sum, 0, DIGITS * sizeof *sum);
    for (size_t i = 0; i < d->n; i++) {
        uint32_t key = key_of(d->logit[i]);
        if (whole == 32 || key >> whole == d->prefix)
            sum[(key >> at.shift) & mask] += d->mass ? (double)d->mass[i] : 1;
    }
}

/* The digit, from the greatest on, where the target is reached.  The parts of
 * a digit are added in another order than the digit was, so the last bit may
 * miss the target: then it is the lowest digit that has mass. */
static void descend(struct descent *d, const double *sum, struct level at)
{
    uint32_t digit = 0;
    double above = d->above, above_last = above;
    for (uint32_t i = 1u << at.bits; i-- > 0;) {
        if (sum[i] <= 0)
            continue;
        digit = i;
        above_last = above;
        above += sum[i];
        if (above >= d->target)
            break;
    }
    d->above = above_last;
    d->prefix = d->prefix << at.bits | digit;
}

struct cut cut_find(const float *logit, const float *mass, size_t n,
                    double target)
{
    static const struct level levels[] = { { 21, 11 }, { 10, 11 }, { 0, 10 } };
    struct descent d = { .logit = logit, .mass = mass, .n = n,
                         .target = target };
    double sum[DIGITS];
    assert(n > 0 && target > 0);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        add_up(sum, &d, levels[i]);
        descend(&d, sum, levels[i]);
    }
    return (struct cut){ value_of(d.prefix), d.above };
}
