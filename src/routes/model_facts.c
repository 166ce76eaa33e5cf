/* What the model's type is: the one that most of its bytes have.  Files mix
 * types (norms in f32, a head in q6_k), and people want one word. */
#include "routes/model_facts.h"

#include <stdio.h>

struct model_facts model_facts(const struct engine *e)
{
    const struct checkpoint *c = engine_checkpoint(e);
    uint64_t size[DTYPE_COUNT] = { 0 };
    struct model_facts f = { .type = dtype_get(DTYPE_F32) };

    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct tensor_info *t = &c->tensors[i];
        f.n_parameters += t->n_elements;
        size[t->dtype->id] += t->size;
        if (size[t->dtype->id] >= size[f.type->id])
            f.type = t->dtype;
    }
    f.is_quantized = f.type->block_len > 1;
    if (strcmp(c->format, "gguf") == 0)
        snprintf(f.tokenizer, sizeof f.tokenizer, "gguf-%s",
                 tok_kind(engine_tokenizer(e)));
    else
        snprintf(f.tokenizer, sizeof f.tokenizer, "hf-json");
    return f;
}
