#include "cli/verbs.h"

const struct verb *const verbs[] = {
    &verb_run, &verb_chat, &verb_serve, &verb_inspect, &verb_tokenize,
    &verb_detokenize, &verb_render, &verb_logits, &verb_perplexity,
    &verb_bench, &verb_models, NULL,
};

const struct verb *verb_find(const char *name)
{
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        if (slice_is(slice_of(name), (*v)->name))
            return *v;
    return NULL;
}
