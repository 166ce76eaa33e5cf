/* Every route there is: one file and one row each. */
#ifndef OSMIA_ROUTES_ROUTE_TABLE_H
#define OSMIA_ROUTES_ROUTE_TABLE_H

#include "serve/router.h"

extern const struct route
    route_apply_template, route_cancel, route_capabilities, route_chat,
    route_completions, route_delete, route_detokenize, route_execute,
    route_health, route_infer, route_info, route_jobs, route_metrics,
    route_model, route_models, route_progress, route_ready, route_root,
    route_shutdown, route_stream, route_tokenize;

/* Ends with NULL. */
extern const struct route *const route_table[];

#endif
