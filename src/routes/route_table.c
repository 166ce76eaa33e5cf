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
    NULL,
};
