#include "serve/health.h"
#include "base/mapguard.h"
#include "serve/server_own.h"

enum {
    BEAT_MAX_MS = 1500,     /* a beat comes every half second, and within steps
                               between layers */
    FAILED_MAX = 5          /* runs or steps in a row */
};

const char *health_engine_fault(const struct server *s)
{
    struct service_health h;

    if (s->service == NULL)
        return NULL;
    if (s->model_changed || mapguard_broken())
        return "the model's file has changed on disk";
    service_health(s->service, &h);
    return h.beat_age_ms > BEAT_MAX_MS ? "the engine is stuck" : NULL;
}

static const char *luck_fault(const struct server *s)
{
    struct service_health h;

    if (s->service == NULL)
        return NULL;
    service_health(s->service, &h);
    return h.n_failed >= FAILED_MAX || s->n_failed_row >= FAILED_MAX
        ? "the last generations have all failed" : NULL;
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
    const char *fault = health_engine_fault(s);
    return fault != NULL ? fault : luck_fault(s);
}

bool health_is_busy(const struct server *s)
{
    struct service_stats stats;

    if (s->service == NULL)
        return false;
    service_stats(s->service, &stats);
    return stats.n_running + stats.n_waiting > 0;
}
