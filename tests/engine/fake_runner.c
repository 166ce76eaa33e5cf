#include "fake_runner.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t h)
{
    h ^= h >> 31;
    h *= 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    h *= 0xBF58476D1CE4E5B9u;
    return h ^ h >> 32;
}

void fake_logits(float *logits, const int32_t *tokens, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++)
        h = mix(h + (uint64_t)tokens[i] * 0x100000001B3u + i);
    for (size_t i = 0; i < FAKE_VOCAB; i++)
        logits[i] = (float)(mix(h + i) % 10000) / 1500;
}

static size_t block_len(const struct fake *f)
{
    return f->runner.block;
}

static int take_block(struct fake *f)
{
    for (size_t i = 0; i < f->n_blocks; i++)
        if (f->count[i] == 0) {
            f->count[i] = 1;
            f->n_free--;
            return (int)i;
        }
    return -1;
}

static void drop_block(struct fake *f, int block)
{
    assert(f->count[block] > 0);
    if (--f->count[block] == 0)
        f->n_free++;
}

static int seq_open(void *arg, uint32_t declared_len)
{
    struct fake *f = arg;
    (void)declared_len;
    for (size_t i = 0; i < f->n_seqs; i++)
        if (!f->seq[i].open) {
            f->seq[i] = (struct fake_seq){ .open = true };
            return (int)i;
        }
    return -1;
}

static void seq_close(void *arg, int seq)
{
    struct fake *f = arg;
    struct fake_seq *s = &f->seq[seq];
    assert(s->open);
    for (size_t i = 0; i < s->n_blocks; i++)
        drop_block(f, s->block[i]);
    s->open = false;
}

static enum err reserve(void *arg, int seq, size_t n, struct err_info *why)
{
    struct fake *f = arg;
    struct fake_seq *s = &f->seq[seq];
    size_t need = (s->len + n + block_len(f) - 1) / block_len(f);
    assert(s->open && n > 0 && need <= FAKE_LEN);
    if (need > s->n_blocks && need - s->n_blocks > f->n_free)
        return fail(why, ERR_FULL, "no free block");
    while (s->n_blocks < need)
        s->block[s->n_blocks++] = take_block(f);
    return ERR_OK;
}

static void truncate_seq(void *arg, int seq, uint32_t len)
{
    struct fake *f = arg;
    struct fake_seq *s = &f->seq[seq];
    assert(s->open && len <= s->len);
    s->len = len;
    while (s->n_blocks > (len + block_len(f) - 1) / block_len(f))
        drop_block(f, s->block[--s->n_blocks]);
}

static enum err fork_seq(void *arg, int from, int to, uint32_t len,
                         struct err_info *why)
{
    struct fake *f = arg;
    struct fake_seq *a = &f->seq[from], *b = &f->seq[to];
    size_t whole = len / block_len(f), part = len % block_len(f);
    assert(a->open && b->open && from != to && b->len == 0 && len <= a->len);
    assert(len >= a->floor);
    if (part > 0 && (f->n_free == 0 || f->fork_fails))
        return fail(why, ERR_FULL, "no free block");
    for (size_t i = 0; i < whole; i++) {
        b->block[i] = a->block[i];
        f->count[a->block[i]]++;
    }
    if (part > 0) {
        b->block[whole] = take_block(f);
        memcpy(&f->content[(size_t)b->block[whole] * 4],
               &f->content[(size_t)a->block[whole] * 4],
               part * sizeof(int32_t));
    }
    b->floor = a->floor;
    b->n_blocks = whole + (part > 0);
    b->len = len;
    return ERR_OK;
}

static size_t room(void *arg)
{
    const struct fake *f = arg;
    return f->n_free * block_len(f);
}

static uint32_t floor_of(void *arg, int seq)
{
    const struct fake *f = arg;
    return f->seq[seq].floor;
}

static void blocks(void *arg, size_t *used, size_t *all)
{
    const struct fake *f = arg;
    *used = f->n_blocks - f->n_free;
    *all = f->n_blocks;
}

static uint64_t regime(void *arg, uint32_t declared_len)
{
    (void)arg;
    return declared_len > 150;       /* two of them */
}

static void append(struct fake *f, struct fake_seq *s, int32_t token)
{
    int block = s->block[s->len / block_len(f)];
    assert(s->len < s->n_blocks * block_len(f));      /* was reserved */
    assert(f->count[block] == 1);                     /* is nobody else's */
    f->content[(size_t)block * 4 + s->len % block_len(f)] = token;
    s->len++;
}

static void row_of(struct fake *f, const struct fake_seq *s, float *logits)
{
    int32_t tokens[FAKE_LEN] = { 0 };
    for (size_t i = 0; i < s->len; i++)
        tokens[i] = f->content[(size_t)s->block[i / block_len(f)] * 4
                               + i % block_len(f)];
    fake_logits(logits, tokens, s->len);
    if (f->nan_at >= 0 && s->len == (size_t)f->nan_at + 1)
        logits[3] = NAN;
}

static enum err forward(void *arg, const struct batch *b, float *logits,
                        const struct progress *progress, struct err_info *why)
{
    struct fake *f = arg;
    size_t rows = 0;
    assert(b->n > 0 && b->n <= f->runner.max_tokens);
    for (size_t i = 0; i <= f->n_more_ticks; i++)
        if (progress_tick(progress, "layer", i, f->n_more_ticks + 1))
            return fail(why, ERR_CANCELLED, "cancelled");
    if (f->forward_says != ERR_OK)
        return fail(why, f->forward_says, "the fake was told to fail");
    for (size_t i = 0; i < b->n; i++) {
        struct fake_seq *s = &f->seq[b->seq[i]];
        assert(s->open && b->pos[i] == (int32_t)s->len);
        append(f, s, b->token[i]);
        if (b->want_logits[i])
            row_of(f, s, logits + FAKE_VOCAB * rows++);
    }
    assert(rows <= f->runner.max_rows);
    f->n_ran += b->n;
    f->n_steps++;
    if (b->n > f->most_in_step)
        f->most_in_step = b->n;
    return ERR_OK;
}

static const struct runner_ops ops = {
    .forward = forward, .seq_open = seq_open, .seq_close = seq_close,
    .reserve = reserve, .truncate = truncate_seq, .fork = fork_seq,
    .room = room, .floor = floor_of, .blocks = blocks, .regime = regime,
};

void fake_open(struct fake *f, const struct fake_options *o)
{
    assert(o->block <= 4 && o->n_blocks <= FAKE_BLOCKS && o->ctx <= FAKE_LEN);
    memset(f, 0, sizeof *f);
    f->runner = (struct runner){
        .ops = &ops, .arg = f, .n_vocab = FAKE_VOCAB, .ctx = o->ctx,
        .max_tokens = o->max_tokens, .max_rows = o->max_rows,
        .capacity = o->n_blocks * o->block, .block = o->block };
    f->n_blocks = f->n_free = o->n_blocks;
    f->n_seqs = o->n_seqs;
    f->nan_at = -1;
}

size_t fake_blocks_used(const struct fake *f)
{
    return f->n_blocks - f->n_free;
}

size_t fake_seqs_open(const struct fake *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_seqs; i++)
        n += f->seq[i].open;
    return n;
}
