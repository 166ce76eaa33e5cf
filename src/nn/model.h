/* A model: an architecture's row, its configuration and its weights on a
 * device.  Immutable after model_open. */
#ifndef OSMIA_NN_MODEL_H
#define OSMIA_NN_MODEL_H

#include "base/err.h"
#include "base/notice.h"
#include "base/progress.h"
#include "format/checkpoint.h"
#include "nn/batch.h"
#include "nn/kv.h"

struct arch;      /* nn/arch.h: what models/ files declare */
struct config;    /* nn/config.h */
struct device;    /* device/device.h */
struct model;

struct model_options {
    bool        exact;            /* f32 activations times expanded weights */
    const char *weights;          /* NULL: as stored; else a format's name */
    size_t      max_tokens;       /* model_plan: of the largest step */
    const struct notices  *notices;
    const struct progress *progress;
};

/* Read and check the configuration only (inspect, memory plan).  *cfg is freed
 * with config_close. */
enum err model_configure(struct config **cfg, const struct arch *arch,
                         const struct checkpoint *c,
                         const struct notices *notices, struct err_info *why);

/* What loading would take, without reading a weight: the same checks of names
 * and shapes as model_open, so a model that can be planned can be loaded (but
 * for values inside the weights). */
struct model_plan {
    uint64_t weights_size;           /* bytes resident once loaded */
    uint64_t work_size;              /* of work_open(o->max_tokens) */
    struct kv_group groups[8];       /* as model_kv_groups will say */
    size_t   n_groups;
};
enum err model_plan(struct model_plan *out, const struct arch *arch,
                    const struct checkpoint *c, struct device *device,
                    const struct model_options *o, struct err_info *why);

/* Bind, check and pack all weights.  The checkpoint must outlive the model:
 * rows for embedding look-ups stay in the mapped file. */
enum err model_open(struct model **out, const struct arch *arch,
                    const struct checkpoint *c, struct device *device,
                    const struct model_options *o, struct err_info *why);
void     model_close(struct model *m);

const struct config *model_config(const struct model *m);
const struct kv_group *model_kv_groups(const struct model *m, size_t *n);
/* Rows of the output head: the width of a logits row. */
size_t   model_vocab_size(const struct model *m);
size_t   model_weight_bytes(const struct model *m);

/* Scratch for steps of up to max_tokens tokens; owned by one thread. */
struct work;
enum err work_open(struct work **out, const struct model *m,
                   size_t max_tokens, struct err_info *why);
void     work_close(struct work *w);

/* Run one step: append the batch's tokens to their sequences in `kv` (room must
 * have been reserved) and compute the wanted rows of logits, in batch order,
 * [n_wanted, vocab], f32.  Never allocates.  ERR_CANCELLED when `progress` says
 * so (looked at between layers); ERR_REQUEST when the batch is not as batch.h
 * says.  On any error the sequences are as before the step. */
enum err model_forward(struct work *w, const struct batch *batch,
                       struct kv *kv, float *logits,
                       const struct progress *progress, struct err_info *why);

/* What its steps have computed so far (device/device.h). */
struct tally;
const struct tally *work_tally(const struct work *w);

/* For tests: called after each layer with the residual stream [n, hidden]. */
typedef void model_tap(void *arg, uint32_t layer, const float *x, size_t n);
void     work_tap(struct work *w, model_tap *tap, void *arg);

#endif
