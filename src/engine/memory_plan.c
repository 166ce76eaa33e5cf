/* What fits: the context is cut to it, or the model is refused before a byte of
 * it was read. */
#include "engine/engine_own.h"

enum {
    CTX_LEAST = 256,          /* less is of no use to anybody */
    CTX_STEP  = 256
};

static double mib(uint64_t size)
{
    return (double)size / (1 << 20);
}

/* Not all that is free: a sixteenth stays for text, sockets and the rest. */
static uint64_t usable(uint64_t available)
{
    return available == UINT64_MAX ? available : available - available / 16;
}

/* Bytes of cache for one token, in all groups. */
static uint64_t per_position(const struct engine *e)
{
    return kv_bytes_per_position(e->plan.groups, e->plan.n_groups, e->kv_type);
}

static enum err refuse(const struct engine *e, uint32_t ctx, uint64_t available,
                       struct err_info *why)
{
    uint64_t model = e->plan.weights_size + e->plan.work_size;
    return fail(why, ERR_LIMIT, "%s: it needs %.0f MiB (weights and work space "
                "%.0f, cache for %u tokens %.0f), but only %.0f MiB of memory "
                "are free; try a smaller %s", e->checkpoint->path,
                mib(model + ctx * per_position(e)), mib(model), (unsigned)ctx,
                mib(ctx * per_position(e)), mib(usable(available)),
                e->options.ctx > 0 ? "--ctx" : "model or --weights");
}

/* Positions that one sequence may have: as asked, or the model's, cut to what
 * there is room for. */
static enum err choose_ctx(struct engine *e, uint64_t fit, uint64_t available,
                           struct err_info *why)
{
    uint32_t ctx = e->options.ctx > 0 ? e->options.ctx : e->model_ctx;
    uint32_t least = ctx < CTX_LEAST ? ctx : CTX_LEAST;
    if (fit < (e->options.ctx > 0 ? ctx : least))
        return refuse(e, e->options.ctx > 0 ? ctx : least, available, why);
    if (ctx > e->model_ctx)
        notice(e->options.notices, "%s: the model was made for %u tokens; "
               "beyond that its answers may make no sense", e->checkpoint->path,
               (unsigned)e->model_ctx);
    if (fit < ctx) {
        uint32_t cut = (uint32_t)fit < CTX_STEP ? (uint32_t)fit
                       : (uint32_t)fit / CTX_STEP * CTX_STEP;
        notice(e->options.notices, "%s: the context is cut from %u to %u "
               "tokens: only %.0f MiB of memory are free", e->checkpoint->path,
               (unsigned)ctx, (unsigned)cut, mib(usable(available)));
        ctx = cut;
    }
    e->ctx = ctx;
    return ERR_OK;
}

/* Every sequence a whole context, if there is room, and a block to spare for
 * the copy that a fork makes.  As much again for prefixes, but who keeps them
 * runs for days and fills what it is given, so it leaves the others half. */
static size_t choose_positions(const struct engine *e, uint64_t fit)
{
    uint64_t all = e->options.n_seqs * ((uint64_t)e->ctx + KV_BLOCK);
    if (e->options.n_kept > 0)
        all = 2 * all < fit / 2 ? 2 * all : fit / 2;
    if (e->options.kv_size > 0 || all > fit)
        all = fit;
    return all > e->ctx ? (size_t)all : e->ctx;
}

enum err memory_plan(struct engine *e, uint64_t available,
                     struct err_info *why)
{
    uint64_t fixed = e->plan.weights_size + e->plan.work_size;
    uint64_t budget = usable(available), each = per_position(e);
    uint64_t left = budget > fixed ? budget - fixed : 0;
    if (e->options.kv_size > 0 && left > e->options.kv_size)
        left = e->options.kv_size;
    uint64_t fit = left / (each > 0 ? each : 1);
    enum err err = choose_ctx(e, fit, available, why);
    if (err == ERR_OK)
        e->kv_positions = choose_positions(e, fit);
    return err;
}
