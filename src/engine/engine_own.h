/* The engine from the inside: what opening it goes through, step by step, so
 * that looking at a model (facts.c) can stop half way. */
#ifndef OSMIA_ENGINE_ENGINE_OWN_H
#define OSMIA_ENGINE_ENGINE_OWN_H

#include "device/device.h"
#include "engine/engine.h"
#include "nn/arch.h"
#include "nn/config.h"

struct engine {
    struct engine_options options;      /* pointers in it: while opening only */

    struct checkpoint    *checkpoint;
    struct tokenizer     *tok;
    struct chat          *chat;
    struct sampling_given wishes;       /* what the files say */

    const struct arch    *arch;
    struct device        *device;
    struct model_plan     plan;
    enum kv_type          kv_type;
    uint32_t              model_ctx, ctx;
    size_t                kv_positions; /* capacity of the cache */

    struct model         *model;
    struct work          *work;
    struct kv            *kv;
    struct runner         runner;
    int32_t              *never;
    size_t                n_never;
};

/* Each needs the ones above it.  What they open, engine_close closes; only *cfg
 * is the caller's. */
enum err engine_new(struct engine **out, const struct engine_options *o,
                    struct err_info *why);
enum err engine_open_files(struct engine *e, struct err_info *why);
enum err engine_open_text(struct engine *e, struct err_info *why);
enum err engine_configure(struct engine *e, struct config **cfg,
                          struct err_info *why);
enum err engine_open_device(struct engine *e, struct err_info *why);
enum err engine_plan(struct engine *e, struct err_info *why);
enum err engine_load(struct engine *e, struct err_info *why);

/* ---- memory_plan.c ---- */

/* Decide ctx and kv_positions from the plan and `available` bytes.  ERR_LIMIT
 * tells what is needed and what there is. */
enum err memory_plan(struct engine *e, uint64_t available,
                     struct err_info *why);

/* ---- pack_cache.c ---- */

/* Let the device take packed weights from the cache, or write them there; until
 * store_end. */
void     pack_cache_begin(struct engine *e);

/* ---- model_runner.c ---- */

/* Fill e->runner; model, work and kv are open. */
void     model_runner(struct engine *e);

/* ---- wishes.c ---- */

/* e->wishes from the checkpoint's generation defaults. */
void     read_wishes(struct engine *e);

#endif
