#include "engine/logprob.h"

#include "engine/weigh.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* Names the first one: with it a broken tensor can be found. */
static enum err not_finite(const float *logits, size_t n, struct err_info *why)
{
    size_t i = 0;
    while (i < n - 1 && isfinite(logits[i]))
        i++;
    return fail(why, ERR_NUMBER, "the logit of id %zu is %s", i,
                isnan(logits[i]) ? "not a number" : "infinite");
}

/* One block as weigh_block wants it, the row's end padded. */
static const float *whole_block(float *room, const float *l, size_t left)
{
    if (left >= WEIGH_BLOCK)
        return l;
    memcpy(room, l, left * sizeof *l);
    for (size_t i = left; i < WEIGH_BLOCK; i++)
        room[i] = -INFINITY;
    return room;
}

enum err logprob_base(double *base, const float *logits, size_t n,
                      struct err_info *why)
{
    float room[WEIGH_BLOCK], weights[WEIGH_BLOCK];
    double sum = 0;
    float top = -INFINITY;
    assert(n > 0);
    if (!weigh_finite(logits, n))
        return not_finite(logits, n, why);
    for (size_t i = 0; i < n; i += WEIGH_BLOCK) {
        float best = weigh_max(whole_block(room, logits + i, n - i),
                               WEIGH_BLOCK);
        top = best > top ? best : top;
    }
    for (size_t i = 0; i < n; i += WEIGH_BLOCK)
        sum += (double)weigh_block(weights,
                                   whole_block(room, logits + i, n - i),
                                   top, 1);
    *base = (double)top + log(sum);
    return ERR_OK;
}

/* ---- the k best: a heap whose root is the worst that is kept ---- */

/* logprob holds the logit until the end. */
static inline bool worse(struct top_logprob a, struct top_logprob b)
{
    return a.logprob < b.logprob || (a.logprob == b.logprob && a.id > b.id);
}

static void sift(struct top_logprob *heap, size_t n, size_t i)
{
    struct top_logprob moved = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && worse(heap[child + 1], heap[child]))
            child++;
        if (!worse(heap[child], moved))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moved;
}

/* Only what beats the worst that is kept touches the heap: in a vocabulary of
 * 262,144 ids that is a few hundred elements. */
static void fill(struct top_logprob *heap, size_t k, const float *logits,
                 size_t n)
{
    for (size_t i = 0; i < k; i++)
        heap[i] = (struct top_logprob){ (int32_t)i, logits[i] };
    for (size_t i = k / 2; i-- > 0;)
        sift(heap, k, i);
    for (size_t i = k; i < n; i++)
        if (logits[i] > heap[0].logprob) {      /* equal: the lower id stays */
            heap[0] = (struct top_logprob){ (int32_t)i, logits[i] };
            sift(heap, k, 0);
        }
}

void logprob_top(struct top_logprob *top, size_t k, const float *logits,
                 size_t n, double base)
{
    assert(k > 0 && k <= n);
    fill(top, k, logits, n);
    for (size_t left = k; left-- > 1;) {        /* the worst goes to the end */
        struct top_logprob worst = top[0];
        top[0] = top[left];
        top[left] = worst;
        sift(top, left, 0);
    }
    for (size_t i = 0; i < k; i++)
        top[i].logprob = (float)((double)top[i].logprob - base);
}
