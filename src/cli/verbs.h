/* What a person can type: one file per verb, one row here. */
#ifndef OSMIA_CLI_VERBS_H
#define OSMIA_CLI_VERBS_H

#include "cli/options.h"

extern const struct verb verb_run, verb_chat, verb_inspect, verb_tokenize,
                         verb_detokenize, verb_render, verb_logits,
                         verb_perplexity, verb_bench, verb_models, verb_serve;

/* In the order of --help; ends with NULL. */
extern const struct verb *const verbs[];

/* NULL: there is no such verb. */
const struct verb *verb_find(const char *name);

#endif
