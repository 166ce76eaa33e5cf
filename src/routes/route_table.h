/* Every route there is: one file and one row each. */
#ifndef OSMIA_ROUTES_ROUTE_TABLE_H
#define OSMIA_ROUTES_ROUTE_TABLE_H

#include "serve/router.h"

extern const struct route route_capabilities, route_health, route_info,
                          route_metrics, route_progress, route_ready,
                          route_root, route_shutdown;

/* Ends with NULL. */
extern const struct route *const route_table[];

#endif
