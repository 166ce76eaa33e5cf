/* Health is computed from what the engine does, at the moment it is asked for:
 * never a flag that somebody has to remember to clear.
 *
 * The inference thread stamps the time between any two layers and twice a
 * second while idle.  A stamp older than BEAT_MAX_MS therefore says that the
 * thread is dead, blocked in the kernel (a disk that does not answer) or in an
 * endless loop; which of them makes no difference to a client. */
#include "serve/health.h"
#include "base/mapguard.h"
#include "serve/server_own.h"

enum {
    BEAT_MAX_MS = 1500,     /* a beat comes every half second, and within steps
                               between layers */
    FAILED_MAX = 5          /* runs or steps in a row */
};

static bool is_silent(const struct server *s)
{
    struct service_health h;

    service_health(s->service, &h);
    return h.beat_age_ms > BEAT_MAX_MS;
}

/* Ticks are counted, not the age of the beat: after the machine has slept, or the
 * process was stopped, the beat is old, but so is our last tick. */
void health_watch(struct server *s)
{
    if (s->service == NULL || s->engine_lost)
        return;
    s->n_silent = is_silent(s) ? s->n_silent + 1 : 0;
    if (s->n_silent <= s->opt.lost_ms / TICK_MS)
        return;
    s->engine_lost = true;
    log_event(&s->opt.log, LOG_LEVEL_ERROR, "error", "the inference thread has "
              "given no sign of life for %u ms; its jobs are given up",
              s->opt.lost_ms);
}

const char *health_engine_fault(const struct server *s)
{
    if (s->service == NULL)
        return NULL;
    if (s->model_changed || mapguard_broken())
        return "the model's file has changed on disk";
    return is_silent(s) ? "the inference thread is stuck or dead" : NULL;
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
