/* What several routes say about the model that is loaded. */
#ifndef OSMIA_ROUTES_MODEL_FACTS_H
#define OSMIA_ROUTES_MODEL_FACTS_H

#include "engine/engine.h"

struct model_facts {
    const struct dtype *type;        /* of most bytes of its weights */
    uint64_t            n_parameters;
    bool                is_quantized;
    char                tokenizer[32];   /* "gguf-bpe", "hf-json" ... */
};

struct model_facts model_facts(const struct engine *e);

#endif
