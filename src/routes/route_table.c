#include "routes/route_table.h"

#include <stddef.h>

const struct route *const route_table[] = {
    &route_root, &route_health, &route_ready, &route_info, NULL,
};
