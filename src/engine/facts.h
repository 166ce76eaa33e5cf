/* What a model is, without reading its weights: all that `inspect` prints. */
#ifndef OSMIA_ENGINE_FACTS_H
#define OSMIA_ENGINE_FACTS_H

#include "engine/engine.h"

struct weight_fact {
    const char *type;            /* "q4_1" */
    size_t      n_tensors;
    uint64_t    size;            /* bytes in the files */
};

struct engine_facts {
    const char  *architecture;   /* as the files call it; NULL: not found out */
    const char  *format;         /* "gguf" or "safetensors" */
    const char *const *files;
    size_t       n_files;
    uint64_t     n_parameters;
    const struct weight_fact *weights;   /* most bytes first */
    size_t       n_weights;
    struct {
        bool     known;          /* the tokenizer could be opened */
        const char *kind;
        size_t   size;
        int32_t  bos;            /* -1: none */
        const int32_t *eos;
        size_t   n_eos;
        bool     adds_bos;
    } tokenizer;
    bool         chat_template;
    const char  *chat_error;     /* the template does not compile; or NULL */

    bool         configured;     /* all below is known */
    uint32_t     n_layer, hidden_size, n_head, n_head_kv, head_dim;
    size_t       vocab_size;
    uint32_t     context_length;
    uint32_t     n_expert, n_expert_used, n_expert_shared;   /* 0: dense */
    struct {
        uint64_t weights_size;   /* bytes in memory once loaded */
        uint64_t kv_size_per_token;
        uint64_t scratch_size;
        uint64_t available;      /* what this machine has now */
        uint32_t ctx;            /* that would be used */
    } memory;
    const char  *kv_type;
    char         device[128];    /* "cpu/avx2, 2 threads"; empty: not opened */
};

struct engine_look;

/* Look at a model.  *out is set whenever the files could be opened at all, even
 * when the return value says why the model could not be loaded; engine_facts
 * then holds what could be read.  NULL: nothing could be. */
enum err engine_look_open(struct engine_look **out,
                          const struct engine_options *o,
                          struct err_info *why);
void     engine_look_close(struct engine_look *l);
const struct engine_facts *engine_look_facts(const struct engine_look *l);
/* For --tensors and --metadata. */
const struct checkpoint   *engine_look_checkpoint(const struct engine_look *l);

#endif
