#include "serve/health.h"
#include "base/mapguard.h"
#include "serve/server_own.h"

enum {
    BEAT_MAX_MS = 1500,     /* a beat comes every half second, and within steps
                               between layers */
    FAILED_MAX = 5          /* runs or steps in a row */
};

static const char *engine_fault(const struct server *s)
{
    struct service_health h;

    if (s->model_changed || mapguard_broken())
        return "the model's file has changed on disk";
    service_health(s->service, &h);
    if (h.beat_age_ms > BEAT_MAX_MS)
        return "the engine is stuck";
    if (h.n_failed >= FAILED_MAX || s->n_failed_row >= FAILED_MAX)
        return "the last generations have all failed";
    return NULL;
}

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
    return s->service != NULL ? engine_fault(s) : NULL;
}

bool health_is_busy(const struct server *s)
{
    struct service_stats stats;

    if (s->service == NULL)
        return false;
    service_stats(s->service, &stats);
    return stats.n_running + stats.n_waiting > 0;
}
