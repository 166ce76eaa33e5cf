/* struct runner over a model, its work space and its cache. */
#include "engine/engine_own.h"

#include "base/slice.h"

static enum err forward(void *arg, const struct batch *b, float *logits,
                        const struct progress *progress, struct err_info *why)
{
    struct engine *e = arg;
    return model_forward(e->work, b, e->kv, logits, progress, why);
}

static int seq_open(void *arg, uint32_t declared_len)
{
    struct engine *e = arg;
    return kv_seq_open(e->kv, declared_len);
}

static void seq_close(void *arg, int seq)
{
    struct engine *e = arg;
    kv_seq_close(e->kv, seq);
}

static enum err reserve(void *arg, int seq, size_t n, struct err_info *why)
{
    struct engine *e = arg;
    return kv_reserve(e->kv, seq, n, why);
}

static void truncate_seq(void *arg, int seq, uint32_t len)
{
    struct engine *e = arg;
    kv_truncate(e->kv, seq, len);
}

static enum err fork_seq(void *arg, int from, int to, uint32_t len,
                         struct err_info *why)
{
    struct engine *e = arg;
    return kv_fork(e->kv, from, to, len, why);
}

/* A position takes a place in a block of every group. */
static size_t room(void *arg)
{
    const struct engine *e = arg;
    size_t blocks = kv_blocks(e->kv) - kv_blocks_used(e->kv);
    return blocks / e->plan.n_groups * KV_BLOCK;
}

static uint32_t floor_of(void *arg, int seq)
{
    const struct engine *e = arg;
    return kv_seq_floor(e->kv, seq);
}

static void blocks(void *arg, size_t *used, size_t *all)
{
    const struct engine *e = arg;
    *used = kv_blocks_used(e->kv);
    *all = kv_blocks(e->kv);
}

/* Two lengths with the same frequencies are one regime; the hash of the
 * frequencies says so for every kind of scaling. */
static uint64_t regime(void *arg, uint32_t declared_len)
{
    const struct engine *e = arg;
    const struct config *c = model_config(e->model);
    float freq[1024];
    uint64_t hash = 0;
    for (size_t i = 0; i < c->n_kinds; i++) {
        const struct rope_spec *r = &c->kind[i].rope;
        if (!rope_by_length(r) || c->kind[i].no_rope)
            continue;
        if (r->width / 2 > sizeof freq / sizeof *freq)
            return declared_len;             /* no sharing but of equal ones */
        rope_frequencies(freq, r, declared_len);
        hash = hash * 31 + slice_hash((struct slice){ (const char *)freq,
                                      r->width / 2 * sizeof *freq });
    }
    return hash;
}

static const struct runner_ops ops = {
    .forward = forward, .seq_open = seq_open, .seq_close = seq_close,
    .reserve = reserve, .truncate = truncate_seq, .fork = fork_seq,
    .room = room, .floor = floor_of, .blocks = blocks, .regime = regime,
};

void model_runner(struct engine *e)
{
    e->runner = (struct runner){
        .ops = &ops, .arg = e, .n_vocab = model_vocab_size(e->model),
        .max_tokens = e->options.max_step, .max_rows = e->options.max_step,
        .ctx = e->ctx, .capacity = e->kv_positions, .block = KV_BLOCK };
}
