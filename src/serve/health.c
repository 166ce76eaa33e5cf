#include "serve/health.h"
#include "serve/server_own.h"

const char *health_fault(const struct server *s, bool *loading)
{
    *loading = s->state == SERVE_LOADING;
    switch (s->state) {
    case SERVE_LOADING:
        return "the model is still being loaded";
    case SERVE_FAILED:
        return "the model could not be loaded";
    case SERVE_DRAINING:
    case SERVE_READY:
        break;
    }
    return NULL;
}

bool health_is_busy(const struct server *s)
{
    (void)s;
    return false;
}
