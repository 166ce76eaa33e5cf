/* What sessions and the scheduler need of a model: sequences with a cache and
 * one step of computing.  A table of functions, so that the scheduler can be
 * tested against a model of a few lines (and so that ranks or a remote device
 * can stand behind it some day).
 *
 * engine.c makes the real one from a model, its work space and its cache. */
#ifndef OSMIA_ENGINE_RUNNER_H
#define OSMIA_ENGINE_RUNNER_H

#include "base/err.h"
#include "base/progress.h"
#include "nn/batch.h"

struct runner_ops {
    /* One step, as model_forward: logits [n_wanted, n_vocab] in batch order. */
    enum err (*forward)(void *arg, const struct batch *b, float *logits,
                        const struct progress *progress, struct err_info *why);
    /* Sequences, as the functions of nn/kv.h with these names. */
    int      (*seq_open)(void *arg, uint32_t declared_len);
    void     (*seq_close)(void *arg, int seq);
    enum err (*reserve)(void *arg, int seq, size_t n, struct err_info *why);
    void     (*truncate)(void *arg, int seq, uint32_t len);
    enum err (*fork)(void *arg, int from, int to, uint32_t len,
                     struct err_info *why);
    /* Positions that can still be reserved, all sequences together. */
    size_t   (*room)(void *arg);
    /* The shortest prefix that can be forked off a sequence (kv_seq_floor). */
    uint32_t (*floor)(void *arg, int seq);
    /* Blocks in use by any sequence, and all there are. */
    void     (*blocks)(void *arg, size_t *used, size_t *all);
    /* Sequences with different regimes cannot share a prefix (RoPE kinds that
     * depend on the declared length).  Most models: always 0. */
    uint64_t (*regime)(void *arg, uint32_t declared_len);
};

struct runner {
    const struct runner_ops *ops;
    void    *arg;
    size_t   n_vocab;      /* width of a logits row */
    size_t   max_tokens;   /* per step */
    size_t   max_rows;     /* of logits per step */
    uint32_t ctx;          /* positions one sequence may have */
    size_t   capacity;     /* positions of all sequences together */
    size_t   block;        /* positions that are shared or freed together */
};

#endif
