#include "support/check.h"

#include "golden/rig.h"

#include "models/arch_table.h"
#include <string.h>

enum { STEP = 512, POSITIONS = 4096, GUESTS = 3 };

static enum err open_model(struct rig *r, const struct rig_options *o,
                           struct err_info *why)
{
    struct model_options mo = { .exact = o->exact, .weights = o->weights,
                                .notices = o->notices };
    const struct arch   *arch = o->arch;
    enum err e = arch != NULL ? ERR_OK
               : arch_find(&arch, r->checkpoint, NULL, why);

    if (e != ERR_OK)
        return e;
    e = model_open(&r->model, arch, r->checkpoint, r->device, &mo, why);
    if (e != ERR_OK)
        return e;
    r->vocab = model_vocab_size(r->model);
    return work_open(&r->work, r->model, STEP, why);
}

enum err rig_open(struct rig *r, const char *path, const struct rig_options *o,
                  struct err_info *why)
{
    struct checkpoint_options co = { .no_weights = false };
    struct cpu_options        cpu = { .n_threads = o->threads ? o->threads : 1,
                                      .isa = o->isa };
    struct kv_options         ko = { .type = o->kv, .n_positions = POSITIONS,
                                     .max_seqs = GUESTS + 1 };
    enum err e;

    memset(r, 0, sizeof *r);
    if ((e = checkpoint_open(&r->checkpoint, path, &co, why)) == ERR_OK
        && (e = device_cpu_open(&r->device, &cpu, why)) == ERR_OK
        && (e = open_model(r, o, why)) == ERR_OK) {
        size_t                 n;
        const struct kv_group *g = model_kv_groups(r->model, &n);
        e = kv_open(&r->kv, g, n, &ko, why);
    }
    if (e != ERR_OK)
        rig_close(r);
    return e;
}

void rig_close(struct rig *r)
{
    kv_close(r->kv);
    work_close(r->work);
    model_close(r->model);
    if (r->device != NULL)
        r->device->ops->close(r->device);
    checkpoint_close(r->checkpoint);
    memset(r, 0, sizeof *r);
}

/* One step's batch: what the sequence itself feeds, guests before and after. */
struct step_batch {
    int32_t token[STEP], pos[STEP], seq[STEP];
    bool    want[STEP];
    size_t  n;
};

static void feed(struct step_batch *b, int seq, int32_t token, uint32_t pos,
                 bool want)
{
    b->token[b->n] = token;
    b->pos[b->n] = (int32_t)pos;
    b->seq[b->n] = seq;
    b->want[b->n++] = want;
}

static void feed_guest(struct step_batch *b, const struct rig *r, int seq,
                       size_t n)
{
    uint32_t at = kv_seq_len(r->kv, seq);

    assert_int_equal(kv_reserve(r->kv, seq, n, NULL), ERR_OK);
    for (size_t i = 0; i < n; i++, at++)
        feed(b, seq, (int32_t)((at * 31 + (uint32_t)seq * 7) % r->vocab), at,
             false);
}

static void step(struct rig *r, const struct step_batch *b, float *logits)
{
    struct batch    batch = { b->n, b->token, b->pos, b->seq, b->want };
    struct err_info why = { .text = "" };

    if (model_forward(r->work, &batch, r->kv, logits, NULL, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

void rig_logits(struct rig *r, const int32_t *token, size_t n, size_t chunk,
                unsigned guests, float *logits)
{
    static struct step_batch b;
    int seq = kv_seq_open(r->kv, (uint32_t)n), guest[GUESTS];

    assert_true(seq >= 0 && guests <= GUESTS);
    for (unsigned g = 0; g < guests; g++)
        guest[g] = kv_seq_open(r->kv, 300);
    for (size_t i = 0; i < n; i += chunk) {
        size_t here = n - i < chunk ? n - i : chunk;
        assert_int_equal(kv_reserve(r->kv, seq, here, NULL), ERR_OK);
        b.n = 0;
        if (guests > 0)
            feed_guest(&b, r, guest[0], 3);
        for (size_t k = 0; k < here; k++)
            feed(&b, seq, token[i + k], (uint32_t)(i + k), true);
        for (unsigned g = 1; g < guests; g++)
            feed_guest(&b, r, guest[g], g);
        step(r, &b, logits + i * r->vocab);
    }
    for (unsigned g = 0; g < guests; g++)
        kv_seq_close(r->kv, guest[g]);
    kv_seq_close(r->kv, seq);
}
