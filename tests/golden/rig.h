/* A model opened for a test, and ways to run it. */
#ifndef OSMIA_TESTS_RIG_H
#define OSMIA_TESTS_RIG_H

#include "device/device.h"
#include "format/checkpoint.h"
#include "nn/arch.h"
#include "nn/model.h"

struct rig {
    struct checkpoint *checkpoint;
    struct device     *device;
    struct model      *model;
    struct kv         *kv;
    struct work       *work;
    size_t             vocab;
};

struct rig_options {
    bool               exact;
    enum kv_type       kv;
    unsigned           threads;      /* 0: 1 */
    const char        *isa;          /* NULL: the best */
    const struct arch *arch;         /* NULL: what the file says */
    const char        *weights;      /* what they are converted to, or NULL */
    const struct notices *notices;
};

/* Open everything; on error nothing is left. */
enum err rig_open(struct rig *r, const char *path, const struct rig_options *o,
                  struct err_info *why);
void     rig_close(struct rig *r);

/* Logits [n][vocab] of a fresh sequence fed in pieces of `chunk`; with `guests`
 * other sequences running beside it in every step. */
void     rig_logits(struct rig *r, const int32_t *token, size_t n, size_t chunk,
                    unsigned guests, float *logits);

#endif
