/* The layer loop: embedding, blocks, final norm, head; and the memory a step
 * needs, all of it made by work_open. */
#include "nn/model_private.h"

#include "base/checked.h"
#include "nn/phrases.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct model *model;
    size_t              max_tokens;
    struct step         step;
    struct seq_span    *span[LAYER_KINDS_MAX];      /* [max_tokens] */
    int32_t            *span_seq;                   /* [max_tokens] */
    float              *cos_sin[LAYER_KINDS_MAX];   /* [max_tokens][width] */
    float              *freq;                       /* [kinds][width / 2] */
    uint32_t           *wanted;                     /* [max_tokens] */
    model_tap          *tap;
    void               *tap_arg;
};

/* ---- the memory of a step ---- */

static struct stream_limits stream_limits(const struct config *c,
                                          size_t max_tokens)
{
    uint64_t width = c->hidden_size;

    width = c->ffn_size > width ? c->ffn_size : width;
    width = config_dim(c, DIM_O) > width ? config_dim(c, DIM_O) : width;
    width = c->latent.q_rank > width ? c->latent.q_rank : width;
    width = c->expert_size > width ? c->expert_size : width;
    width = c->shared_size > width ? c->shared_size : width;
    return (struct stream_limits){
        .n_tokens = max_tokens, .width = (size_t)width,
        .n_head = c->n_head, .layer = config_kv_layer(c),
        .head_width = c->latent.nope > c->latent.rank ? c->latent.nope
                                                      : c->latent.rank,
        .n_positions = c->context_length,
        .n_expert = c->router.n_expert, .n_expert_used = c->router.n_used,
        .expert_width = c->expert_size,
    };
}

/* The buffers of a step and their widths. */
struct buf_want {
    struct buf **at;
    uint64_t     width;
};
enum { N_BUFS = 15 };

static void buf_wants(struct buf_want want[N_BUFS], struct step *s,
                      const struct config *c)
{
    struct kv_layer l = config_kv_layer(c);
    uint64_t        n_latent = c->latent.rank > 0 ? c->n_head : 0;
    const struct buf_want list[N_BUFS] = {
        { &s->x, c->hidden_size }, { &s->h, c->hidden_size },
        { &s->q, config_dim(c, DIM_Q) }, { &s->a, config_dim(c, DIM_O) },
        { &s->k, (uint64_t)l.n_head_kv * l.k_width },
        { &s->v, (uint64_t)l.n_head_kv * l.v_width },
        { &s->c, c->latent.q_rank },
        { &s->latent_q, n_latent * attn_query_width(&l) },
        { &s->latent_a, n_latent * attn_value_width(&l) },
        { &s->g, c->ffn_size }, { &s->u, c->ffn_size },
        { &s->router, c->router.n_expert }, { &s->shared_g, c->shared_size },
        { &s->shared_u, c->shared_size }, { &s->shared_r, c->n_shared > 0 },
    };
    memcpy(want, list, sizeof list);
}

size_t work_size(const struct config *c, const struct device *device,
                 size_t max_tokens)
{
    struct stream_limits limits = stream_limits(c, max_tokens);
    struct step          step;
    struct buf_want      want[N_BUFS];
    size_t               width = 0;

    buf_wants(want, &step, c);
    for (size_t i = 0; i < N_BUFS; i++)
        width += (size_t)want[i].width;
    return width * max_tokens * sizeof(float)
         + device->ops->stream_bytes(device, &limits);
}

static enum err open_buffers(struct work *w, struct err_info *why)
{
    const struct model *m = w->model;
    struct buf_want     want[N_BUFS];

    buf_wants(want, &w->step, m->config);
    for (size_t i = 0; i < N_BUFS; i++) {
        enum err e = m->device->ops->buf_open(m->device, want[i].at,
                                              w->max_tokens,
                                              (size_t)want[i].width, why);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static bool open_arrays(struct work *w)
{
    const struct config *c = w->model->config;
    size_t               n = w->max_tokens, freqs = 0, size;

    for (size_t i = 0; i < c->n_kinds; i++) {
        size_t width = c->kind[i].rope.width;
        freqs += width / 2;
        if (!checked_size(&size, n, width)
            || !(w->cos_sin[i] = calloc(size, sizeof(float)))
            || !(w->span[i] = calloc(n, sizeof *w->span[i])))
            return false;
    }
    return (w->freq = calloc(freqs + 1, sizeof *w->freq)) != NULL
        && (w->span_seq = calloc(n, sizeof *w->span_seq)) != NULL
        && (w->wanted = calloc(n, sizeof *w->wanted)) != NULL;
}

enum err work_open(struct work **out, const struct model *m,
                   size_t max_tokens, struct err_info *why)
{
    struct stream_limits limits = stream_limits(m->config, max_tokens);
    struct work         *w = calloc(1, sizeof *w);
    enum err             e;

    *out = NULL;
    if (w == NULL)
        return fail_nomem(why);
    assert(max_tokens > 0 && max_tokens <= UINT32_MAX);
    w->model = m;
    w->max_tokens = max_tokens;
    w->step.config = m->config;
    w->step.ops = m->device->ops;
    e = open_arrays(w) ? ERR_OK : fail_nomem(why);
    if (e != ERR_OK || (e = open_buffers(w, why)) != ERR_OK
        || (e = m->device->ops->stream_open(m->device, &w->step.stream,
                                            &limits, why)) != ERR_OK) {
        work_close(w);
        return e;
    }
    *out = w;
    return ERR_OK;
}

void work_close(struct work *w)
{
    struct buf_want want[N_BUFS];

    if (w == NULL)
        return;
    buf_wants(want, &w->step, w->model->config);
    for (size_t i = 0; i < N_BUFS; i++)
        w->step.ops->buf_close(w->model->device, *want[i].at);
    w->step.ops->stream_close(w->step.stream);
    for (size_t i = 0; i < LAYER_KINDS_MAX; i++) {
        free(w->span[i]);
        free(w->cos_sin[i]);
    }
    free(w->span_seq);
    free(w->freq);
    free(w->wanted);
    free(w);
}

void work_tap(struct work *w, model_tap *tap, void *arg)
{
    w->tap = tap;
    w->tap_arg = arg;
}

const struct tally *work_tally(const struct work *w)
{
    return w->step.ops->tally(w->step.stream);
}

/* ---- what a batch means ---- */

/* Where sequence `seq` stands after the first n_spans runs. */
static uint32_t next_pos(const struct work *w, const struct kv *kv, int seq,
                         size_t n_spans)
{
    for (size_t i = n_spans; i-- > 0;)
        if (w->span_seq[i] == seq)
            return w->span[0][i].pos + w->span[0][i].n;
    return kv_seq_len(kv, seq);
}

static enum err check_token(const struct work *w, const struct batch *b,
                            const struct kv *kv, size_t i, struct err_info *why)
{
    if (b->token[i] < 0
        || (uint32_t)b->token[i] >= w->model->config->vocab_size)
        return fail(why, ERR_REQUEST, "token id %d: expected 0 to %u",
                    b->token[i], w->model->config->vocab_size - 1);
    if (!kv_seq_is_open(kv, b->seq[i]))
        return fail(why, ERR_REQUEST, "there is no sequence %d", b->seq[i]);
    return ERR_OK;
}

/* Runs of consecutive rows of one sequence, checked to continue it. */
static enum err make_spans(struct work *w, const struct batch *b,
                           const struct kv *kv, struct err_info *why)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        struct seq_span *last = n > 0 ? &w->span[0][n - 1] : NULL;
        bool     same = n > 0 && w->span_seq[n - 1] == b->seq[i];
        enum err e = check_token(w, b, kv, i, why);
        if (e != ERR_OK)
            return e;
        uint32_t pos = same ? last->pos + last->n
                            : next_pos(w, kv, b->seq[i], n);
        if (b->pos[i] < 0 || (uint32_t)b->pos[i] != pos)
            return fail(why, ERR_REQUEST, "position %d of sequence %d does not "
                        "continue it: expected %u", b->pos[i], b->seq[i], pos);
        if (pos >= kv_room(kv, b->seq[i]))
            return fail(why, ERR_REQUEST, "no room was reserved for position "
                        "%u of sequence %d", pos, b->seq[i]);
        if (same) {
            last->n++;
            continue;
        }
        w->span[0][n] = (struct seq_span){ .row = (uint32_t)i, .n = 1,
                                           .pos = pos };
        w->span_seq[n++] = b->seq[i];
    }
    w->step.n_spans = n;
    return ERR_OK;
}

/* The same runs for every kind of layer, each with its group's blocks. */
static void view_spans(struct work *w, const struct kv *kv)
{
    for (size_t g = 0; g < w->model->config->n_kinds; g++) {
        for (size_t i = 0; i < w->step.n_spans; i++) {
            w->span[g][i] = w->span[0][i];
            w->span[g][i].view = kv_view(kv, w->span_seq[i], g);
        }
        w->step.span[g] = w->span[g];
    }
}

/* Cosines and sines of every row, for every kind. */
static void rotate_spans(struct work *w, const struct kv *kv)
{
    const struct config *c = w->model->config;

    for (size_t g = 0; g < c->n_kinds; g++) {
        const struct rope_spec *r = &c->kind[g].rope;
        float amplitude = rope_amplitude(r);
        for (size_t i = 0; i < w->step.n_spans; i++) {
            const struct seq_span *s = &w->span[g][i];
            if (i == 0 || rope_by_length(r))
                rope_frequencies(w->freq, r,
                                 kv_seq_declared(kv, w->span_seq[i]));
            for (uint32_t t = 0; t < s->n; t++)
                rope_rotation(w->cos_sin[g] + (s->row + t) * (size_t)r->width,
                              w->freq, r->width / 2, s->pos + t, amplitude);
        }
        w->step.cos_sin[g] = w->cos_sin[g];
    }
}

/* ---- the step ---- */

static enum err run_layers(struct work *w, const struct kv *kv,
                           const struct progress *progress,
                           struct err_info *why)
{
    const struct model *m = w->model;
    struct step        *s = &w->step;
    uint32_t            n = m->config->n_layer;

    for (s->layer = 0; s->layer < n; s->layer++) {
        size_t kind = (size_t)(config_kind(m->config, s->layer)
                               - m->config->kind);
        if (progress_tick(progress, "running the model", s->layer, n))
            return fail(why, ERR_CANCELLED, "the step was cancelled");
        s->kv_layer = kv_layer(kv, kind, m->index[s->layer]);
        m->arch->block(s, model_layer(m, s->layer));
        if (w->tap != NULL)
            w->tap(w->tap_arg, s->layer, s->ops->buf_read(s->stream, s->x, s->n),
                   s->n);
    }
    return ERR_OK;
}

static void run_head(struct work *w, const struct batch *b, float *logits)
{
    const struct model  *m = w->model;
    struct step         *s = &w->step;
    struct head_op       op = {
        .in = s->h, .row = w->wanted, .logits = logits,
        .weight = m->has_head ? m->ends.head.weight : m->ends.embed.weight,
        .bias = m->ends.head_bias.weight,
        .scale = m->config->logit_scale, .softcap = m->config->logit_softcap,
    };

    for (size_t i = 0; i < b->n; i++)
        if (b->want_logits[i])
            w->wanted[op.n_rows++] = (uint32_t)i;
    if (op.n_rows == 0)
        return;
    norm(s, s->h, s->x, &m->ends.norm);
    s->ops->head(s->stream, &op);
}

enum err model_forward(struct work *w, const struct batch *batch,
                       struct kv *kv, float *logits,
                       const struct progress *progress, struct err_info *why)
{
    const struct model *m = w->model;
    struct step        *s = &w->step;
    enum err            e;

    assert(batch->n > 0);
    if (batch->n > w->max_tokens)
        return fail(why, ERR_REQUEST, "a step of %zu tokens: at most %zu",
                    batch->n, w->max_tokens);
    if ((e = make_spans(w, batch, kv, why)) != ERR_OK)
        return e;
    s->n = batch->n;
    view_spans(w, kv);
    rotate_spans(w, kv);
    s->ops->embed(s->stream, s->x, m->ends.embed.weight, batch->token, s->n,
                  m->config->embed_scale);
    if ((e = run_layers(w, kv, progress, why)) != ERR_OK)
        return e;
    run_head(w, batch, logits);
    for (size_t i = 0; i < s->n_spans; i++)
        kv_advance(kv, w->span_seq[i], w->span[0][i].n);
    return ERR_OK;
}
