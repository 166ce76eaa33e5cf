/* A model opened as a whole: files, tokenizer, chat template, memory plan,
 * weights on a device, cache.
 *
 * Immutable after engine_open but for the cache and the work space, which
 * belong to whoever runs steps (sessions or one scheduler): one thread at a
 * time. */
#ifndef OSMIA_ENGINE_ENGINE_H
#define OSMIA_ENGINE_ENGINE_H

#include "base/err.h"
#include "base/notice.h"
#include "base/progress.h"
#include "engine/runner.h"
#include "engine/sampling.h"
#include "format/checkpoint.h"
#include "kernels/pool.h"
#include "nn/kv.h"
#include "nn/model.h"
#include "text/chat.h"
#include "text/tokenizer.h"

struct engine;

/* How much of it is needed. */
enum engine_depth {
    ENGINE_TEXT,     /* tokenizer and templates only: works without weights and
                        on architectures that cannot be run */
    ENGINE_RUN       /* everything */
};

enum { ENGINE_KV_AUTO = -1 };

struct engine_options {
    const char  *path;           /* as the user gave it */
    enum engine_depth depth;
    unsigned     n_threads;      /* 0: pool_default_threads; not with `pool` */
    struct pool *pool;           /* NULL: the engine makes its own */
    const char  *device;         /* NULL: "cpu" */
    const char  *isa;            /* NULL: the best instruction set there is */
    const char  *weights;        /* NULL or "as-is": as stored */
    int          kv;             /* enum kv_type or ENGINE_KV_AUTO: f16, or f32
                                    when exact */
    bool         exact;
    uint32_t     ctx;            /* positions of one sequence; 0: the model's */
    size_t       n_seqs;         /* that may be held at once; 0: 1 */
    size_t       n_kept;         /* more of them, kept for their prefixes only;
                                    with any, the cache takes at most half of
                                    what memory is free */
    uint64_t     kv_size;        /* bytes for the cache of all; 0: enough for
                                    n_seqs whole contexts, cut to memory */
    size_t       max_step;       /* most tokens per step; 0: 512 */
    const char  *cache;          /* folder of packed weights that make the next
                                    start faster; NULL or "": none */
    uint64_t     cache_size;     /* bytes it may hold; 0: 32 GiB */
    const struct notices  *notices;
    const struct progress *progress;
};
/* Zero-initialise, then set kv = ENGINE_KV_AUTO or use this. */
struct engine_options engine_defaults(const char *path);

/* Open.  Before weights are read, the memory plan is checked: ERR_LIMIT names
 * what is needed and what there is.  Without a given ctx the context is cut to
 * what memory allows, with a notice; a given one that does not fit is refused.
 * ERR_CANCELLED when progress says so. */
enum err engine_open(struct engine **out, const struct engine_options *o,
                     struct err_info *why);
void     engine_close(struct engine *e);

/* ---- facts ---- */

const struct checkpoint *engine_checkpoint(const struct engine *e);
/* The architecture's name as the files have it; empty when they say nothing. */
struct slice             engine_architecture(const struct engine *e);
/* The file of packed weights that it is mapped from, or NULL. */
const struct file       *engine_packed_file(const struct engine *e);
const struct tokenizer  *engine_tokenizer(const struct engine *e);
struct chat             *engine_chat(const struct engine *e);
/* Only at depth RUN: */
const struct model      *engine_model(const struct engine *e);
const struct runner     *engine_runner(const struct engine *e);
uint32_t engine_ctx(const struct engine *e);          /* after cutting */
uint32_t engine_model_ctx(const struct engine *e);    /* what the model has */
enum kv_type engine_kv_type(const struct engine *e);
unsigned engine_threads(const struct engine *e);
uint64_t engine_weights_size(const struct engine *e);      /* bytes resident */
uint64_t engine_kv_size_per_token(const struct engine *e); /* bytes */
size_t   engine_vocab_size(const struct engine *e);   /* a logits row */
/* What its steps have computed so far. */
const struct tally *engine_tally(const struct engine *e);
size_t   engine_blocks_used(const struct engine *e);  /* for accounting */
/* Ids that must never be sampled, sorted (see sampler_open). */
const int32_t *engine_never(const struct engine *e, size_t *n);

/* What the model's files say about sampling: generation_config.json, else
 * general.sampling.* of GGUF.  Where generation_config.json has "do_sample":
 * false, temperature is given as 0 (greedy, as transformers does) and its
 * top_k, top_p and min_p are not taken.  Values out of range are left out, with
 * a notice at open. */
const struct sampling_given *engine_sampling(const struct engine *e);
/* `fallback`, replaced by the model's wishes, replaced by what was asked. */
struct sampling engine_sampling_for(const struct engine *e,
                                    const struct sampling_given *asked,
                                    const struct sampling *fallback);
/* The fallback of `run` and `chat`: temperature 0.7, top-p 0.95, min-p 0.05. */
struct sampling sampling_chat_default(void);

/* Ids of a prompt: BOS is added as the tokenizer does by itself, unless the
 * text (a rendered template) already begins with it.  raw: a text to continue,
 * in which special tokens are text, too. */
enum err engine_encode_chat(const struct engine *e, struct slice rendered,
                            struct tok_ids *out, struct err_info *why);
enum err engine_encode_raw(const struct engine *e, struct slice text,
                           struct tok_ids *out, struct err_info *why);

#endif
