#include "routes/route_table.h"

#include <stddef.h>

const struct route *const route_table[] = {
    /* how it does */
    &route_root,
    &route_health,
    &route_ready,
    &route_progress,
    &route_info,
    &route_capabilities,
    &route_metrics,
    &route_shutdown,
    /* the worker contract */
    &route_jobs,
    &route_stream,
    &route_delete,
    &route_cancel,
    &route_execute,
    &route_infer,
    /* as OpenAI's clients know it */
    &route_models,
    &route_model,
    &route_chat,
    &route_completions,
    /* text, ids, prompts */
    &route_tokenize,
    &route_detokenize,
    &route_apply_template,
    NULL,
};
